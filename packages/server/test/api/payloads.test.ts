import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { maySeePayloads } from '../../src/api/http/access.ts'
import { Idempotency } from '../../src/api/http/idempotency.ts'
import { showsPayloads } from '../../src/api/http/payloads.ts'
import { type Api, createRoutes, type Route, type Routes } from '../../src/api/http/routes.ts'
import { RESOURCES } from '../../src/api/resource-list.ts'
import type { ApiKey } from '../../src/base/callers.ts'
import { anInbox, arrive, isInboxEmpty } from '../publish/arrivals.ts'
import { PAYLOAD, TYPE } from '../services/setup.ts'
import { Reading } from '../services/streaming.ts'
import { anAttempt, aSettlement } from '../store/builders.ts'
import { type Answer, ApiBench, type Json, KEY, refused } from './setup.ts'

const bench = new ApiBench()
const ACME = '/v1/tenants/acme'
/** In every payload and every response of a receiver, and nowhere else. */
const MARKER = 'only-for-those-who-may'
const MARKED = `${PAYLOAD.slice(0, -1)},"note":"${MARKER}"}`

const EXPLAINED = (quote: string) =>
  `The token server responded with 403${quote}. Check the URL, the client and the scope in oauth.`

const known: Record<string, string[]> = { tenant: ['acme'], name: [TYPE], token: ['pnc_none'] }
let hidden: string

beforeAll(async () => {
  await bench.openApi()
  const id = await bench.endpoint()
  const { events } = await bench.publish(`{"type":"${TYPE}","id":"k","payload":${MARKED}}`)
  const endpoint = await bench.store.read('getEndpoint', { tenant: 'acme', id })
  const { partition } = endpoint!
  const [item] = await bench.store.readLane({ endpoint: id, partition, limit: 1, maxPayloadBytes: 0 })
  const detail = { code: 'token_refused', value: `403 "${MARKER}"` }
  const answer = { responseHeaders: ['x-note', MARKER], responseBody: Buffer.from(MARKER), detail }
  const attempt = anAttempt(1, { outcome: 'success', status: 200, error: null, ...answer })
  const { epoch } = (await bench.store.write('takePartitions', { node: new Uint8Array(16) })).held[0]!
  await bench.store.settle(aSettlement(item!, { kind: 'delivered' }, { attempt, epoch }))
  const rejected = await arrive(bench, ['ghost', TYPE, MARKED])
  const { inbox } = anInbox(bench)
  inbox.start()
  await vi.waitUntil(() => isInboxEmpty(bench.store), { timeout: 10_000 })
  await inbox.stop()
  const key = await bench.apiKeys.create({ name: 'k', scope: 'all', payloads: false })
  hidden = key.secret
  known.id = [id, events[0]!.id, item!.delivery, rejected, key.key.id]
})
afterAll(() => bench.closeApi())

/** The operations whose routes say that they show payloads. */
function declared(): string[] {
  const found: string[] = []
  const add = (_path: string, { operationId, payloads }: Route) => {
    if (payloads === 'shown') found.push(operationId)
  }
  const routes: Routes = { get: add, post: add, put: add, patch: add, delete: add }
  for (const resource of RESOURCES) resource.add(routes, {} as never, { egressAddresses: [] } as never)
  return found.sort()
}

/** Every URL that reads something, with each known id in each place. */
function urls(): { id: string; url: string }[] {
  return Object.entries(bench.document.paths).flatMap(([path, item]: [string, Json]) => {
    if (item.get === undefined) return []
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1]!)
    const filled = names.reduce<string[]>(
      (paths, name) => paths.flatMap(each => known[name]!.map(value => each.replace(`{${name}}`, value))),
      [path],
    )
    return filled.map(url => ({ id: item.get.operationId, url }))
  })
}

/**
 * A stream has no end of its own: it is ended after some events. What it shows is sent a moment after another reader has
 * seen it, so all but the last of them are there by then.
 */
async function readStream(url: string, key = KEY): Promise<Answer> {
  const answer = bench.get(url, { key })
  await vi.waitUntil(() => bench.streams.size === 1)
  const other = await new Reading().open(bench.streams)
  const seen: string[] = []
  for (let count = 0; count < 5; count++) {
    const { events } = await bench.publish(`{"type":"${TYPE}","payload":${MARKED}}`)
    seen.push(events[0]!.id)
    await other.untilSeen(`event ${events[0]!.id}`)
  }
  bench.streams.endAll()
  const ended = await answer
  expect(
    seen.some(id => ended.text.includes(id)),
    url,
  ).toBe(true)
  return ended
}

describe('the permission `payloads`', () => {
  it('is had by the root key and by keys that were created with it, and never without a key', () => {
    const key = (payloads: boolean) => ({ key: { payloads } as ApiKey })
    expect([{ key: null }, key(true), key(false), null].map(maySeePayloads)).toEqual([true, true, false, false])
  })

  it('is needed for whatever shows a payload or a response, and no call shows one without it', async () => {
    const shown = new Set<string>()
    for (const { id, url } of urls()) {
      const [all, without] = url.endsWith('/stream')
        ? [await readStream(`${url}?payloads=true`), await readStream(url, hidden)]
        : [await bench.get(url), await bench.get(url, { key: hidden })]
      if (all.text.includes(MARKER)) shown.add(id)
      expect(without.text, url).not.toContain(MARKER)
    }
    expect([...shown].sort()).toEqual(declared())
  })

  it('leaves everything else as it is, and each thing says what is hidden', async () => {
    const [, event, delivery, rejected] = known.id!
    const both = async (url: string) => [(await bench.get(url)).body, (await bench.get(url, { key: hidden })).body]
    for (const url of [`${ACME}/events/${event}`, `${ACME}/events`, '/v1/rejected-events']) {
      const [shown, without] = await both(url)
      const one = (body: Json) => body.data?.find(({ id }: Json) => [event, rejected].includes(id)) ?? body
      expect(one(shown)).toMatchObject({ payload: JSON.parse(MARKED), payloadHidden: false })
      expect(one(without)).toEqual({ ...one(shown), payload: null, payloadHidden: true })
    }
    const [shown, without] = await both(`${ACME}/deliveries/${delivery}`)
    const answer = { responseHeaders: [['x-note', MARKER]], responseBody: MARKER, responseHidden: false }
    expect(shown.attempts[0]).toMatchObject(answer)
    expect(shown.attempts[0]).toMatchObject({ detail: 'token_refused', explanation: EXPLAINED(` "${MARKER}"`) })
    const none = { responseHeaders: [], responseBody: '', responseHidden: true, explanation: EXPLAINED('') }
    expect(without).toEqual({ ...shown, attempts: [{ ...shown.attempts[0], ...none }] })
  })

  it('decides whether it is shown what is wrong with the payload of a rejected event, and its members', async () => {
    const own = `${PAYLOAD.slice(0, -1)},"${MARKER}":1,"${MARKER}":2}`
    await arrive(bench, ['acme', TYPE, own])
    await arrive(bench, ['acme', 'NOT_THERE', `{"${MARKER}":1}`])
    const { inbox } = anInbox(bench)
    inbox.start()
    await vi.waitUntil(() => isInboxEmpty(bench.store), { timeout: 10_000 })
    await inbox.stop()
    for (const url of ['/v1/rejected-events?tenant=acme', `${ACME}/events`, `${ACME}/export`]) {
      expect((await bench.get(url)).text, url).toContain(`The key \\"${MARKER}\\" appears twice`)
      expect((await bench.get(url, { key: hidden })).text, url).not.toContain(MARKER)
    }
    const { data } = (await bench.get('/v1/rejected-events?tenant=acme', { key: hidden })).body
    expect(data.map(({ rejected }: Json) => rejected)).toEqual([
      [{ field: '/type', detail: expect.stringContaining('NOT_THERE'), reason: 'unknown_type' }],
      [{ field: '/payload', detail: expect.stringContaining('permission `payloads`'), reason: 'duplicate_key' }],
    ])
  })

  it('decides whether the refusal of a schema shows which events it would reject, and why', async () => {
    const { schema, ...type } = (await bench.get(`/v1/event-types/${TYPE}`)).body
    const { group, description, example } = type
    const guess = { ...schema, properties: { ...schema.properties, note: { enum: ['a guess'] } } }
    const body = { group, description, example, schema: guess }
    const shown = await bench.put(`/v1/event-types/${TYPE}`, body)
    const without = await bench.put(`/v1/event-types/${TYPE}`, body, { key: hidden })
    for (const answer of [shown, without]) {
      expect(refused(answer)).toEqual([409, 'schema_conflict', ['/schema']])
      expect(answer.body.detail).toMatch(/would reject (\d+) of the \1 recent events/)
    }
    expect(shown.body.errors[0].detail).toContain('/note: ')
    expect(shown.body.errors[0].detail).toContain('such as evt_')
    expect(without.text).not.toMatch(/evt_|note/)
    expect(without.body.errors[0].detail).toContain('permission `payloads`')
  })

  it('decides what an export has, and its lines say what they lack', async () => {
    const lines = async (key?: string): Promise<Json[]> => {
      const { text } = await bench.get(`${ACME}/export`, key === undefined ? {} : { key })
      return text
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line))
    }
    const of = (all: Json[], kind: string) => all.find(line => line.kind === kind)
    const [shown, without] = [await lines(), await lines(hidden)]
    expect(of(shown, 'event')).toMatchObject({ payload: JSON.parse(MARKED), payloadHidden: false })
    expect(of(without, 'event')).toEqual({ ...of(shown, 'event'), payload: null, payloadHidden: true })
    const answer = { responseHeaders: [['x-note', MARKER]], responseHidden: false }
    const responseBodyBase64 = Buffer.from(MARKER).toString('base64')
    expect(of(shown, 'attempt')).toMatchObject({ ...answer, responseBodyBase64 })
    expect(of(shown, 'attempt')).toMatchObject({ detail: 'token_refused', explanation: EXPLAINED(` "${MARKER}"`) })
    const none = { responseHeaders: [], responseBodyBase64: '', responseHidden: true, explanation: EXPLAINED('') }
    expect(of(without, 'attempt')).toEqual({ ...of(shown, 'attempt'), ...none })
    expect(without.map(({ kind }) => kind)).toEqual(shown.map(({ kind }) => kind))
  })

  it('cannot be given by a key that lacks it', async () => {
    for (const payloads of [{}, { payloads: true }]) {
      const answer = await bench.post('/v1/api-keys', { name: 'k', scope: 'read', ...payloads }, { key: hidden })
      expect(refused(answer)).toEqual([403, 'forbidden', []])
    }
    const made = await bench.post('/v1/api-keys', { name: 'k', scope: 'read', payloads: false }, { key: hidden })
    expect([made.status, made.body.payloads]).toEqual([201, false])
    expect((await bench.get(`/v1/api-keys/${made.body.id}`)).body.payloads).toBe(false)
  })

  it('cannot be given by a link to a portal that such a key makes', async () => {
    const links = '/v1/tenants/acme/portal-links'
    const answer = await bench.post(links, { may: ['look', 'payloads'] }, { key: hidden })
    expect(refused(answer)).toEqual([403, 'forbidden', []])
    const { url, may } = (await bench.post(links, {}, { key: hidden })).body
    expect(may).toEqual(['look', 'retry', 'test', 'endpoints', 'secrets'])
    const token = new URLSearchParams(new URL(url).hash.slice(1)).get('token')!
    const headers = { 'posthorn-session': '1', 'sec-fetch-site': 'same-origin' }
    const redeemed = await bench.post('/portal/v1/portal-session', { token, keep: 'memory' }, { key: null, headers })
    const events = await bench.get('/portal/v1/tenants/acme/events', { key: redeemed.body.token })
    expect(events.status).toBe(200)
    expect(events.text).not.toContain(MARKER)
    expect(events.body.data[0]).toMatchObject({ payload: null, payloadHidden: true })
  })
})

describe('a route', () => {
  const components = {
    getSchema: (id: string) => ({ Event: { properties: { payload: {} } }, Loop: { $ref: 'Loop#' }, Problem: {} })[id],
  }

  it("is refused if its response has a payload or a receiver's response and it does not say so", () => {
    const api = { ...components, get: () => {} } as unknown as Api
    const route = { access: 'read', operationId: 'getWidget', summary: 'Get a widget' } as const
    const response = { 200: { type: 'object', properties: { data: { items: { $ref: 'Event#' } } } } }
    const routes = createRoutes(api, 'Widgets', new Idempotency(bench.idempotentCalls))
    expect(() => routes.get('/v1/widgets', { ...route, response }, async () => {})).toThrow(
      'GET /v1/widgets shows payloads or responses: set its `payloads`, and leave them out if it must',
    )
    routes.get('/v1/widgets', { ...route, payloads: 'shown', response }, async () => {})
    routes.get('/v1/widgets', { ...route, response: { 200: { type: 'object' } } }, async () => {})
  })

  it.each([
    [{ properties: { payload: {} } }, true],
    [{ items: { anyOf: [{ type: 'null' }, { properties: { responseBody: {} } }] } }, true],
    [{ properties: { a: { properties: { responseHeaders: {} } } } }, true],
    [{ $ref: 'Event#' }, true],
    [{ $ref: 'Loop#' }, false],
    [{ properties: { payloadRemoved: {} }, description: 'payload', enum: ['payload'] }, false],
  ])('with the response %j shows payloads: %j', (schema, expected) => {
    expect(showsPayloads(components, schema)).toBe(expected)
  })

  it('cannot ask whether to show payloads if it does not say that it shows any', async () => {
    const { api } = bench.createApi()
    api.get('/odd', { config: { access: 'open' } }, async request => String(request.seesPayloads))
    const { statusCode } = await api.inject({ method: 'GET', url: '/odd' })
    expect(statusCode).toBe(500)
    await api.close()
  })
})
