import fc from 'fast-check'
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { PosthornError } from '../../../src/base/errors.ts'
import type { KnownTypes } from '../../../src/catalogue/configuration-cache.ts'
import { BodyCheck } from '../../../src/publish/checking/body-check.ts'
import { CheckCosts } from '../../../src/publish/checking/check-costs.ts'
import { Checker } from '../../../src/publish/checking/checker.ts'
import { Publisher } from '../../../src/publish/publisher.ts'
import { faults, PAYLOAD, refusal, TYPE, useBench } from '../../services/setup.ts'

const bench = useBench()
const checker = new Checker(systemClock)
afterAll(() => checker.stop())
const LIMITS = { maxBatch: 20, maxDepth: 8 }

/** Sends every body to the thread. */
class AllCostly extends CheckCosts {
  override begin(): null {
    return null
  }
}

/** What a check tells the publisher. */
async function outcome(costs: CheckCosts, body: Uint8Array, types: KnownTypes) {
  let check: BodyCheck | undefined
  let refused: unknown = null
  try {
    check = new BodyCheck('acme', body, { costs, checker, limits: LIMITS })
    await check.against(types)
  } catch (error) {
    if (!(error instanceof PosthornError)) throw error
    refused = { code: error.code, detail: error.message, fields: error.fields }
  }
  // Of a body that is refused as a whole, no events are known.
  const { events } = check ?? {}
  const drafts = events?.drafts.map(({ type, key, hash, payload }, index) => ({
    type,
    key,
    hash: hash === null ? null : Buffer.from(hash).toString('hex'),
    payload: Buffer.from(payload).toString('latin1'),
    pointer: events.pointerToKey(index),
  }))
  return { refused, batch: events?.batch, drafts, hasErrors: events === undefined ? undefined : check?.hasErrors }
}

const value = fc.letrec(tie => ({
  any: fc.oneof(
    { maxDepth: 9 },
    fc.constantFrom('1', '-0', '1e400', 'null', '"a"', '"\\ud800"', '""', 'x'),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('any'), { maxLength: 3 }).map(parts => `[${parts.join(' , ')}]`),
  object: fc
    .array(fc.tuple(fc.constantFrom('a', 'b', '\\u0061', '__proto__', 'CoverId'), tie('any')), { maxLength: 3 })
    .map(members => `{${members.map(([name, inner]) => `"${name}":${inner}`).join(',')}}`),
})).any
const member = fc.oneof(
  fc.constantFrom(`"type":"${TYPE}"`, '"type":"NONE"', '"type":""', '"type":"GRADE_CHANGED"', '"type":"posthorn.x"'),
  fc.constantFrom('"key":"k"', '"id":"k"', '"key":" k"', '"key":1', '"other":1', '"ty\\u0070e":"T"'),
  fc.constantFrom(`"payload":${PAYLOAD}`, `"p\\u0061yload":  ${PAYLOAD}`),
  value.map(text => `"payload":${text}`),
)
const event = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .constantFrom('', '"key":"a",', '"id":"b",')
      .map(key => `{${key}"type":"${TYPE}","payload":${PAYLOAD}}`),
  },
  { weight: 4, arbitrary: fc.array(member, { maxLength: 4 }).map(members => `{${members.join(',')}}`) },
  value as fc.Arbitrary<string>,
)
const body = fc.oneof(
  event,
  fc.array(event, { maxLength: 6 }).map(events => ` [${events.join(',')}]`),
  fc
    .array(fc.constant(`{"type":"${TYPE}","payload":${PAYLOAD}}`), { minLength: 19, maxLength: 22 })
    .map(all => `[${all}]`),
  fc.string(),
)

it('C5: a body gets the same events, bytes and refusals in a thread as on the main thread', async () => {
  const types = await bench.publisher.configuration.catalogue.get()
  const [here, there] = [new CheckCosts(systemClock), new AllCostly(systemClock)]
  await fc.assert(
    fc.asyncProperty(body, fc.boolean(), async (text, isPadded) => {
      const bytes = Buffer.from(isPadded ? `\n${text} ` : text)
      expect(await outcome(there, bytes, types)).toEqual(await outcome(here, bytes, types))
    }),
    { numRuns: 600 },
  )
})

it('bytes that are not UTF-8, and a view of a larger buffer, are no exception', async () => {
  const types = await bench.publisher.configuration.catalogue.get()
  const [here, there] = [new CheckCosts(systemClock), new AllCostly(systemClock)]
  const whole = Buffer.from(`xx{"type":"${TYPE}","key":"k","payload":${PAYLOAD}}yy`)
  for (const bytes of [whole.subarray(2, -2), Buffer.from([0x7b, 0xff]), Buffer.from('\ufeff{}'), Buffer.alloc(0)]) {
    expect(await outcome(there, bytes, types)).toEqual(await outcome(here, bytes, types))
  }
})

/** More than the main thread takes at once. */
const large = (payload: object, count: number) =>
  Array.from({ length: count }, (_, at) => ({
    type: TYPE,
    key: `key-${at}`,
    payload: { ...JSON.parse(PAYLOAD), ...payload },
  }))

describe('a body that would take long', () => {
  it('C5 C13: is stored byte for byte, once, and matched at once where no filter is asked', async () => {
    await bench.endpoint()
    const events = large({ list: Array.from({ length: 60 }, (_, at) => at) }, 500)
    const first = await bench.publish(events)
    expect(first.events.map(({ key, deliveries }) => [key, deliveries])).toEqual(events.map(({ key }) => [key, 1]))
    for (const at of [0, 499]) {
      const stored = await bench.events.get('acme', first.events[at]!.id)
      expect(Buffer.from(stored.event.payload).toString()).toBe(JSON.stringify(events[at]!.payload))
    }
    const again = await bench.publish(events)
    expect(again.events).toEqual(first.events.map(each => ({ ...each, duplicate: true })))
    const conflict = await refusal(bench.publish(large({}, 500).concat(large({ list: Array(20_000).fill(1) }, 1))))
    expect(conflict.code).toBe('idempotency_conflict')
    expect(conflict.fields[0]!.field).toMatch(/^\/\d+\/key$/)
  })

  it('goes to the inbox where a filter is asked', async () => {
    await bench.endpoint({ filter: { CoverId: ['none'] } })
    const { events } = await bench.publish(large({ list: Array(60).fill(1) }, 500))
    expect(events.every(({ deliveries }) => deliveries === null)).toBe(true)
  })

  it('is refused for what is wrong with it', async () => {
    const wrong = large({ list: Array(60).fill(1) }, 500).map((each, at) =>
      at === 400 ? { ...each, payload: {} } : each,
    )
    expect(await faults(bench.publish(wrong))).toMatchObject([{ field: '/400/payload/CoverId', reason: 'schema' }])
    expect((await refusal(bench.publish(`{"payload":[${'1,'.repeat(50_000)}`))).code).toBe('bad_json')
    expect((await refusal(bench.publish(large({ list: Array(60).fill(1) }, 500), 'none'))).code).toBe('not_found')
  })
})

describe('a schema that is not proven to be quick', () => {
  const schema = { type: 'object', required: ['id'], properties: { id: { pattern: '^(a+)+$' } } }

  it('C1: validates payloads of any size, and filters get to see them', async () => {
    const type = { name: 'SLOW', group: 'g', description: 'd', schema, example: { id: 'a' }, schedule: null }
    await bench.store.write('putEventType', { type, nowMs: 1 })
    await bench.endpoint({ types: ['SLOW'], filter: { id: ['aa'] } })
    const { events } = await bench.publish([
      { type: 'SLOW', payload: { id: 'aa' } },
      { type: 'SLOW', payload: { id: 'a' } },
    ])
    expect(events.map(({ deliveries }) => deliveries)).toEqual([1, 0])
    expect(await faults(bench.publish({ type: 'SLOW', payload: { id: 'b' } }))).toMatchObject([
      { field: '/payload/id' },
    ])
  })

  it('refuses a payload that takes too long, and says which', async () => {
    const type = { name: 'SLOW', group: 'g', description: 'd', schema, example: { id: 'a' }, schedule: null }
    await bench.store.write('putEventType', { type, nowMs: 1 })
    const hasty = new Checker(systemClock, undefined, { quickMs: 20, slowMs: 50 })
    const publisher = new Publisher(bench.store, { ...LIMITS, idempotencyDays: 1 }, hasty)
    const slow = [
      { type: 'SLOW', payload: { id: 'a' } },
      { type: 'SLOW', payload: { id: `${'a'.repeat(40)}!` } },
    ]
    expect(await faults(publisher.publish('acme', Buffer.from(JSON.stringify(slow))))).toEqual([
      { field: '/1/payload', detail: expect.stringContaining('SLOW took too long'), reason: 'check_took_too_long' },
    ])
    await hasty.stop()
  })
})

describe('costs', () => {
  const body = (text: string, times: number) => Buffer.from(`[${text.repeat(times)}1]`)
  it('small bodies are for the main thread, and are counted from 2 KiB', () => {
    const costs = new CheckCosts(systemClock)
    expect(costs.begin('a', body('1,', 500))).toBeUndefined()
    expect(costs.begin('a', body('1,', 4_000))).toMatchObject({ tenant: 'a' })
  })

  it('large bodies are for a thread if they have many values', () => {
    const costs = new CheckCosts(systemClock)
    expect(costs.begin('a', body('1,', 50_000))).toBeNull()
    expect(costs.begin('a', body('[', 50_000))).toBeNull()
    expect(costs.begin('a', body('{"abcdef":1},', 10_000))).toBeNull()
    expect(costs.begin('a', Buffer.from(JSON.stringify('x'.repeat(100_000))))).toMatchObject({ tenant: 'a' })
    expect(costs.begin('a', Buffer.from(JSON.stringify('x'.repeat(1_000_000))))).toBeNull()
  })

  it('a tenant that has used more than its share has all but tiny bodies checked in a thread, for a while', () => {
    let nowMs = 0
    const costs = new CheckCosts({ ...systemClock, monotonicMs: () => nowMs })
    const some = body('1,', 2_000)
    for (let at = 0; at < 9; at++) {
      const begun = costs.begin('a', some)!
      costs.work(begun, () => {
        nowMs += 4
      })
      costs.end(begun)
    }
    expect(costs.begin('a', some)).toBeNull()
    expect(costs.begin('a', body('1,', 100))).toBeUndefined()
    expect(costs.begin('b', some)).toMatchObject({ tenant: 'b' })
    nowMs += 60
    expect(costs.begin('a', some)).toMatchObject({ tenant: 'a' })
  })

  it('what took longer than predicted is predicted to take longer', () => {
    let nowMs = 0
    let looks = 0
    // Every estimate looks at the same 128 bytes.
    const random = vi.spyOn(Math, 'random').mockImplementation(() => (looks++ % 128) / 128)
    onTestFinished(() => random.mockRestore())
    const costs = new CheckCosts({ ...systemClock, monotonicMs: () => nowMs })
    const batch = body('"abcdefghijklmnopqrstuvwxyz",', 400)
    for (let at = 0; at < 6; at++) {
      const begun = costs.begin('a', batch)
      if (begun == null) break
      costs.work(begun, () => {
        nowMs += 10
      })
      costs.end(begun)
      nowMs += 100
    }
    expect(costs.begin('a', batch)).toBeNull()
    nowMs += 100_000
    expect(costs.begin('a', batch)).toMatchObject({ tenant: 'a' })
  })
})
