import { DAY_MS, HOUR_MS } from '../../src/base/durations.ts'
import { firstIdAt, idBytes, idText } from '../../src/base/ids.ts'
import type { AttemptError, Delivery, DeliveryState, HeldReason } from '../../src/base/model.ts'
import type { Opened } from './engines.ts'

export type PopulatedEndpoint = {
  readonly id: string
  readonly uid: string
  readonly tenant: string
  readonly partition: number
}
export type PopulatedEvent = { readonly id: string; readonly tenant: string; readonly key: string | null }
/** A delivery, with the key of its event. */
export type PopulatedDelivery = Delivery & { readonly key: string | null }

export type Population = {
  readonly endpoints: readonly PopulatedEndpoint[]
  readonly events: readonly PopulatedEvent[]
  /** Of tenants that exist; newest first. */
  readonly deliveries: readonly PopulatedDelivery[]
  readonly nowMs: number
}

const TENANTS = ['acme', 'beta', 'gone', 'quiet']
const TYPES = ['T', 'U', 'V']
const RESULTS: readonly { readonly status: number | null; readonly error: AttemptError | null }[] = [
  { status: 204, error: null },
  { status: 404, error: 'http_client_error' },
  { status: 500, error: 'http_server_error' },
  { status: 503, error: 'http_server_error' },
  { status: null, error: 'dns_failed' },
]
const STATES: readonly (readonly [DeliveryState, HeldReason | null])[] = [
  ['pending', null],
  ['pending', null],
  ['held', 'disabled'],
  ['held', 'set_aside'],
  ['delivered', null],
  ['delivered', null],
  ['exhausted', null],
  ['cancelled', null],
]

/** Numbers below a bound, the same in each run (mulberry32). */
function randomOf(seed: number): (bound: number) => number {
  let state = seed
  return bound => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound)
  }
}

/** Stores deliveries of all kinds, from days ago to now, of several tenants, one of which was deleted. */
export async function populate({ run, driver }: Opened, count: number, seed: number): Promise<Population> {
  const random = randomOf(seed)
  const pick = <Item>(items: readonly Item[]): Item => items[random(items.length)]!
  const nowMs = driver.now()
  await driver.makeHistory(nowMs - 5 * DAY_MS, nowMs + HOUR_MS)
  const idAt = (prefix: 'ep' | 'evt' | 'dlv', ms: number): string => {
    const bytes = idBytes(firstIdAt(prefix, ms))
    for (let at = 6; at < 16; at++) bytes[at] = random(256)
    bytes[6] = 0x70 | (bytes[6]! & 15)
    return idText(prefix, bytes)
  }
  const endpoints = TENANTS.flatMap(tenant =>
    ['main', 'other', 'third'].map(uid => ({ id: idAt('ep', nowMs - 6 * DAY_MS), uid, tenant, partition: random(4) })),
  ).filter(({ tenant }) => tenant !== 'quiet')
  /** Mostly lately, sometimes within a few milliseconds. */
  const time = () => nowMs - [random(20), random(HOUR_MS), random(4 * DAY_MS)][random(3)]!
  const events: PopulatedEvent[] = []
  const deliveries: PopulatedDelivery[] = []
  const types = new Map<string, string>()
  for (let made = 0; made < count; made++) {
    const endpoint = pick(endpoints)
    const { tenant } = endpoint
    const own = events.filter(event => event.tenant === tenant)
    const [state, heldReason] = pick(STATES)
    const atMs = time()
    const isNew = own.length === 0 || random(3) > 0
    const event = isNew
      ? { id: idAt('evt', atMs - random(5)), tenant, key: pick([null, 'a', 'b', `k${made}`]) }
      : pick(own)
    if (isNew) events.push(event)
    types.set(event.id, types.get(event.id) ?? pick(TYPES))
    const attempts = state === 'pending' || state === 'cancelled' ? random(3) : 1 + random(3)
    const result = state === 'delivered' ? RESULTS[0]! : pick(RESULTS.slice(1))
    const hasLast = attempts > 0 && random(8) > 0
    deliveries.push({
      id: idAt('dlv', isNew ? atMs : nowMs - random(1_000)),
      tenant,
      endpoint: endpoint.id,
      event: event.id,
      key: event.key,
      type: types.get(event.id)!,
      state,
      heldReason,
      attempts,
      lastAttempt: hasLast ? { startedAtMs: atMs, durationMs: random(500), ...result } : null,
      dueAtMs: state === 'pending' ? atMs + 1_000 : null,
      replayOf: null,
      test: random(5) === 0,
      createdAtMs: atMs,
      endedAtMs: state === 'pending' || state === 'held' ? null : atMs + 100,
    })
  }
  await store(run, { endpoints, events, deliveries, nowMs }, types)
  const kept = deliveries.filter(({ tenant }) => tenant !== 'gone')
  return { endpoints, events, deliveries: kept.toSorted((a, b) => (a.id < b.id ? 1 : -1)), nowMs }
}

async function store(
  run: Opened['run'],
  { endpoints, events, deliveries }: Population,
  types: ReadonlyMap<string, string>,
): Promise<void> {
  const insert = async (table: string, rows: readonly Readonly<Record<string, unknown>>[]) => {
    for (let at = 0; at < rows.length; at += 50) {
      const some = rows.slice(at, at + 50)
      const columns = Object.keys(some[0]!)
      const values = some.map((_, row) => `(${columns.map((_, at) => `$${row * columns.length + at + 1}`).join(', ')})`)
      const params = some.flatMap(row => columns.map(column => row[column] as string | number | Uint8Array | null))
      await run(`insert into ${table} (${columns.join(', ')}) values ${values.join(', ')}`, params)
    }
  }
  await insert(
    'tenant',
    TENANTS.map(id => ({ id, metadata: '{}', version: 1, created_ms: 1, deleted_ms: id === 'gone' ? 2 : null })),
  )
  await insert(
    'endpoint',
    endpoints.map(({ id, uid, tenant, partition }) => {
      const required = { metadata: '{}', headers: '{}', ordered: 0, state: 'enabled', created_ms: 1, updated_ms: 1 }
      return { id: idBytes(id), uid, tenant, partition, url: `https://${uid}.example`, ...required }
    }),
  )
  await insert(
    'event',
    events.map(({ id, tenant, key }) => {
      const required = { created_ms: 1, deliveries: 1, test: 0, payload: new Uint8Array([123, 125]) }
      return { id: idBytes(id), tenant, type: types.get(id)!, event_key: key, ...required }
    }),
  )
  const row = (delivery: PopulatedDelivery) => ({
    tenant: delivery.tenant,
    id: idBytes(delivery.id),
    endpoint: idBytes(delivery.endpoint),
    event: idBytes(delivery.event),
    type: delivery.type,
    state: delivery.state,
    attempts: delivery.attempts,
    replay_of: null,
    test: delivery.test ? 1 : 0,
    created_ms: delivery.createdAtMs,
    last_started_ms: delivery.lastAttempt?.startedAtMs ?? null,
    last_duration_ms: delivery.lastAttempt?.durationMs ?? null,
    last_status: delivery.lastAttempt?.status ?? null,
    last_error: delivery.lastAttempt?.error ?? null,
  })
  const partitions = new Map(endpoints.map(({ id, partition }) => [id, partition]))
  await insert(
    'live_delivery',
    deliveries
      .filter(({ endedAtMs }) => endedAtMs === null)
      .map(delivery => ({
        ...row(delivery),
        partition: partitions.get(delivery.endpoint)!,
        held_reason: delivery.heldReason,
        due_ms: delivery.dueAtMs ?? 1,
      })),
  )
  await insert(
    'delivery',
    deliveries
      .filter(({ endedAtMs }) => endedAtMs !== null)
      .map(delivery => ({ ...row(delivery), ended_ms: delivery.endedAtMs })),
  )
}
