import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { delayBefore, MAX_RETRY_AFTER_MS, parseRetryAfter } from '../../src/http/retries.ts'
import { ApiError, ConnectionError, Posthorn, PosthornError, TimeoutError } from '../../src/index.ts'

const NAME = { method: 'GET', path: '/v1/tenants' }

const problem = (status: number, code: string, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify({ type: 't', title: 'T', status, detail: 'D.', code }), {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
  })

const ok = () => Response.json({ id: 'evt_1', duplicate: false })
const broken = () => Promise.reject(new TypeError('fetch failed'))

type Step = () => Response | Promise<Response>

/** A client whose requests get these responses in turn, and the requests that it sent with their times. */
function clientOf(steps: readonly Step[], maxRetries = 3) {
  const sent: { ms: number; key: string | null; body: unknown }[] = []
  const posthorn = new Posthorn({
    url: 'http://posthorn.test',
    maxRetries,
    fetch: async (_url, { headers, body }) => {
      sent.push({ ms: Date.now(), key: new Headers(headers).get('idempotency-key'), body })
      return (steps[sent.length - 1] ?? ok)()
    },
  })
  return { posthorn, sent }
}

beforeEach(() => {
  vi.useFakeTimers({ now: 0 })
  vi.spyOn(Math, 'random').mockReturnValue(0)
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** Lets all waits pass. */
async function ended<Result>(work: Promise<Result>): Promise<Result | PosthornError> {
  const result = work.catch(error => error)
  await vi.runAllTimersAsync()
  return result
}

describe('a call', () => {
  const event = { type: 'COVER_REFERENCE', payload: {} }

  it('that makes something is repeated with the same key and the same bytes, even if they changed meanwhile', async () => {
    const changing = { ...event, payload: { n: 1 } }
    const { posthorn, sent } = clientOf([
      broken,
      () => {
        changing.payload.n = 2
        return problem(503, 'store_unavailable')
      },
    ])
    expect(await ended(posthorn.events.publish('acme', changing))).toMatchObject({ id: 'evt_1' })
    expect(sent).toHaveLength(3)
    expect(new Set(sent.map(({ key }) => key)).size).toBe(1)
    expect(new Set(sent.map(({ body }) => body))).toEqual(new Set([JSON.stringify(event).replace('{}', '{"n":1}')]))
  })

  it('waits for as long as the server asks, and longer from time to time if it does not', async () => {
    const { posthorn, sent } = clientOf([
      () => problem(429, 'rate_limited', { 'retry-after': '7' }),
      () => problem(409, 'call_in_flight', { 'retry-after': 'Thu, 01 Jan 1970 00:00:09 GMT' }),
      () => problem(503, 'busy'),
    ])
    await ended(posthorn.events.publish('acme', event))
    expect(sent.map(({ ms }) => ms)).toEqual([0, 7_000, 9_000, 11_000])
  })

  it.each(['0', 'Wed, 31 Dec 1969 00:00:00 GMT'])(
    'takes the time that it would take anyway if asked for none: %s',
    async asked => {
      const { posthorn, sent } = clientOf(
        Array.from({ length: 3 }, () => () => problem(503, 'busy', { 'retry-after': asked })),
      )
      await ended(posthorn.events.publish('acme', event))
      expect(sent.map(({ ms }) => ms)).toEqual([0, 500, 1_500, 3_500])
    },
  )

  it('that can not be repeated safely is sent once if it is unknown whether it was carried out', async () => {
    for (const step of [broken, () => problem(503, 'store_unavailable'), () => new Response('', { status: 502 })]) {
      const { posthorn, sent } = clientOf([step])
      expect(await ended(posthorn.tenants.put('acme', {}))).toBeInstanceOf(PosthornError)
      const { posthorn: other, sent: published } = clientOf([step])
      await ended(other.events.publish('acme', event, { idempotencyKey: null }))
      expect([sent.length, published.length, published[0]!.key]).toEqual([1, 1, null])
    }
  })

  it('of any kind is repeated if the server says that it did not begin it', async () => {
    for (const [status, code] of [
      [429, 'rate_limited'],
      [503, 'overloaded'],
      [503, 'shutting_down'],
    ] as const) {
      const { posthorn, sent } = clientOf([() => problem(status, code)])
      await ended(posthorn.tenants.put('acme', {}))
      expect(sent).toHaveLength(2)
    }
  })

  it('takes the key of the caller', async () => {
    const { posthorn, sent } = clientOf([])
    await posthorn.events.publish('acme', event, { idempotencyKey: 'order-7' })
    expect(sent[0]!.key).toBe('order-7')
  })

  it('ends with the error of its last attempt', async () => {
    const { posthorn, sent } = clientOf(Array.from({ length: 9 }, () => () => problem(500, 'internal')))
    expect(await ended(posthorn.tenants.get('acme'))).toMatchObject({ code: 'internal', status: 500 })
    expect(sent).toHaveLength(4)
  })

  it('does not wait for a server that asks for more than a minute, and says how long it asked for', async () => {
    const { posthorn, sent } = clientOf([() => problem(429, 'rate_limited', { 'retry-after': '3600' })])
    expect(await ended(posthorn.tenants.get('acme'))).toMatchObject({ retryAfterMs: 3_600_000 })
    expect(sent).toHaveLength(1)
  })
})

describe('a time-out', () => {
  /** Like `fetch`: fails with the signal's reason, while it waits for the response or its body. */
  const hanging =
    (sends: 'nothing' | 'headers', sent: number[]) =>
    (_url: string, { signal }: RequestInit) => {
      sent.push(Date.now())
      const aborted = new Promise<never>((_resolve, reject) => {
        signal!.addEventListener('abort', () => reject(signal!.reason))
      })
      if (sends === 'nothing') return aborted
      const body = new ReadableStream({ start: controller => void aborted.catch(error => controller.error(error)) })
      return Promise.resolve(new Response(body, { headers: { 'content-type': 'application/json' } }))
    }

  it.each(['nothing', 'headers'] as const)('ends an attempt that gets %s, and the next one begins', async sends => {
    const sent: number[] = []
    const posthorn = new Posthorn({
      url: 'http://posthorn.test',
      fetch: hanging(sends, sent),
      timeoutMs: 1_000,
      maxRetries: 1,
    })
    const error = await ended(posthorn.tenants.get('acme'))
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({
      code: 'timed_out',
      message: 'GET /v1/tenants/acme: The server took too long to respond.',
    })
    expect(sent).toEqual([0, 1_500])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('leaves no timer and no listener behind', async () => {
    const { posthorn } = clientOf([() => problem(503, 'busy')])
    const { signal } = new AbortController()
    const added = vi.spyOn(signal, 'addEventListener')
    const removed = vi.spyOn(signal, 'removeEventListener')
    await ended(posthorn.tenants.get('acme', { signal }))
    expect(vi.getTimerCount()).toBe(0)
    expect(removed.mock.calls.length).toBeGreaterThan(0)
    expect(removed.mock.calls.map(([, listener]) => listener)).toEqual(added.mock.calls.map(([, listener]) => listener))
  })

  it('is not reported if the caller gave up', async () => {
    const sent: number[] = []
    const posthorn = new Posthorn({ url: 'http://posthorn.test', fetch: hanging('nothing', sent) })
    const controller = new AbortController()
    const reason = new Error('the page was closed')
    const call = ended(posthorn.tenants.get('acme', { signal: controller.signal }))
    controller.abort(reason)
    expect(await call).toBe(reason)
  })

  it('is not reported if the caller gave up before the request was sent either, which then is not sent', async () => {
    const { posthorn, sent } = clientOf([])
    const controller = new AbortController()
    const call = ended(posthorn.tenants.get('acme', { signal: controller.signal }))
    controller.abort('too late')
    expect(await call).toBe('too late')
    expect(sent).toEqual([])
  })

  it('of headers that are being fetched ends the attempt, and so does the caller', async () => {
    const { sent } = clientOf([])
    const posthorn = new Posthorn({
      url: 'http://posthorn.test',
      fetch: async () => ok(),
      headers: () => new Promise(() => {}),
      timeoutMs: 1_000,
      maxRetries: 0,
    })
    expect(await ended(posthorn.tenants.get('acme'))).toBeInstanceOf(TimeoutError)
    const controller = new AbortController()
    const call = posthorn.tenants.get('acme', { signal: controller.signal }).catch(error => error)
    await vi.advanceTimersByTimeAsync(500)
    controller.abort('enough')
    expect(await call).toBe('enough')
    expect([sent, vi.getTimerCount()]).toEqual([[], 0])
  })

  it('is not waited for between attempts either, and nothing is sent for a signal that was aborted before', async () => {
    const { posthorn, sent } = clientOf([() => problem(503, 'busy', { 'retry-after': '30' })])
    const controller = new AbortController()
    const call = posthorn.tenants.get('acme', { signal: controller.signal }).catch(error => error)
    await vi.advanceTimersByTimeAsync(1_000)
    controller.abort('enough')
    expect(await call).toBe('enough')
    await expect(posthorn.tenants.get('acme', { signal: controller.signal })).rejects.toBe('enough')
    expect(sent).toHaveLength(1)
  })
})

describe('whether a call is repeated', () => {
  const codes = [
    'internal',
    'busy',
    'overloaded',
    'shutting_down',
    'rate_limited',
    'conflict',
    'invalid',
    'call_in_flight',
  ]
  const errors = fc.oneof(
    fc
      .record({
        code: fc.constantFrom(...codes),
        status: fc.integer({ min: 400, max: 599 }),
        after: fc.option(fc.nat()),
      })
      .map(({ code, status, after }) => {
        const body = { type: 't', title: 'T', status, detail: 'D.', code: code as 'busy' }
        return new ApiError(NAME, body, { status, retryAfterMs: after })
      }),
    fc.constant(new ConnectionError(NAME, 'M.', { code: 'connection_failed' })),
    fc.constant(new TimeoutError(NAME, 'M.', { code: 'timed_out' })),
  )

  it('is never at once, never depends on luck, never means waiting less than asked or more than a minute, and is rarer for unsafe calls', () => {
    const random = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(fc.nat({ max: 100 }), errors, random, (retry, error, luck) => {
        const safe = delayBefore(retry, error, true, luck)
        const unsafe = delayBefore(retry, error, false, luck)
        expect(safe === undefined).toBe(delayBefore(retry, error, true, 0) === undefined)
        if (unsafe !== undefined) expect(['rate_limited', 'overloaded', 'shutting_down']).toContain(error.code)
        expect(safe === undefined && unsafe !== undefined).toBe(false)
        if (safe === undefined) return
        expect(safe).toBeGreaterThanOrEqual(Math.max(error.retryAfterMs ?? 0, 250))
        expect(safe).toBeLessThanOrEqual(MAX_RETRY_AFTER_MS * 1.1)
        expect(delayBefore(retry, error, true, luck, true)).toBe(safe)
      }),
    )
  })

  it('does not depend on how long the server asks to wait for what is patient, and that asks again after an hour', () => {
    const body = { type: 't', title: 'T', status: 503, detail: 'D.', code: 'busy' as const }
    const waits = [60_000, 600_000, 1e23].map(retryAfterMs => {
      const error = new ApiError(NAME, body, { status: 503, retryAfterMs })
      return [delayBefore(0, error, true, 0), delayBefore(0, error, true, 0, true)]
    })
    expect(waits).toEqual([
      [60_000, 60_000],
      [undefined, 600_000],
      [undefined, 3_600_000],
    ])
  })

  it('Retry-After is seconds or a date, and anything else is ignored', () => {
    const date = 'Thu, 01 Jan 1970 00:00:30 GMT'
    expect(['5', date, '-1', '', 'soon', null].map(parseRetryAfter)).toEqual([5_000, 30_000, null, null, null, null])
  })
})
