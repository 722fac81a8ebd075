import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type ApiError,
  ConnectionError,
  JsonText,
  Posthorn,
  Publisher,
  PublisherError,
  type PublisherOptions,
} from '../src/index.ts'

type Sent = { readonly ms: number; readonly path: string; readonly key: string | null; readonly events: Json[] }
// biome-ignore lint/suspicious/noExplicitAny: what was sent is what the test is about
type Json = any
type Step = (sent: Sent) => Response | Promise<Response>

const stored: Step = ({ events }) =>
  Response.json({ data: events.map(({ payload }) => ({ id: `evt_${payload.n}` })) }, { status: 202 })
const problem =
  (status: number, code: string, errors: object[] = [], headers: Record<string, string> = {}): Step =>
  () =>
    Response.json(
      { type: 't', title: 'T', status, detail: 'D.', code, errors },
      { status, headers: { 'content-type': 'application/problem+json', ...headers } },
    )
const broken: Step = () => Promise.reject(new TypeError('fetch failed'))

/** A publisher whose calls get these responses in turn, and then are stored. */
function publisherOf(options: PublisherOptions = {}, steps: readonly Step[] = []) {
  const sent: Sent[] = []
  const posthorn = new Posthorn({
    url: 'http://posthorn.test',
    fetch: async (url, { headers, body }) => {
      const key = new Headers(headers).get('idempotency-key')
      const one = { ms: Date.now(), path: new URL(url).pathname, key, events: JSON.parse(body as string) }
      sent.push(one)
      return (steps[sent.length - 1] ?? stored)(one)
    },
  })
  return { sent, publisher: new Publisher(posthorn, { tenant: 'acme', ...options }) }
}

const numbers = (sent: readonly Sent[]) => sent.map(({ events }) => events.map(({ payload }) => payload.n))
const range = (count: number) => Array.from({ length: count }, (_item, n) => n)
const failed = (error: Error) => error
const ended = async <Result>(work: Promise<Result>): Promise<Result> => {
  await vi.runAllTimersAsync()
  return work
}

beforeEach(() => {
  vi.useFakeTimers({ now: 0 })
  vi.spyOn(Math, 'random').mockReturnValue(0)
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

describe('a publisher', () => {
  it('sends what is published within a few milliseconds in one call, and each event gets its own id', async () => {
    const { publisher, sent } = publisherOf()
    const first = [0, 1].map(n => publisher.publish('T', { n }, { key: `k${n}` }))
    await vi.advanceTimersByTimeAsync(4)
    const third = publisher.publish('T', { n: 2 })
    expect(await ended(Promise.all([...first, third]))).toEqual([{ id: 'evt_0' }, { id: 'evt_1' }, { id: 'evt_2' }])
    expect(sent.map(({ ms, path }) => [ms, path])).toEqual([[5, '/v1/tenants/acme/events']])
    expect(sent[0]!.events).toEqual([
      { type: 'T', key: 'k0', payload: { n: 0 } },
      { type: 'T', key: 'k1', payload: { n: 1 } },
      { type: 'T', payload: { n: 2 } },
    ])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('sends a payload that is JSON already as it is', async () => {
    const bodies: string[] = []
    const posthorn = new Posthorn({
      url: 'http://posthorn.test',
      fetch: async (_url, { body }) => {
        bodies.push(body as string)
        return Response.json({ data: [{ id: 'evt_1' }] }, { status: 202 })
      },
    })
    const publisher = new Publisher(posthorn, { tenant: 'acme' })
    await ended(publisher.publish('T', new JsonText('{ "b": 12345678901234567890, "1": 1.0 }')))
    expect(bodies).toEqual(['[{"type":"T","payload":{ "b": 12345678901234567890, "1": 1.0 }}]'])
  })

  it('sends a full batch without waiting, up to a number of events or of bytes', async () => {
    const { publisher, sent } = publisherOf({ maxBatch: 3, delayMs: 1_000 })
    for (const n of range(4)) void publisher.publish('T', { n })
    await vi.advanceTimersByTimeAsync(0)
    expect(numbers(sent)).toEqual([[0, 1, 2], [3]])
    const bytes = publisherOf({ maxBatchBytes: 70, delayMs: 1_000 })
    for (const n of range(4)) void bytes.publisher.publish('T', { n })
    void bytes.publisher.publish('T', { n: 'ü'.repeat(100) })
    void bytes.publisher.publish('T', { n: 5 })
    await vi.runAllTimersAsync()
    expect(numbers(bytes.sent)).toEqual([[0, 1], [2, 3], ['ü'.repeat(100)], [5]])
  })

  it('has one call for each tenant at a time, in the order of publishing, and only a few for all', async () => {
    let inFlight = 0
    let most = 0
    const slow: Step = async one => {
      inFlight++
      most = Math.max(most, inFlight)
      await new Promise(resolve => setTimeout(resolve, 100))
      inFlight--
      return stored(one)
    }
    const { publisher, sent } = publisherOf(
      { maxCalls: 2, maxBatch: 2 },
      Array.from({ length: 50 }, () => slow),
    )
    const tenants = ['a', 'b', 'c']
    const all = range(5).flatMap(n => tenants.map(tenant => publisher.publish('T', { n }, { tenant })))
    await ended(Promise.all(all))
    expect(most).toBe(2)
    for (const tenant of tenants) {
      const own = sent.filter(({ path }) => path.includes(`/${tenant}/`))
      expect(numbers(own).flat()).toEqual(range(5))
      for (const [at, { ms }] of own.slice(1).entries()) expect(ms).toBeGreaterThanOrEqual(own[at]!.ms + 100)
    }
  })

  it('serialises when it publishes, and refuses what it can not send', async () => {
    const { publisher, sent } = publisherOf()
    const payload = { n: 1 }
    const first = publisher.publish('T', payload)
    payload.n = 2
    await ended(first)
    expect(numbers(sent)).toEqual([[1]])
    await expect(publisher.publish('T', undefined)).rejects.toBeInstanceOf(TypeError)
    await expect(publisher.publish('T', () => 1)).rejects.toThrow('The payload is not a JSON value.')
    await expect(publisher.publish(undefined as unknown as string, {})).rejects.toBeInstanceOf(TypeError)
    await expect(publisher.publish('T', {}, { tenant: '..' })).rejects.toBeInstanceOf(TypeError)
    const { publisher: none } = publisherOf({ tenant: undefined })
    await expect(none.publish('T', {})).rejects.toThrow('An event needs a tenant.')
    expect([publisher.pending, sent.length]).toEqual([0, 1])
  })

  it.each([
    ['delayMs', -1],
    ['delayMs', 60_001],
    ['maxBatch', 0],
    ['maxPending', Number.NaN],
    ['giveUpAfterMs', -1],
  ])('refuses %s of %d', (name, value) => {
    expect(() => publisherOf({ [name]: value })).toThrow(`\`${name}\``)
  })
})

describe('events that are refused', () => {
  const fault = (index: number, rest = '/payload/a', reason = 'schema') => ({
    field: `/${index}${rest}`,
    detail: 'The value must be of type string.',
    reason,
  })

  it('fail alone, with the error that they would have got alone, and all others are stored in their order', async () => {
    const errors = [fault(1), fault(3), fault(3, '/payload/b')]
    const { publisher, sent } = publisherOf({}, [problem(422, 'invalid', errors)])
    const all = range(5).map(n => publisher.publish('T', { n }).catch(failed))
    const results = await ended(Promise.all(all))
    expect(numbers(sent)).toEqual([range(5), [0, 2, 4]])
    expect(sent[0]!.key).not.toBe(sent[1]!.key)
    expect(results.map(result => ('id' in result ? result.id : result.name))).toEqual([
      'evt_0',
      'ApiError',
      'evt_2',
      'ApiError',
      'evt_4',
    ])
    expect(results[1]).toMatchObject({
      code: 'invalid',
      status: 422,
      field: '/payload/a',
      message: 'POST /v1/tenants/acme/events: The value must be of type string.',
    })
    expect((results[3] as ApiError).fields.map(({ field }) => field)).toEqual(['/payload/a', '/payload/b'])
  })

  it('have the code of an archived type if that is all that is wrong with them', async () => {
    const errors = [fault(0, '/type', 'event_type_archived'), fault(1)]
    const { publisher } = publisherOf({}, [problem(422, 'invalid', errors)])
    const [archived, invalid] = await ended(Promise.all([0, 1].map(n => publisher.publish('T', { n }).catch(failed))))
    expect(archived).toMatchObject({ code: 'event_type_archived', status: 409, field: '/type' })
    expect(invalid).toMatchObject({ code: 'invalid', status: 422 })
  })

  it('are found by halving if the refusal does not name them', async () => {
    const refusing: Step = one =>
      one.events.some(({ payload }) => payload.n === 5) ? problem(400, 'bad_json')(one) : (stored(one) as Response)
    const { publisher, sent } = publisherOf(
      {},
      Array.from({ length: 20 }, () => refusing),
    )
    const results = await ended(Promise.all(range(8).map(n => publisher.publish('T', { n }).catch(failed))))
    expect(results.map(result => 'id' in result)).toEqual(range(8).map(n => n !== 5))
    expect(results[5]).toMatchObject({ code: 'bad_json' })
    const accepted = sent.filter(({ events }) => events.every(({ payload }) => payload.n !== 5))
    expect(numbers(accepted).flat()).toEqual([0, 1, 2, 3, 4, 6, 7])
  })

  it('for being too many or too large make later batches smaller', async () => {
    const limited: Step = one =>
      one.events.length > 3
        ? problem(422, 'invalid', [{ field: '/3', detail: 'D.', reason: 'too_many_events' }])(one)
        : stored(one)
    const { publisher, sent } = publisherOf(
      {},
      Array.from({ length: 50 }, () => limited),
    )
    const all = await ended(Promise.all(range(12).map(n => publisher.publish('T', { n }))))
    expect(all).toHaveLength(12)
    const first = sent.splice(0).length
    await ended(Promise.all(range(12).map(n => publisher.publish('T', { n }))))
    expect(numbers(sent)).toEqual([
      [0, 1, 2],
      [3, 4, 5],
      [6, 7, 8],
      [9, 10, 11],
    ])
    expect(first).toBeGreaterThan(4)
    // A proxy's limit.
    const html: Step = one =>
      JSON.stringify(one.events).length > 100 ? new Response('', { status: 413 }) : stored(one)
    const large = publisherOf(
      {},
      Array.from({ length: 50 }, () => html),
    )
    expect(await ended(Promise.all(range(12).map(n => large.publisher.publish('T', { n }))))).toHaveLength(12)
    large.sent.splice(0)
    await ended(Promise.all(range(6).map(n => large.publisher.publish('T', { n }))))
    expect(numbers(large.sent)).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ])
  })

  it('for being too large alone leave room for others in later batches', async () => {
    const limited: Step = one =>
      JSON.stringify(one.events).length > 1_000 ? problem(413, 'body_too_large')(one) : stored(one)
    const { publisher, sent } = publisherOf(
      {},
      Array.from({ length: 99 }, () => limited),
    )
    const payloads = range(16).map(n => (n === 1 ? { n, text: 'x'.repeat(1_000) } : { n }))
    const results = await ended(Promise.all(payloads.map(payload => publisher.publish('T', payload).catch(failed))))
    expect(results.map(result => 'id' in result)).toEqual(range(16).map(n => n !== 1))
    sent.splice(0)
    await ended(Promise.all(range(30).map(n => publisher.publish('T', { n }))))
    expect(Math.min(...sent.slice(0, -1).map(({ events }) => JSON.stringify(events).length))).toBeGreaterThan(450)
  })

  it('fail with what is wrong if the response is not as it should be, and later ones are stored', async () => {
    const odd: Step[] = [
      problem(422, 'invalid', [null as never]),
      () => Response.json({ data: [] }, { status: 202 }),
      () => Response.json(null, { status: 202 }),
    ]
    const { publisher } = publisherOf({ maxBatch: 1 }, odd)
    const results = await ended(Promise.all(range(4).map(n => publisher.publish('T', { n }).catch(failed))))
    expect(results.map(result => result instanceof Error)).toEqual([true, true, true, false])
    expect(publisher.pending).toBe(0)
  })

  it.each([
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [404, 'not_found'],
  ])('fail together if the call itself is refused: %d', async (status, code) => {
    const { publisher, sent } = publisherOf({}, [problem(status, code)])
    const results = await ended(Promise.all(range(3).map(n => publisher.publish('T', { n }).catch(failed))))
    expect(results.map(result => (result as ApiError).code)).toEqual([code, code, code])
    expect(sent).toHaveLength(1)
  })
})

describe('a server that is unavailable', () => {
  it('gets the same call again, with the same key and bytes, before anything that was published later', async () => {
    const down = Array.from({ length: 12 }, () => broken)
    const { publisher, sent } = publisherOf({}, [...down, problem(503, 'shutting_down', [], { 'retry-after': '3' })])
    const first = publisher.publish('T', { n: 0 })
    await vi.advanceTimersByTimeAsync(1_000)
    const second = publisher.publish('T', { n: 1 })
    expect(await ended(Promise.all([first, second]))).toEqual([{ id: 'evt_0' }, { id: 'evt_1' }])
    expect(numbers(sent)).toEqual([...Array.from({ length: 14 }, () => [0]), [1]])
    expect(new Set(sent.slice(0, 14).map(({ key }) => key)).size).toBe(1)
    expect(sent[13]!.ms - sent[12]!.ms).toBe(3_000)
  })

  it('is waited for as long as it asks, and then gets what was published, unless that is too long', async () => {
    const away = problem(503, 'overloaded', [], { 'retry-after': '120' })
    const { publisher, sent } = publisherOf({}, [away])
    expect(await ended(publisher.publish('T', { n: 0 }))).toEqual({ id: 'evt_0' })
    expect(sent.map(({ ms }) => ms)).toEqual([5, 120_005])
    const { publisher: other } = publisherOf({ giveUpAfterMs: 60_000 }, [away])
    const startMs = Date.now()
    expect(await ended(other.publish('T', {}).catch(failed))).toMatchObject({ retryAfterMs: 120_000 })
    expect(Date.now() - startMs).toBe(5)
  })

  it('is not asked all the time if it says that it may be', async () => {
    const { publisher, sent } = publisherOf(
      { giveUpAfterMs: 60_000 },
      Array.from({ length: 999 }, () => problem(503, 'busy', [], { 'retry-after': '0' })),
    )
    await ended(publisher.publish('T', { n: 0 }).catch(failed))
    expect(sent.length).toBeLessThan(15)
  })

  it('fails its events a while after they were published, each queue of events at the same time', async () => {
    const { publisher, sent } = publisherOf(
      { giveUpAfterMs: 10_000, maxBatch: 1 },
      Array.from({ length: 99 }, () => broken),
    )
    const results = range(3).map(n =>
      publisher.publish('T', { n }).then(
        () => 0,
        error => [error instanceof ConnectionError, Date.now()],
      ),
    )
    const [first, second, third] = await ended(Promise.all(results))
    expect([first, second, third].map(result => (result as unknown[])[0])).toEqual([true, true, true])
    expect((third as number[])[1]).toBeLessThan(11_000)
    expect(numbers(sent).flat()).toEqual(numbers(sent).flat().toSorted())
    expect(new Set(numbers(sent).flat()).size).toBe(3)
    expect(publisher.pending).toBe(0)
  })

  it('never gets a call divided whose outcome is unknown', async () => {
    const { publisher, sent } = publisherOf(
      { giveUpAfterMs: 1_000 },
      Array.from({ length: 99 }, () => problem(409, 'call_in_flight')),
    )
    const results = await ended(Promise.all(range(4).map(n => publisher.publish('T', { n }).catch(failed))))
    expect(new Set(results.map(result => (result as ApiError).code))).toEqual(new Set(['call_in_flight']))
    expect(new Set(sent.map(({ key }) => key)).size).toBe(1)
  })
})

describe('back-pressure', () => {
  const stuck: Step = () => new Promise(() => {})

  it('refuses events beyond a number or size of those that are pending, and says what to do', async () => {
    const { publisher } = publisherOf({ maxPending: 3 }, [stuck])
    for (const n of range(3)) void publisher.publish('T', { n })
    const error = await publisher.publish('T', {}).catch(failed)
    expect(error).toBeInstanceOf(PublisherError)
    expect(error).toMatchObject({ code: 'publisher_full', status: null, message: expect.stringContaining('`ready()`') })
    expect(publisher.pending).toBe(3)
    const { publisher: small } = publisherOf({ maxPendingBytes: 50 }, [stuck])
    void small.publish('T', { text: 'x'.repeat(100) })
    await expect(small.publish('T', {})).rejects.toMatchObject({ code: 'publisher_full' })
  })

  it('lets many writers in as there is room, none of which is refused', async () => {
    const slow: Step = async one => {
      await new Promise(resolve => setTimeout(resolve, 10))
      return stored(one)
    }
    const { publisher, sent } = publisherOf(
      { maxPending: 10, maxBatch: 4 },
      Array.from({ length: 999 }, () => slow),
    )
    let most = 0
    const writer = async (from: number) => {
      const own: Promise<unknown>[] = []
      for (const n of range(50)) {
        await publisher.ready()
        own.push(publisher.publish('T', { n: from + n }))
        most = Math.max(most, publisher.pending)
      }
      return Promise.all(own)
    }
    const all = await ended(Promise.all(range(8).map(at => writer(at * 100))))
    expect(all.flat()).toHaveLength(400)
    expect(most).toBe(10)
    expect(new Set(numbers(sent).flat()).size).toBe(400)
  })

  it('does not let a writer that publishes nothing take the place of another', async () => {
    const { publisher } = publisherOf({ maxPending: 1 })
    await publisher.ready()
    const waiting = publisher.ready()
    await vi.advanceTimersByTimeAsync(1)
    await waiting
    await ended(publisher.publish('T', { n: 1 }))
  })
})

describe('close', () => {
  it('sends what is pending at once, and resolves when it is stored', async () => {
    let isStored = false
    const slow: Step = async one => {
      await new Promise(resolve => setTimeout(resolve, 500))
      isStored = true
      return stored(one)
    }
    const { publisher, sent } = publisherOf({ delayMs: 10_000 }, [slow])
    const events = Promise.all(range(3).map(n => publisher.publish('T', { n })))
    const closed = publisher.close().then(() => isStored)
    expect(publisher.close()).toBe(publisher.close())
    await vi.advanceTimersByTimeAsync(0)
    expect(sent.map(({ ms }) => ms)).toEqual([0])
    expect(await ended(closed)).toBe(true)
    expect(await events).toHaveLength(3)
  })

  it('lets no later event in, and says so', async () => {
    const { publisher, sent } = publisherOf()
    await publisher.close()
    const error = await publisher.publish('T', {}).catch(failed)
    expect(error).toBeInstanceOf(PublisherError)
    expect(error).toMatchObject({
      code: 'publisher_closed',
      message: expect.stringContaining('The publisher is closed.'),
    })
    await publisher.ready()
    expect(sent).toEqual([])
  })

  it('is what the end of a block does', async () => {
    const { publisher, sent } = publisherOf()
    const use = async () => {
      await using own = publisher
      void own.publish('T', { n: 1 })
    }
    await ended(use())
    expect(numbers(sent)).toEqual([[1]])
  })

  it('waits while the server is unavailable, and ends when its signal says so, with no event left unsettled', async () => {
    const { publisher } = publisherOf(
      { maxBatch: 1 },
      Array.from({ length: 99 }, () => broken),
    )
    const results = range(2).map(n => publisher.publish('T', { n }).catch(error => error))
    const controller = new AbortController()
    let isClosed = false
    const closed = publisher.close({ signal: controller.signal }).then(() => {
      isClosed = true
    })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(isClosed).toBe(false)
    controller.abort('stop')
    await vi.advanceTimersByTimeAsync(0)
    await closed
    expect(await Promise.all(results)).toEqual(['stop', 'stop'])
    expect([publisher.pending, vi.getTimerCount()]).toEqual([0, 0])
  })
})

describe('the signal of an event', () => {
  it('takes it out of the queue, or gives up waiting for its call', async () => {
    const { publisher, sent } = publisherOf()
    const [early, late] = [new AbortController(), new AbortController()]
    const first = publisher.publish('T', { n: 0 }, { signal: early.signal }).catch(error => error)
    const second = publisher.publish('T', { n: 1 }, { signal: late.signal }).catch(error => error)
    early.abort('not needed')
    expect(await first).toBe('not needed')
    expect(publisher.pending).toBe(1)
    await vi.advanceTimersToNextTimerAsync()
    expect(await ended(second)).toEqual({ id: 'evt_1' })
    late.abort()
    expect(numbers(sent)).toEqual([[1]])
    await expect(publisher.publish('T', {}, { signal: early.signal })).rejects.toBe('not needed')
    expect(publisher.pending).toBe(0)
  })
})
