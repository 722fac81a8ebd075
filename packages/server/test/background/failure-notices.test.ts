import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { payloadWith, whatToRead } from '../../src/background/failure-notices.ts'
import { operationalType } from '../../src/catalogue/operational-types.ts'
import { compileSchema } from '../../src/catalogue/schema.ts'
import type { DeliveryFailure } from '../../src/store/operations/deliveries/failure.ts'
import type { ReadyNotice } from '../../src/store/operations/notices.ts'
import { anAttempt, bytes } from '../store/builders.ts'

const AT = '2026-06-01T00:00:00.000Z'
const OF = { tenant: 'acme', endpoint: 'ep_1' }
const DISABLED = { ...OF, reason: 'gone', disabledAt: AT, delivery: 'dlv_1' }
const FAILING = { ...OF, days: 1, failingSince: AT, lastFailureAt: AT, disablesAt: null, delivery: 'dlv_1' }
const EXHAUSTED = {
  ...OF,
  count: 21,
  deliveries: [
    { delivery: 'dlv_1', event: 'evt_1', type: 'T' },
    { delivery: 'dlv_2', event: 'evt_2', type: 'T' },
  ],
  firstAt: AT,
  lastAt: AT,
}

const failure = (over: Partial<DeliveryFailure> = {}): DeliveryFailure => ({
  event: 'evt_1',
  type: 'T',
  key: 'k',
  payload: bytes('{"a":1}'),
  lastAttempt: anAttempt(3),
  keys: new Map([
    ['evt_1', 'k'],
    ['evt_2', 'l'],
  ]),
  ...over,
})

/** What is published of a notice, given what the store has of its delivery. */
function published(name: string, data: object, found: DeliveryFailure | null, tenant: string | null = 'acme') {
  const notice: ReadyNotice = { key: 'n', type: `posthorn.${name}`, tenant, payload: JSON.stringify(data) }
  const query = whatToRead(notice)
  const text = payloadWith(notice, query === null ? null : found)
  const compiled = compileSchema(operationalType(notice.type)!.schema)
  expect(compiled.ok && compiled.validate(JSON.parse(text)), text).toEqual([])
  return { text, data: JSON.parse(text), query }
}

const LAST_ATTEMPT = {
  at: new Date(anAttempt(3).startedAtMs).toISOString(),
  durationMs: 5,
  status: 500,
  error: 'http_server_error',
  responseHeaders: [['server', 'x']],
  responseBody: 'no',
  responseTruncated: false,
}
const EVIDENCE = { key: 'k', payload: { a: 1 }, payloadOmitted: false, lastAttempt: LAST_ATTEMPT }

describe('an operational event about a failure', () => {
  it.each([
    ['endpoint.disabled', DISABLED],
    ['endpoint.failing', FAILING],
  ])('posthorn.%s has key, payload and response of the delivery that failed last', (name, data) => {
    const found = published(name, data, failure())
    expect(found.data).toEqual({ ...data, event: 'evt_1', type: 'T', ...EVIDENCE })
    expect(found.query).toEqual({ tenant: 'acme', delivery: 'dlv_1', events: [], maxPayloadBytes: 16_384 })
  })

  it('posthorn.delivery.exhausted has the key of each delivery, payload and response of the first', () => {
    const found = published('delivery.exhausted', EXHAUSTED, failure())
    const deliveries = EXHAUSTED.deliveries.map((each, at) => ({ ...each, key: ['k', 'l'][at] }))
    expect(found.data).toEqual({ ...EXHAUSTED, deliveries, ...EVIDENCE })
    expect(found.query).toMatchObject({ delivery: 'dlv_1', events: ['evt_1', 'evt_2'] })
  })

  it('has none of it where a person disabled the endpoint, or where an earlier release noticed it', () => {
    const none = { key: null, payload: null, payloadOmitted: false, lastAttempt: null }
    const unknown = { delivery: null, event: null, type: null, ...none }
    const manual = { ...DISABLED, reason: 'manual', delivery: null }
    expect(published('endpoint.disabled', manual, failure()).data).toEqual({ ...manual, ...unknown })
    const { delivery: _, ...earlier } = FAILING
    const found = published('endpoint.failing', earlier, failure())
    expect(found.data).toEqual({ ...earlier, ...unknown })
    expect(found.query).toBeNull()
  })

  it('says that the payload is left out, if it is too large, removed, or gone with the delivery', () => {
    const without = published('endpoint.disabled', DISABLED, failure({ payload: null }))
    expect(without.data).toMatchObject({ key: 'k', payload: null, payloadOmitted: true })
    const gone = published('endpoint.disabled', DISABLED, null)
    expect(gone.data).toMatchObject({ event: null, key: null, payload: null, payloadOmitted: true, lastAttempt: null })
    const exhausted = published('delivery.exhausted', EXHAUSTED, null)
    expect(exhausted.data.deliveries.map(({ key }: { key: unknown }) => key)).toEqual([null, null])
  })

  it('has the payload as the bytes that it was published as', () => {
    const json = fc.json().map(text => ` ${text.replaceAll(',', ' , ')}`)
    const awkward = fc.constantFrom(
      '12345678901234567890',
      '1.0',
      '"\\u00e9\\/é"',
      '{"a":1,"a":2}',
      'null',
      '"\\ud800"',
    )
    fc.assert(
      fc.property(fc.oneof(json, awkward), payload => {
        const { text } = published('endpoint.failing', FAILING, failure({ payload: bytes(payload) }))
        expect(text.endsWith(`,"payload":${payload}}`)).toBe(true)
      }),
    )
  })

  it('has the first 4 KiB of a response, whatever bytes they are, and no half of a character', () => {
    const bodies = fc.oneof(
      fc.uint8Array({ maxLength: 5_000 }),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 9 }).map(text => bytes(text.repeat(1_500))),
    )
    fc.assert(
      fc.property(bodies, fc.boolean(), (responseBody, responseTruncated) => {
        const lastAttempt = anAttempt(1, { responseBody, responseTruncated })
        const { data } = published('endpoint.failing', FAILING, failure({ lastAttempt }))
        const isCut = responseBody.length > 4_096
        expect(data.lastAttempt.responseTruncated).toBe(responseTruncated || isCut)
        const whole = Buffer.from(responseBody).toString()
        if (isCut) expect(whole.startsWith(data.lastAttempt.responseBody)).toBe(true)
        else expect(data.lastAttempt.responseBody).toBe(whole)
        expect(data.lastAttempt.responseBody.length).toBeGreaterThanOrEqual(isCut ? 1_000 : 0)
      }),
    )
  })

  it('that is about anything else, or about no tenant, stays as it is', () => {
    const replay = { tenant: 'acme', replay: 'r', key: null, state: 'done', deliveries: 1, finishedAt: AT }
    expect(published('replay.finished', replay, failure()).text).toBe(JSON.stringify(replay))
    const lost = { node: 'n', leaseEndedAt: null, noticedAt: AT }
    expect(published('node.lost', lost, failure(), null).text).toBe(JSON.stringify(lost))
  })
})
