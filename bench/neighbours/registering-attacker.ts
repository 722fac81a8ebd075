/** An attacker that registers endpoints and publishes, both over the API. */
import { randomBytes } from 'node:crypto'
import { EVENT_TYPE, makePayload } from '../events.ts'
import type { Posthorn } from '../posthorn.ts'

/** Calls at the same time while endpoints are being registered. */
const AT_ONCE = 16

/** Registers an endpoint for each URL. */
export async function registerAll(posthorn: Posthorn, tenant: string, urls: readonly string[]): Promise<void> {
  await posthorn.call('PUT', `tenants/${tenant}`, {})
  const rest = [...urls]
  const register = async () => {
    for (let url = rest.pop(); url !== undefined; url = rest.pop()) {
      const clientSecret = randomBytes(24).toString('base64url')
      await posthorn.call('POST', `tenants/${tenant}/endpoints`, { url, clientSecret, types: [EVENT_TYPE] })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, register))
}

/** Publishes one event per call at a steady rate until `signal` is aborted, and waits for the calls. */
export async function publishSteadily(
  posthorn: Posthorn,
  tenant: string,
  perSecond: number,
  signal: AbortSignal,
): Promise<void> {
  const calls: Promise<unknown>[] = []
  for (let serial = 0; !signal.aborted; serial++) {
    const payload = JSON.parse(makePayload(serial)) as unknown
    calls.push(posthorn.call('POST', `tenants/${tenant}/events`, { type: EVENT_TYPE, payload }))
    await new Promise(resolve => setTimeout(resolve, 1_000 / perSecond))
  }
  await Promise.all(calls)
}
