import { startHostileReceiver, startReceiver } from '@posthorn/testkit'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { AttemptError } from '../../src/base/model.ts'
import { listDeliveries } from '../store/list-deliveries.ts'
import { cover, inFolder, startPosthorn } from './harness.ts'

const SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
const ANY = { state: null, endpoint: null, event: null, type: null, before: null, fromMs: null, toMs: null }

type Made = Awaited<ReturnType<typeof startPosthorn>>

/** Publishes one event to a URL and returns its delivery once that has ended. */
async function deliverTo(posthorn: Made, url: string, tenant: string) {
  await posthorn.tenants.put(tenant, {})
  await posthorn.endpoints.create(tenant, { url, clientSecret: SECRET, schedule: [] })
  await posthorn.publish(tenant, cover(1))
  const delivery = await vi.waitFor(
    async () => {
      const [found] = await listDeliveries(posthorn.store, tenant, ANY, 1)
      if (found === undefined || found.endedAtMs === null) throw new Error('the delivery has not ended')
      return found
    },
    { timeout: 15_000 },
  )
  return posthorn.deliveries.get(tenant, delivery.id)
}

type Kind = Parameters<typeof startHostileReceiver>[0]['kind']

/** The result for each kind of receiver: an error code, or null for a success if it did send a status. */
const EXPECTED: readonly (readonly [Kind, AttemptError | null, number?])[] = [
  ['hang', 'response_timeout'],
  ['hang_tls', 'connect_timeout'],
  ['drip_head', 'response_timeout'],
  ['endless_1xx', 'response_too_large'],
  ['interim_first', null],
  ['endless_reason', 'response_too_large'],
  ['protocol_change', 'response_malformed'],
  ['drip_body', null],
  ['flood', 'http_server_error', 500],
  ['flood', null, 200],
  ['reset_after_request', 'connection_reset'],
  ['reset_on_connect', 'connection_reset'],
  ['close_after_request', 'connection_reset'],
  ['bad_tls', 'tls_failed'],
  ['tls11', 'tls_failed'],
  ['expired_cert', 'tls_failed'],
  ['wrong_host', 'tls_failed'],
  ['untrusted', 'tls_failed'],
  ['redirect', 'http_redirect'],
  ['huge_head', 'response_too_large'],
  ['bad_http', 'response_malformed'],
  ['gzip_bomb', null],
]

describe('C3 C11: a receiver that misbehaves', () => {
  let shared: Promise<void>
  let end: () => void
  let posthorn: Made
  let authority: Parameters<Parameters<typeof inFolder>[0]>[1]

  beforeAll(async () => {
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    end = resolve
    await new Promise<void>((ready, reject) => {
      shared = inFolder(async (folder, made) => {
        authority = made
        posthorn = await startPosthorn(folder, made, { connectTimeoutMs: 700, responseTimeoutMs: 700 })
        ready()
        await ended
        await posthorn.stop()
      })
      shared.catch(reject)
    })
  })
  afterAll(async () => {
    end()
    await shared
  })

  it.concurrent.for(EXPECTED)('%s: %s', async ([kind, error, status], { expect }) => {
    const elsewhere = await startReceiver({ authority, names: ['localhost'] })
    const receiver = await startHostileReceiver({
      authority,
      kind,
      ...(status === undefined ? {} : { status }),
      ...(kind === 'redirect' ? { location: elsewhere.url } : {}),
      // Compressing the usual 100 MiB blocks this process for longer than the others' timeouts.
      ...(kind === 'gzip_bomb' ? { bytes: 1 << 22 } : {}),
    })
    const { delivery, attempts } = await deliverTo(posthorn, receiver.url, `${kind}-${status ?? 0}`)
    expect(attempts).toHaveLength(1)
    expect({ kind, error: attempts[0]!.error }).toEqual({ kind, error })
    expect(delivery.state).toBe(error === null ? 'delivered' : 'exhausted')
    expect(attempts[0]!.responseBody.length).toBeLessThanOrEqual(16_384)
    expect(elsewhere.total).toBe(0)
    await receiver.close()
    await elsewhere.close()
  })

  it("C14: can't get the secret recorded by echoing it, even where the kept bytes end", async () => {
    const receiver = await startReceiver({
      authority,
      names: ['localhost'],
      script: ({ headers }) => ({
        status: 400,
        headers: { 'x-echo': String(headers.authorization) },
        body: `${'.'.repeat(16_384 - 20)}${headers.authorization}, and ${encodeURIComponent(SECRET)}`,
      }),
    })
    const { attempts } = await deliverTo(posthorn, receiver.url, 'echo')
    const seen = JSON.stringify(attempts) + Buffer.from(attempts[0]!.responseBody).toString()
    expect(seen).not.toContain(SECRET.slice(0, 10))
    expect(seen).toContain('[secret]')
    expect(JSON.stringify(posthorn.lines)).not.toContain(SECRET)
    await receiver.close()
  })

  it('C3: a closed port and an unknown name fail the attempt', async () => {
    const receiver = await startReceiver({ authority, names: ['localhost'] })
    await receiver.stop()
    const { attempts } = await deliverTo(posthorn, receiver.url, 'down')
    expect(attempts[0]!.error).toBe('connect_refused')
    const lost = await deliverTo(posthorn, 'https://nowhere.localhost:4433/', 'lost')
    expect(['dns_failed', 'connect_refused']).toContain(lost.attempts[0]!.error)
  })
})
