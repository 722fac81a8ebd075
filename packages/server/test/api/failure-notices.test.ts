/** What operational events report about failures, from the failure to the receiver of the event. */
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Notices } from '../../src/background/notices.ts'
import { systemClock } from '../../src/base/clock.ts'
import { DAY_MS } from '../../src/base/durations.ts'
import { operationalType } from '../../src/catalogue/operational-types.ts'
import { compileSchema } from '../../src/catalogue/schema.ts'
import { SECRET } from '../services/setup.ts'
import { ENDPOINTS, EVENT, EVENTS, useSending, WAIT } from './sending.ts'
import type { Json } from './setup.ts'

const TYPES = ['posthorn.delivery.exhausted', 'posthorn.endpoint.failing', 'posthorn.endpoint.disabled']
const BODY = 'no room for order 7'

const bench = useSending(({ path, headers }) => {
  if (path === '/operator' || path === '/own') return { status: 204 }
  const status = path === '/gone' ? 410 : 503
  return { status, headers: { 'x-echo': String(headers.authorization) }, body: `${BODY} ${headers.authorization}` }
})
const { get, post, create } = bench
const keyed = (key: string, payload: object = EVENT.payload) => ({ ...EVENT, id: key, payload })

let notices: Notices

beforeEach(async () => {
  await create('/operator', { types: TYPES }, 'posthorn')
  await create('/own', { types: TYPES })
  notices = new Notices(bench.store, bench.publisher, systemClock, pino({ level: 'silent' }))
  notices.start()
})
afterEach(() => notices.stop())

/** The payload of the only operational event that was delivered to a path, checked against its type's schema. */
async function reported(path: string, type: string): Promise<Json> {
  const at = () => bench.receiver.requests.filter(request => request.path === path)
  await expect.poll(() => at().length, WAIT).toBe(1)
  const data = JSON.parse(at()[0]!.body.toString())
  const compiled = compileSchema(operationalType(type)!.schema)
  expect(compiled.ok && compiled.validate(data)).toEqual([])
  return data
}

/** The last attempt as it should be reported, from the delivery as the API shows it. */
function lastAttemptOf({ attempts }: Json): Json {
  const { startedAt: at, durationMs, status, error, responseHeaders, responseBody, responseTruncated } = attempts.at(-1)
  return { at, durationMs, status, error, responseHeaders, responseBody, responseTruncated }
}

describe('an operational event', () => {
  it('about an exhausted delivery has the key, the payload and the response, for operator and tenant alike', async () => {
    const endpoint = await create('/no', { schedule: [], types: [EVENT.type] })
    const delivery = await bench.publishAndWait(1, {}, keyed('order-7'))
    const { id, event, type } = delivery
    const lastAttempt = lastAttemptOf(delivery)
    for (const path of ['/operator', '/own']) {
      const data = await reported(path, 'posthorn.delivery.exhausted')
      expect(data).toMatchObject({ tenant: 'acme', endpoint, count: 1 })
      expect(data.deliveries).toEqual([{ delivery: id, event, type, key: 'order-7' }])
      expect(data).toMatchObject({ key: 'order-7', payload: EVENT.payload, payloadOmitted: false, lastAttempt })
      expect(JSON.stringify(data)).not.toContain(SECRET)
    }
    expect(lastAttempt).toMatchObject({ status: 503, error: 'http_server_error' })
    expect(lastAttempt.responseBody).toBe(`${BODY} Bearer [secret]`)
    expect(lastAttempt.responseHeaders).toContainEqual(['x-echo', 'Bearer [secret]'])
    const listed = (await get('/v1/tenants/posthorn/events')).body.data
    expect(listed.map(({ payload }: Json) => [payload.key, payload.payload])).toEqual([['order-7', EVENT.payload]])
  })

  it('about an endpoint that is gone has what its last delivery was', async () => {
    const endpoint = await create('/gone', { types: [EVENT.type] })
    const delivery = await bench.publishAndWait(1, {}, keyed('order-8'))
    const data = await reported('/own', 'posthorn.endpoint.disabled')
    const { id, event, type } = delivery
    expect(data).toMatchObject({ endpoint, reason: 'gone', delivery: id, event, type, key: 'order-8' })
    expect(data).toMatchObject({ payload: EVENT.payload, payloadOmitted: false, lastAttempt: lastAttemptOf(delivery) })
  })

  it('about a failing endpoint has it, too, and says that a large payload is left out', async () => {
    const endpoint = await create('/no', { types: [EVENT.type] })
    const large = { ...EVENT.payload, filling: 'x'.repeat(16_384) }
    const delivery = await bench.publishAndWait(1, {}, keyed('order-9', large))
    const nowMs = bench.store.now() + DAY_MS
    const claim = { tenant: 'acme', endpoint, nowMs, lastFailureMs: nowMs, delivery: delivery.id }
    await bench.store.write('escalateFailing', { ...claim, disableAfterMs: 5 * DAY_MS })
    await bench.run('update notice set due_ms = 0')
    const data = await reported('/own', 'posthorn.endpoint.failing')
    expect(data).toMatchObject({ endpoint, delivery: delivery.id, event: delivery.event, key: 'order-9' })
    expect(data).toMatchObject({ payload: null, payloadOmitted: true, lastAttempt: lastAttemptOf(delivery) })
  })

  it('about an endpoint that a person disabled has no delivery', async () => {
    const endpoint = await create('/no')
    await post(`${ENDPOINTS}/${endpoint}/disable`)
    const nothing = { delivery: null, event: null, type: null, key: null, payload: null, lastAttempt: null }
    expect(await reported('/own', 'posthorn.endpoint.disabled')).toMatchObject({ reason: 'manual', ...nothing })
  })

  it('that gathers deliveries has the payload and the response of the first, and the key of each', async () => {
    await notices.stop()
    await create('/no', { schedule: [], types: [EVENT.type] })
    const events = ['a', 'b', 'c'].map((key, at) => keyed(key, { ...EVENT.payload, at }))
    for (const event of events) await bench.publishAndWait(1, {}, event)
    notices = new Notices(bench.store, bench.publisher, systemClock, pino({ level: 'silent' }))
    notices.start()
    const data = await reported('/own', 'posthorn.delivery.exhausted')
    expect(data.deliveries.map(({ key }: Json) => key)).toEqual(['a', 'b', 'c'])
    expect(data).toMatchObject({ count: 3, key: 'a', payload: { at: 0 } })
    const of = (await get(`${EVENTS}/${data.deliveries[0].event}`)).body
    expect(of.deliveries[0].lastAttempt.at).toBe(data.lastAttempt.at)
  })
})
