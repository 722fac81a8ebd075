import { describe, expect, it } from 'vitest'
import { Erasure } from '../../src/background/erasure.ts'
import { idBytes } from '../../src/base/ids.ts'
import { atOnce, log } from '../background/setup.ts'
import { PAYLOAD, SECRET, TYPE } from '../services/setup.ts'
import { anAttempt, aSettlement } from '../store/builders.ts'
import { type Json, refused, useApi } from './setup.ts'

const bench = useApi()
const { get, post, put, remove } = bench
const ACME = '/v1/tenants/acme'

const lines = (text: string): Json[] =>
  text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))

/** Creates an endpoint, an event with unusual bytes, and an attempt of its delivery. */
async function fill(key = 'one'): Promise<{ endpoint: string; event: string }> {
  const body = { url: 'https://hooks.example.com/a', clientSecret: SECRET, description: 'a\nb' }
  const endpoint = (await post(`${ACME}/endpoints`, body)).body.id
  const [event] = (
    await bench.publish(`{"type":"${TYPE}","key":"${key}","payload":\n{"CoverId":\r\n  ${PAYLOAD.slice(11)}}`)
  ).events
  const lane = await bench.store.readLane({
    endpoint,
    limit: 9,
    maxPayloadBytes: 0,
    partition: (await bench.store.read('getEndpoint', { tenant: 'acme', id: endpoint }))!.partition,
  })
  const attempt = anAttempt(1, {
    outcome: 'success',
    status: 200,
    error: null,
    responseBody: Buffer.from([0, 255, 10]),
  })
  const { epoch } = (await bench.store.write('takePartitions', { node: new Uint8Array(16) })).held[0]!
  await bench.store.settle(aSettlement(lane[0]!, { kind: 'delivered' }, { attempt, epoch }))
  return { endpoint, event: event!.id }
}

describe('the export of a tenant', () => {
  it('has everything except secrets, one object per line, and a last line that says it is complete', async () => {
    const { endpoint, event } = await fill()
    await put('/v1/tenants/other', {})
    await bench.endpoint({}, 'other')
    await bench.publishOne('other')
    const answer = await get(`${ACME}/export`)
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe('application/x-ndjson')
    const all = lines(answer.text)
    expect(all.map(({ kind }) => kind)).toEqual(['export', 'tenant', 'endpoint', 'event', 'delivery', 'attempt', 'end'])
    expect(all.at(-1)).toEqual({
      kind: 'end',
      complete: true,
      counts: { tenant: 1, endpoint: 1, notification: 0, event: 1, delivery: 1, attempt: 1 },
    })
    expect(all[2]).toMatchObject({ id: endpoint, url: 'https://hooks.example.com/a', description: 'a\nb' })
    expect(all[3]).toMatchObject({ id: event, key: 'one', payload: JSON.parse(PAYLOAD), payloadRemoved: false })
    expect(all[4]).toMatchObject({ event, endpoint, state: 'delivered', attemptCount: 1 })
    const { startedAt, durationMs, status, error } = all[5]!
    expect(all[4]!.lastAttempt).toEqual({ at: startedAt, durationMs, status, error })
    expect(all[5]).toMatchObject({ delivery: all[4]!.id, status: 200, responseBodyBase64: 'AP8K' })
    expect(answer.text).not.toContain(SECRET)
    expect(answer.text).not.toContain('ecret')
  })

  it('has every row in order of id, however many there are', { timeout: 60_000 }, async () => {
    await bench.endpoint()
    const count = 1_700
    for (let at = 0; at < count; at += 100) {
      const events = Array.from({ length: 100 }, () => ({ type: TYPE, payload: JSON.parse(PAYLOAD) }))
      await bench.publish(events)
    }
    const all = lines((await get(`${ACME}/export`)).text)
    expect(all.at(-1)!.counts).toMatchObject({ event: count, delivery: count })
    const ids = all.filter(({ kind }) => kind === 'delivery').map(({ id }) => id as string)
    expect(ids).toEqual([...new Set(ids)].sort())
  })

  it('continues behind an event or a delivery, so that a part of it and the rest are the whole', async () => {
    await fill()
    await fill('two')
    const whole = lines((await get(`${ACME}/export`)).text)
    const idsOf = (kind: string) => whole.filter(line => line.kind === kind).map(({ id }) => id as string)
    const restOf = async (after: string) => lines((await get(`${ACME}/export?after=${after}`)).text)
    const [event] = idsOf('event')
    const behindEvent = await restOf(event!)
    expect(behindEvent[0]).toMatchObject({ kind: 'export', tenant: 'acme' })
    expect(behindEvent.slice(1, -1)).toEqual(whole.slice(whole.findIndex(({ id }) => id === event) + 1, -1))
    const last = idsOf('delivery').at(-1)!
    expect((await restOf(last)).map(({ kind }) => kind)).toEqual(['export', 'end'])
    const [first] = idsOf('delivery')
    const behindDelivery = await restOf(first!)
    expect(behindDelivery.filter(({ kind }) => kind === 'delivery').map(({ id }) => id)).toEqual(
      idsOf('delivery').slice(1),
    )
    expect(behindDelivery.some(({ kind, delivery }) => kind === 'attempt' && delivery === first)).toBe(false)
    expect(behindDelivery.at(-1)).toMatchObject({
      complete: true,
      counts: { event: 0, delivery: idsOf('delivery').length - 1 },
    })
    expect(refused(await get(`${ACME}/export?after=ep_x`))).toEqual([422, 'invalid', ['after']])
  })

  it('is read as the caller takes it: a caller that disconnects ends it and frees its place', async () => {
    await bench.endpoint()
    await bench.publish(Array.from({ length: 600 }, () => ({ type: TYPE, payload: JSON.parse(PAYLOAD) })))
    for (let round = 0; round < 6; round++) {
      const open = await bench.exports.open('acme', true)
      await open.next()
      await open.return(undefined)
    }
    const four = await Promise.all([1, 2, 3, 4].map(() => bench.exports.open('acme', true)))
    for (const each of four) await each.next()
    expect(refused(await get(`${ACME}/export`))).toEqual([503, 'overloaded', []])
    for (const each of four) await each.return(undefined)
    expect((await get(`${ACME}/export`)).status).toBe(200)
  })

  it('is refused for an unknown tenant', async () => {
    expect(refused(await get('/v1/tenants/unknown/export'))).toEqual([404, 'not_found', []])
  })
})

describe('the erasure of a tenant', () => {
  it('is requested, reports its progress and cannot be undone', async () => {
    await fill()
    expect(refused(await get(`${ACME}/erasure`))).toEqual([404, 'not_found', []])
    const begun = await post(`${ACME}/erase`)
    expect([begun.status, begun.body.state]).toEqual([202, 'running'])
    expect((await get(ACME)).status).toBe(404)
    expect(refused(await put(ACME, {}))).toEqual([409, 'conflict', []])
    // Requesting it again returns the same erasure.
    expect((await post(`${ACME}/erase`)).body.requestedAt).toBe(begun.body.requestedAt)
    await new Erasure(bench.store, log).run(atOnce)
    const done = (await get(`${ACME}/erasure`)).body
    expect(done).toMatchObject({ tenant: 'acme', state: 'finished', finishedAt: expect.any(String) })
    expect(refused(await post(`${ACME}/erase`))).toEqual([404, 'not_found', []])
    expect((await put(ACME, {})).status).toBe(201)
    expect((await get(`${ACME}/events`)).body.data).toEqual([])
    expect((await get(`/v1/audit?tenant=acme`)).body.data.map(({ action }: Json) => action)).toContain('erased')
  })

  it('works for a tenant that was deleted before, and only for operators', async () => {
    const { key } = (await post('/v1/api-keys', { name: 'k', scope: 'all', tenant: 'acme' })).body
    expect((await post(`${ACME}/erase`, undefined, { key })).status).toBe(403)
    await remove(ACME)
    expect((await post(`${ACME}/erase`)).status).toBe(202)
  })
})

describe('the retention periods of a tenant', () => {
  it('are stored, returned and replaced with the tenant', async () => {
    const retention = { days: 10, payloadDays: 3 }
    expect((await put(ACME, { retention })).body.retention).toEqual({ days: 10, payloadDays: 3, answerDays: null })
    expect((await get(ACME)).body.retention).toEqual({ days: 10, payloadDays: 3, answerDays: null })
    expect((await put(ACME, { name: 'A' })).body.retention).toBeNull()
    for (const empty of [null, {}, { days: null }]) {
      expect((await put(ACME, { retention: empty })).body.retention, JSON.stringify(empty)).toBeNull()
    }
  })

  it.each([
    [{ days: 0 }, '/retention/days'],
    [{ days: 1.5 }, '/retention/days'],
    [{ days: 36_501 }, '/retention/days'],
    [{ days: '7' }, '/retention/days'],
    [{ payloadDays: -1 }, '/retention/payloadDays'],
    [{ days: 5, payloadDays: 6 }, '/retention/payloadDays'],
    [{ days: 5, answerDays: 6 }, '/retention/answerDays'],
    [{ day: 5 }, '/retention/day'],
    [[], '/retention'],
    ['30', '/retention'],
  ])('are refused if invalid: %j', async (retention, field) => {
    const [status, code, fields] = refused(await put(ACME, { retention }))
    expect([status, code]).toEqual([422, 'invalid'])
    expect(fields).toContain(field)
  })
})

describe('data past its retention period', () => {
  it('is marked as removed, and cannot be sent again', async () => {
    const { event } = await fill()
    const id = (await bench.list())[0]!.id
    await bench.run('update event set payload = $1 where id = $2', [new Uint8Array(0), idBytes(event)])
    await bench.store.write('removeAnswers', { tenant: 'acme', deliveries: [id], kept: [], mark: null })
    expect((await get(`${ACME}/events/${event}`)).body).toMatchObject({ payload: null, payloadRemoved: true })
    expect((await get(`${ACME}/events`)).body.data[0]).toMatchObject({ payload: null, payloadRemoved: true })
    const [attempt] = (await get(`${ACME}/deliveries/${id}`)).body.attempts
    expect(attempt).toMatchObject({ responseRemoved: true, responseBody: '', responseHeaders: [], status: 200 })
    const again = await post(`${ACME}/deliveries/${id}/retry`)
    expect(refused(again)).toEqual([409, 'conflict', []])
    expect(again.body.detail).toContain('payload')
    expect(lines((await get(`${ACME}/export`)).text)[3]).toMatchObject({ payload: null, payloadRemoved: true })
  })
})
