/** Attacking tenants whose endpoints are stored directly, as before there were limits, and never sent to. */
import { newId } from '../../packages/server/src/base/ids.ts'
import type { Endpoint, PayloadFilter } from '../../packages/server/src/base/model.ts'
import type { Store } from '../../packages/server/src/store/store.ts'
import { EVENT_TYPE, makePayload } from '../events.ts'
import { anEndpoint } from '../filling.ts'
import type { Posthorn } from '../posthorn.ts'

export type StoredEndpoint = { readonly types: Endpoint['types']; readonly filter: PayloadFilter }

const STORED_AT_ONCE = 200

/** Stores endpoints that are disabled, so that their deliveries are held. */
export async function storeEndpoints(
  store: Store,
  tenant: string,
  count: number,
  make: (nth: number) => StoredEndpoint,
): Promise<void> {
  await store.write('putTenant', { id: tenant, name: null, metadata: {}, nowMs: 1 })
  for (let from = 0; from < count; from += STORED_AT_ONCE) {
    const some = Array.from({ length: Math.min(STORED_AT_ONCE, count - from) }, (_, index) => {
      const endpoint = anEndpoint({ id: newId('ep', Date.now()), tenant, partition: (from + index) % 256 })
      return { ...endpoint, ...make(from + index), state: 'disabled', disabledReason: 'manual' } as const
    })
    await Promise.all(some.map(endpoint => store.write('createEndpoint', { endpoint })))
  }
}

/** Makes calls at a steady rate, one event each, until `signal` is aborted. Waits for them, and returns their ids. */
export async function publishUntil(
  { url, apiKey }: Posthorn,
  signal: AbortSignal,
  { perSecond, make }: { readonly perSecond: number; readonly make: (nth: number) => { tenant: string; body: string } },
): Promise<{ tenant: string; id: string }[]> {
  const calls: Promise<{ tenant: string; id: string }>[] = []
  for (let nth = 0; !signal.aborted; nth++) {
    const { tenant, body } = make(nth)
    calls.push(publishOne(`${url}/v1/tenants/${tenant}/events`, apiKey, body).then(id => ({ tenant, id })))
    await new Promise(resolve => setTimeout(resolve, 1_000 / perSecond))
  }
  return Promise.all(calls)
}

async function publishOne(url: string, apiKey: string, body: string): Promise<string> {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body })
  if (response.status !== 202) throw new Error(`${url} returned ${response.status}: ${await response.text()}`)
  return ((await response.json()) as { id: string }).id
}

/** An event with more members in its payload. */
export const eventWith = (serial: number, members: object): string =>
  JSON.stringify({ type: EVENT_TYPE, payload: { ...JSON.parse(makePayload(serial)), ...members } })
