/**
 * What the examples of the document are recorded from: for each resource, calls of all its operations, in an order in
 * which they work. Each scene stands on what those before it have made.
 */
import { vi } from 'vitest'
import { ReplayBatches as Work } from '../../../src/background/replay-batches.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { DAY_MS, HOUR_MS } from '../../../src/base/durations.ts'
import { binOf } from '../../../src/base/latency-bins.ts'
import type { Delivery } from '../../../src/base/model.ts'
import { createReplayCounter } from '../../../src/replay/selection.ts'
import { readNotificationSecrets } from '../../../src/secrets/notification-secrets.ts'
import { noCounts } from '../../../src/store/operations/stats.ts'
import { atOnce, log } from '../../background/setup.ts'
import { NODE } from '../../services/setup.ts'
import { Reading } from '../../services/streaming.ts'
import { anAttempt, aSettlement } from '../../store/builders.ts'
import { type Json, KEY } from '../setup.ts'
import { issuerWith } from './issuer.ts'
import type { Recorder } from './recorder.ts'

// cspell:ignore REFERNCE

export type Scene = (recorder: Recorder) => Promise<void>

const TENANT = { tenant: 'acme' }
const TYPE = 'COVER_REFERENCE'
const EVENT = { type: TYPE, payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' } }
const ENDPOINT = {
  url: 'https://hooks.example.com/covers',
  clientSecret: 'an-example-not-a-real-secret',
  uid: 'vienna-covers',
  name: 'Covers of the Vienna branch',
  types: [TYPE],
  metadata: { branch: 'vienna' },
}

/** The id of the tenant's newest endpoint. */
async function newestEndpoint({ bench }: Recorder): Promise<string> {
  return (await bench.get('/v1/tenants/acme/endpoints?limit=1')).body.data[0].id
}

/** Lets the pending deliveries of the tenant end, with one attempt each. */
async function settle({ bench }: Recorder, kind: 'delivered' | 'exhausted'): Promise<Delivery[]> {
  const pending = await bench.list('pending')
  for (const delivery of pending) {
    const { partition } = await bench.endpoints.get('acme', delivery.endpoint)
    const item = { ...delivery, delivery: delivery.id, partition, dueAtMs: delivery.dueAtMs ?? 0, payload: null }
    const times = { startedAtMs: Date.now(), durationMs: 60 }
    const answered = { responseHeaders: ['content-type', 'text/plain'], responseBody: Buffer.from('try again later') }
    const attempt =
      kind === 'exhausted' ? { status: 503, ...answered } : { outcome: 'success', status: 204, error: null }
    const over = { attempt: anAttempt(1, { ...times, ...(attempt as object) }), endedAtMs: Date.now() }
    await bench.store.settle(aSettlement(item, { kind }, over))
  }
  return pending
}

const eventTypes: Scene = async recorder => {
  const name = 'INVOICE_PAID'
  const body = {
    group: 'Billing',
    description: 'An invoice has been paid.',
    schema: { type: 'object', required: ['invoiceId'], properties: { invoiceId: { type: 'string' } } },
    example: { invoiceId: 'inv-2026-0042' },
  }
  await recorder.record('putEventType', { path: { name }, body })
  await recorder.record('getEventType', { path: { name } })
  await recorder.record('listEventTypes', { query: { limit: '2' } })
  await recorder.record('archiveEventType', { path: { name } })
  await recorder.record('unarchiveEventType', { path: { name } })
  await recorder.record('deleteEventType', { path: { name } })
}

const tenants: Scene = async recorder => {
  const body = { name: 'Acme Ltd', metadata: { plan: 'pro' }, retention: { days: 90, payloadDays: 30 } }
  await recorder.record('putTenant', { path: TENANT, body })
  await recorder.record('getTenant', { path: TENANT })
  await recorder.record('listTenants', { query: { limit: '50' } })
  await recorder.bench.put('/v1/tenants/globex')
  await recorder.record('deleteTenant', { path: { tenant: 'globex' } })
}

const endpoints: Scene = async recorder => {
  const wrong = { url: 'https://10.0.0.1/hooks', types: ['COVER_REFERNCE'], name: 'Covers' }
  await recorder.record('checkEndpoint', { path: TENANT, body: wrong })
  const { id } = await recorder.record('createEndpoint', { path: TENANT, body: ENDPOINT })
  const path = { ...TENANT, id }
  await recorder.record('getEndpoint', { path })
  await recorder.record('listEndpoints', { path: TENANT, query: { limit: '50' } })
  await recorder.record('listAllEndpoints', { query: { state: 'enabled', type: TYPE } })
  await recorder.record('updateEndpoint', { path, body: { rateLimit: { requests: 10, perSeconds: 1 } } })
  await recorder.record('rotateSigningSecret', { path, body: { gracePeriodSeconds: 3_600 } })
  await recorder.record('disableEndpoint', { path })
  await recorder.record('enableEndpoint', { path, body: { held: 'release' } })
  await recorder.record('testEndpoint', { path, body: { type: TYPE } })
  await settle(recorder, 'delivered')
  const other = await recorder.bench.endpoint({ url: 'https://other.example.com/hooks' })
  await recorder.record('deleteEndpoint', { path: { ...TENANT, id: other } })
}

const retrySchedules: Scene = async recorder => {
  const endpoint = await newestEndpoint(recorder)
  await recorder.record('previewSchedule', { query: { schedule: '30,60' } })
  await recorder.record('getEndpointSchedule', { path: { ...TENANT, id: endpoint }, query: { type: TYPE } })
}

const events: Scene = async recorder => {
  const publish = (title: string, body: unknown) => recorder.record('publishEvents', { path: TENANT, body, title })
  const { id } = await publish('An event', { ...EVENT, key: 'order-7' })
  await publish('Several events', [{ ...EVENT, key: 'order-8' }, EVENT])
  await settle(recorder, 'exhausted')
  const path = { ...TENANT, id }
  await recorder.record('getEvent', { path })
  await recorder.record('listEvents', { path: TENANT, query: { type: TYPE, limit: '2' } })
  await recorder.record('listAllEvents', { query: { ...TENANT, key: 'order-7', counts: 'true' } })
  await recorder.record('listEventEndpoints', { path })
  await recorder.bench.run(
    `update event set rejected = '[{"field":"/type","detail":"Unknown event type.","reason":"unknown_type"}]'
     where id = (select max(id) from event)`,
  )
  await recorder.record('listRejectedEvents', { query: TENANT })
  await recorder.bench.run('update event set rejected = null')
}

const filterTrials: Scene = async recorder => {
  const filter = { status: { $not: ['Refused'] } }
  const payloads = [{ status: 'Quoted' }, { status: 'Refused' }]
  const given = { filter, types: ['COVER_STATUS_CHANGED'], payloads }
  await recorder.record('tryFilter', { path: TENANT, body: given, title: 'Payloads' })
  const recent = { filter: { CoverId: { $prefix: '564200aa' } }, types: ['COVER_*'], recent: 1 }
  await recorder.record('tryFilter', { path: TENANT, body: recent, title: 'The newest event' })
}

const deliveries: Scene = async recorder => {
  const [exhausted] = await recorder.bench.list('exhausted')
  const path = { ...TENANT, id: exhausted!.id }
  await recorder.record('listDeliveries', { path: TENANT, query: { state: 'exhausted', limit: '2', counts: 'true' } })
  await recorder.record('listAllDeliveries', { query: { status: '5xx', key: 'order-7' } })
  await recorder.record('getDelivery', { path })
  const again = await recorder.record('retryDelivery', { path, title: 'A delivery that has ended' })
  await recorder.record('retryDelivery', { path: { ...TENANT, id: again.id }, title: 'A pending delivery' })
  const trial = { tenant: 'acme', delivery: again.id, epoch: 0, mayBeLast: true }
  for (let count = 0; count < 4; count++) await recorder.bench.store.write('beginTrial', trial)
  await recorder.record('listSetAsideDeliveries')
  await recorder.record('cancelDelivery', { path: { ...TENANT, id: again.id } })
  const failed = { state: 'exhausted', status: '5xx' }
  const dry = { ...failed, dryRun: 'true' }
  await recorder.record('retryMatchingDeliveries', { path: TENANT, query: dry, body: {}, title: 'A dry run' })
  await recorder.record('retryMatchingDeliveries', { path: TENANT, query: failed, body: {}, title: 'Those that match' })
  const ids = { path: TENANT, body: { ids: [exhausted!.id] }, title: 'Those with these ids' }
  await recorder.record('retryMatchingDeliveries', ids)
  await recorder.record('retryAllMatchingDeliveries', { query: failed })
  await settle(recorder, 'exhausted')
}

const replays: Scene = async recorder => {
  const body = { key: 'outage-of-may-3', states: ['exhausted'] }
  const dry = { path: TENANT, body: { ...body, dryRun: true }, title: 'A dry run' }
  await recorder.record('createReplay', { path: TENANT, body, title: 'A replay' })
  await recorder.record('createReplay', dry)
  const path = { ...TENANT, id: body.key }
  await recorder.record('getReplay', { path })
  await recorder.record('listReplays', { path: TENANT, query: { state: 'running' } })
  for (const action of ['pauseReplay', 'resumeReplay', 'cancelReplay']) await recorder.record(action, { path })
  await replaysAcrossTenants(recorder)
}

async function replaysAcrossTenants(recorder: Recorder): Promise<void> {
  const period = showDays(recorder, [-1, 1])
  const body = {
    key: 'all-of-may-3',
    types: [TYPE],
    from: period[0],
    to: period[1],
    states: ['exhausted', 'delivered'],
  }
  await recorder.record('createReplayBatch', { body, title: 'A replay' })
  await recorder.record('createReplayBatch', { body: { ...body, dryRun: true }, title: 'A dry run' })
  const { store } = recorder.bench
  await new Work(store, createReplayCounter(store, systemClock), log).run(atOnce)
  const path = { id: body.key }
  await recorder.record('getReplayBatch', { path })
  await recorder.record('listAllReplays', { query: { state: 'running' } })
  await recorder.record('listReplayBatches', { query: { state: 'running' } })
  for (const action of ['pauseReplayBatch', 'resumeReplayBatch', 'cancelReplayBatch']) {
    await recorder.record(action, { path })
  }
}

/** Dates, in days from today, that are shown as May 3 and the days after it. */
function showDays(recorder: Recorder, offsets: readonly number[]): string[] {
  return offsets.map((offset, index) => {
    const day = new Date(Date.now() + offset * DAY_MS).toISOString().slice(0, 10)
    recorder.show(day, `2026-05-0${3 + index}`)
    recorder.show(`${day}T00:00:00.000Z`, `2026-05-0${3 + index}T00:00:00.000Z`)
    return day
  })
}

const stats: Scene = async recorder => {
  const endpoint = await newestEndpoint(recorder)
  const days = showDays(recorder, [-3, -2, -1])
  const counts = { ...noCounts(), delivered: 118, exhausted: 2, status_2xx: 118, status_5xx: 9 }
  const latencies = new Map([20, 25, 30, 180].map(ms => [binOf(ms), 30]))
  const startMs = Date.parse(days[0]!) + 9 * HOUR_MS
  await recorder.bench.store.write('addStats', { entries: [{ endpoint, startMs, counts, latencies }] })
  const period = { from: days[0]!, to: days[2]! }
  await recorder.record('getStats', { path: TENANT, query: { ...period, step: 'day' } })
  await recorder.record('getAllStats', { query: { ...period, step: 'day' } })
}

const overview: Scene = async recorder => {
  const { bench } = recorder
  await bench.publish(EVENT)
  await bench.run(
    `update endpoint set failing_since_ms = ${Date.now()}, secret_expires_ms = ${Date.now()} where uid is not null`,
  )
  const off = await bench.endpoint({ url: 'https://other.example.com/hooks', state: 'disabled' })
  await recorder.record('getOverview', { path: TENANT })
  await recorder.record('getAllOverview')
  const days = showDays(recorder, [-3, -1])
  await recorder.record('listTenantStats', { query: { sort: 'trouble', from: days[0]!, to: days[1]! } })
  await bench.endpoints.remove('acme', off)
  await bench.run('update endpoint set failing_since_ms = null, secret_expires_ms = null')
  await settle(recorder, 'delivered')
}

const search: Scene = async recorder => {
  await recorder.record('search', { query: { q: 'order-7' } })
  await recorder.record('searchTenant', { path: TENANT, query: { q: 'vienna-covers' } })
}

const stream: Scene = async recorder => {
  const { bench } = recorder
  const end = async (recorded: Promise<unknown>) => {
    // The recorded one was opened before, and gets its records first.
    await vi.waitUntil(() => bench.streams.size === 1)
    const other = await new Reading().open(bench.streams)
    const published = await bench.post('/v1/tenants/acme/events', EVENT)
    await other.untilSeen(`event ${published.body.id}`)
    bench.streams.endAll()
    await recorded
  }
  const kind = { kind: 'event' }
  await end(recorder.record('readStream', { query: { ...TENANT, ...kind, payloads: 'true' } }))
  await end(recorder.record('readTenantStream', { path: TENANT, query: kind }))
}

const listeners: Scene = async recorder => {
  const { bench } = recorder
  const input = { kind: 'listener', clientSecret: ENDPOINT.clientSecret, types: [TYPE] }
  const { body: listener } = await bench.post('/v1/tenants/acme/endpoints', input)
  const { partition } = await bench.endpoints.get('acme', listener.id)
  const reading = new Reading()
  await reading.open(bench.streams, { tenant: 'acme', listen: new Map([[listener.id, partition]]) })
  await bench.post(`/v1/tenants/acme/endpoints/${listener.id}/test`, {})
  const [delivery] = await bench.list(null, listener.id)
  const nowMs = bench.store.now()
  const times = { startedAtMs: nowMs, expiresAtMs: nowMs + 15_000, nowMs }
  const headers = bench.keyring.seal(listener.id, JSON.stringify({ headers: [], secret: [] }))
  const key = { tenant: 'acme', delivery: delivery!.id, number: 1 }
  const offer = { ...key, endpoint: listener.id, event: delivery!.event, headers, ...times }
  await bench.store.write('offerRequest', offer)
  const body = { attempt: 1, status: 200, headers: [['content-type', 'text/plain']], body: 'ok', durationMs: 41 }
  await recorder.record('answerRequest', { path: { ...TENANT, id: delivery!.id }, body })
  reading.close()
  await bench.remove(`/v1/tenants/acme/endpoints/${listener.id}`)
}

const apiKeys: Scene = async recorder => {
  const body = { name: 'shop backend', scope: 'publish', tenant: 'acme', expiresAt: '2127-06-30' }
  const { id } = await recorder.record('createApiKey', { body })
  await recorder.record('getApiKey', { path: { id } })
  await recorder.record('listApiKeys', { query: { limit: '50' } })
  await recorder.record('revokeApiKey', { path: { id } })
}

const nodes: Scene = async recorder => {
  await recorder.bench.store.write('takePartitions', { node: Buffer.from(NODE, 'hex') })
  const few = ({ partitions, ...rest }: Json) => ({ ...rest, partitions: partitions.slice(0, 3) })
  const pick = ({ data, unassigned }: Json) => ({ data: data.map(few), unassigned })
  await recorder.record('listNodes', { pick })
}

const sessions: Scene = async recorder => {
  const page = { 'posthorn-session': '1', 'sec-fetch-site': 'same-origin', origin: 'https://hooks.example.com' }
  const headers = { ...page, 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0' }
  const inSevenDays = (body: Json) => ({ ...body, expiresAt: '2026-05-10T08:00:00.000Z' })
  recorder.show(KEY, 'phk_an-example-not-a-real-key')
  const { id } = await recorder.record('signIn', { body: { apiKey: KEY }, headers, pick: inSevenDays })
  const cookie = String(recorder.latest!.headers['set-cookie']).split(';')[0]!
  await recorder.record('getSession', { headers: { ...headers, cookie }, pick: inSevenDays })
  await recorder.record('getSessionState', { headers })
  const pick = (body: Json) => ({ ...body, data: body.data.map(inSevenDays) })
  await recorder.record('listSessions', { query: { limit: '50' }, pick })
  await recorder.record('signOut', { headers: { ...headers, cookie } })
  await recorder.record('revokeSession', { path: { id } })
  await recorder.record('createSignInLink')
}

const singleSignOn: Scene = async recorder => {
  const { bench } = recorder
  const issuer = issuerWith('https://login.example.com')
  bench.useSessions({ issuers: [issuer] })
  await bench.useServices({})
  const page = { 'posthorn-session': '1', 'sec-fetch-site': 'same-origin', origin: 'http://127.0.0.1:8470' }
  await recorder.record('listSignInOptions', { headers: page })
  const pick = ({ url }: Json) => {
    const shown = new URL(url)
    for (const name of ['state', 'nonce', 'code_challenge']) shown.searchParams.set(name, 'an-example')
    return { url: shown.href }
  }
  await recorder.record('beginSingleSignOn', { body: { issuer: 'login' }, headers: page, pick })
  const person = { issuer: 'login', subject: 'ada', name: 'Ada', scope: 'all', payloads: true } as const
  const browser = { address: null, userAgent: null }
  const started = await bench.sessions.startFor({ person, tenant: null, mark: issuer.mark }, null, browser)
  const cookie = `posthorn_session=${started!.token}`
  await recorder.record('signOutEverywhere', { headers: { ...page, cookie } })
}

const portal: Scene = async recorder => {
  const page = { 'posthorn-session': '1', 'sec-fetch-site': 'same-origin', origin: 'https://hooks.example.com' }
  const headers = { ...page, 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0' }
  const inEightHours = (body: Json) => ({ ...body, expiresAt: '2026-05-03T16:00:00.000Z' })
  const inState = ({ session, ...rest }: Json) => ({ session: inEightHours(session), ...rest })
  const inTenMinutes = (body: Json) => ({ ...body, expiresAt: '2026-05-03T08:10:00.000Z' })
  const body = {
    user: 'ada@acme.example',
    may: ['look', 'retry', 'test'],
    returnUrl: 'https://app.example.com/webhooks',
  }
  const { id, url } = await recorder.record('createPortalLink', { path: TENANT, body, pick: inTenMinutes })
  const pickAll = (answer: Json) => ({ ...answer, data: answer.data.map(inTenMinutes) })
  await recorder.record('listPortalLinks', { path: TENANT, query: { limit: '50' }, pick: pickAll })
  const token = url.split('#token=')[1]
  recorder.show(token, 'ppl_an-example-not-a-real-token')
  await recorder.record('redeemPortalLink', { body: { token }, headers, pick: inEightHours })
  const cookie = String(recorder.latest!.headers['set-cookie']).split(';')[0]!
  await recorder.record('getPortalSession', { headers: { ...headers, cookie }, pick: inEightHours })
  await recorder.record('getPortalSessionState', { headers: { ...headers, cookie }, pick: inState })
  await recorder.record('leavePortal', { headers: { ...headers, cookie } })
  await recorder.record('revokePortalLink', { path: { ...TENANT, id } })
}

const portalLooks: Scene = async recorder => {
  const help = [{ label: 'How to receive our webhooks', url: 'https://acme.example/docs/webhooks' }]
  const body = {
    name: 'Acme',
    accent: '#2f4bc3',
    accentDark: '#95b1fe',
    hiddenPages: ['events'],
    help,
    publicTypes: true,
  }
  await recorder.record('putPortalLooks', { body })
  await recorder.record('putPortalLogo', { body: LOGO })
  await recorder.record('getPortalLogo', { headers: {} })
  await recorder.record('getPortalLooks')
  await recorder.record('getShownPortalLooks', { headers: {} })
  await recorder.record('listPublicEventTypes', { headers: {}, pick: answer => ({ data: answer.data.slice(0, 2) }) })
  await recorder.record('getPublicEventType', { path: { name: TYPE }, headers: {} })
  await recorder.record('deletePortalLogo')
}
const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="4" fill="#2f4bc3"/></svg>'
const notifications: Scene = async recorder => {
  const untilThen = (body: Json) => ({ ...body, confirmUntil: body.confirmUntil && '2026-05-06T08:00:00.000Z' })
  const pickAll = (answer: Json) => ({ ...answer, data: answer.data.map(untilThen) })
  const confirmedThen = (body: Json) => ({ ...body, confirmedAt: '2026-05-03T08:00:00.000Z' })
  const body = { kind: 'email', address: 'ada@acme.example' }
  const { id } = await recorder.record('createNotification', { path: TENANT, body, pick: untilThen })
  const path = { ...TENANT, id }
  await recorder.record('listNotifications', { path: TENANT, query: { limit: '50' }, pick: pickAll })
  await recorder.record('getNotification', { path, pick: untilThen })
  await recorder.record('updateNotification', {
    path,
    body: { types: ['posthorn.endpoint.disabled', 'posthorn.secret.expiring'] },
    pick: untilThen,
  })
  await recorder.record('requestConfirmation', { path, pick: untilThen })
  const [stored] = await recorder.bench.store.read('readSealedNotifications', { after: null, limit: 1 })
  const { confirm } = readNotificationSecrets(recorder.bench.keyring.open(id, stored!.sealed))
  recorder.show(confirm, 'pnc_an-example-not-a-real-token')
  await recorder.record('followNotificationLink', { path: { token: confirm } })
  // What it shows before has the token in it.
  await recorder.record('showNotificationLink', { path: { token: confirm } })
  await recorder.record('testNotification', { path, pick: confirmedThen })
  await recorder.record('deleteNotification', { path })
}

const tenantData: Scene = async recorder => {
  await recorder.record('exportTenant', { path: TENANT })
  await recorder.record('eraseTenant', { path: TENANT })
  await recorder.record('getErasure', { path: TENANT })
}

const only =
  (...operationIds: readonly string[]): Scene =>
  async recorder => {
    for (const operationId of operationIds) await recorder.record(operationId)
  }

/** By the file of the resource, in the order in which they are recorded. */
export const SCENES: Readonly<Record<string, Scene>> = {
  'event-types': eventTypes,
  tenants,
  'endpoints/endpoints': endpoints,
  'retry-schedules': retrySchedules,
  'events/events': events,
  'filter-trials': filterTrials,
  'deliveries/deliveries': deliveries,
  listeners,
  'replays/replays': replays,
  search,
  stats,
  stream,
  overview,
  'api-keys': apiKeys,
  sessions,
  'single-sign-on': singleSignOn,
  portal,
  'portal-looks': portalLooks,
  audit: async recorder => void (await recorder.record('listAudit', { query: { ...TENANT, limit: '2' } })),
  'notifications/notifications': notifications,
  'encryption-keys': only('getEncryptionKeys', 'rotateEncryptionKey'),
  nodes,
  settings: only('getSettings'),
  checks: only('getChecks'),
  egress: only('getEgress', 'getPublicEgress'),
  health: only('getHealth', 'getReadiness', 'getPublishingReadiness', 'getReadingReadiness'),
  metrics: only('getMetrics'),
  openapi: async recorder => {
    const pick = ({ openapi, info, tags }: Json) => ({ openapi, info, tags, paths: {}, components: {} })
    await recorder.record('getOpenApi', { pick })
  },
  'tenant-data': tenantData,
}
