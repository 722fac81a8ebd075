/**
 * Counts of how deliveries and attempts ended, rolled up into one row per minute, hour and day with activity, for each
 * endpoint, for each tenant as a whole and for all tenants together. Writers add to existing rows, so any number of
 * nodes can write.
 */

import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../base/durations.ts'
import { idBytes, idText } from '../../base/ids.ts'
import { addBins, type LatencyBins, readBins, writeBins } from '../../base/latency-bins.ts'
import type { EndpointId, TenantId } from '../../base/model.ts'
import { OPERATOR_TENANT } from '../../base/tenant.ts'
import { forEach } from '../for-each.ts'
import { reads, writes } from '../operation.ts'
import { type BulkQuery, bytes, type Dialect, int, type Row, type Transaction, text } from '../transaction.ts'
import { Where } from '../where.ts'

/** How much time a row covers, and how long the row is kept, in milliseconds. */
export const GRAINS = {
  minute: { ms: MINUTE_MS, keptMs: 2 * DAY_MS },
  hour: { ms: HOUR_MS, keptMs: 90 * DAY_MS },
  day: { ms: DAY_MS, keptMs: 800 * DAY_MS },
} as const
export type Grain = keyof typeof GRAINS
export const GRAIN_NAMES = Object.keys(GRAINS) as Grain[]

/** What is counted: deliveries by how they ended, then attempts by their status class. */
export const STAT_COUNTS = [
  'delivered',
  'exhausted',
  'cancelled',
  'status_2xx',
  'status_3xx',
  'status_4xx',
  'status_5xx',
  'status_other',
  'no_answer',
] as const
export type StatCount = (typeof STAT_COUNTS)[number]

export type Counts = { -readonly [Name in StatCount]: number }

export const noCounts = (): Counts => Object.fromEntries(STAT_COUNTS.map(name => [name, 0])) as Counts

export function addCounts(counts: Counts, more: Readonly<Counts>): void {
  for (const name of STAT_COUNTS) counts[name] += more[name]
}

/** What happened at an endpoint in one minute. */
export type StatEntry = {
  readonly endpoint: EndpointId
  /** When the minute began, in milliseconds since 1970. */
  readonly startMs: number
  readonly counts: Readonly<Counts>
  readonly latencies: LatencyBins
}

/** Stands for all of the tenant's endpoints together in place of an endpoint's id. */
const ALL_ENDPOINTS = new Uint8Array(16)
/** Stands for all tenants together in place of a tenant's id. It includes what was counted for tenants deleted since. */
const ALL_TENANTS = ''

type StatRow = {
  readonly tenant: TenantId
  readonly endpoint: Uint8Array
  readonly grainMs: number
  readonly startMs: number
  readonly counts: Counts
  readonly latencies: LatencyBins
}

const keyOf = (tenant: TenantId, endpoint: Uint8Array, grainMs: number, startMs: number): string =>
  `${tenant} ${Buffer.from(endpoint).toString('hex')} ${grainMs} ${startMs}`

/** How the keys of all tenants together begin. */
const ALL_KEYS = `${ALL_TENANTS} `

const ENDPOINT_COLUMNS: BulkQuery['columns'] = [['id', 'bytes']]

const KEY_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['endpoint', 'bytes'],
  ['grain_ms', 'int'],
  ['start_ms', 'int'],
]
const KEY = KEY_COLUMNS.map(([name]) => name).join(', ')
const STAT_COLUMNS: BulkQuery['columns'] = [...KEY_COLUMNS, ...STAT_COUNTS.map(name => [name, 'int'] as const)]
const LATENCY_COLUMNS: BulkQuery['columns'] = [...KEY_COLUMNS, ['latencies', 'text']]

/** Adds counts. Drops those of tenants that have been deleted in the meantime. */
export function* addStats(args: { readonly entries: readonly StatEntry[] }): Transaction<void> {
  const tenants = yield* tenantsOf(args.entries)
  const rows = rollUp(args.entries, tenants)
  if (rows.size === 0) return
  // In the same order on all nodes, so that two transactions wait for each other instead of deadlocking. Those of all
  // tenants, which every transaction has, come last and are locked for the shortest time.
  const ofOne = [...rows.keys()].filter(key => !key.startsWith(ALL_KEYS)).sort()
  const ofAll = [...rows.keys()].filter(key => key.startsWith(ALL_KEYS)).sort()
  const sorted = [...ofOne, ...ofAll].map(key => rows.get(key)!)
  const keyed = ({ tenant, endpoint, grainMs, startMs }: StatRow) => [tenant, endpoint, grainMs, startMs]
  // Locks the rows, and returns the latencies measured so far: bins are added up here.
  const before = yield {
    text: `insert into stat (${KEY}, ${STAT_COUNTS.join(', ')}, latencies)
           select ${KEY}, ${STAT_COUNTS.join(', ')}, '' from v where true
           on conflict (${KEY}) do update set ${STAT_COUNTS.map(name => `${name} = stat.${name} + excluded.${name}`).join(', ')}
           returning ${KEY}, latencies`,
    columns: STAT_COLUMNS,
    rows: sorted.map(row => [...keyed(row), ...STAT_COUNTS.map(name => row.counts[name])]),
  }
  for (const row of before) {
    const own = rows.get(keyOf(text(row.tenant), bytes(row.endpoint), int(row.grain_ms), int(row.start_ms)))!
    if (own.latencies.size > 0) addBins(own.latencies, readBins(text(row.latencies)))
  }
  const measured = sorted.filter(({ latencies }) => latencies.size > 0)
  if (measured.length === 0) return
  const same = KEY_COLUMNS.map(([name]) => `stat.${name} = v.${name}`).join(' and ')
  yield {
    text: `update stat set latencies = v.latencies from v where ${same}`,
    columns: LATENCY_COLUMNS,
    rows: measured.map(row => [...keyed(row), writeBins(row.latencies)]),
  }
}

/** A tenant that was deleted and created again is a different one: it doesn't own the old endpoints. */
function* tenantsOf(entries: readonly StatEntry[]): Transaction<Map<EndpointId, TenantId>> {
  const ids = [...new Set(entries.map(({ endpoint }) => endpoint))]
  if (ids.length === 0) return new Map()
  const rows = yield {
    text: `select e.id, e.tenant from endpoint e join v on e.id = v.id join tenant t on t.id = e.tenant
           where t.deleted_ms is null and (e.deleted_ms is null or e.deleted_ms >= t.created_ms)`,
    columns: ENDPOINT_COLUMNS,
    rows: ids.map(id => [idBytes(id)]),
  }
  return new Map(rows.map(row => [idText('ep', bytes(row.id)), text(row.tenant)]))
}

function rollUp(entries: readonly StatEntry[], tenants: ReadonlyMap<EndpointId, TenantId>): Map<string, StatRow> {
  const rows = new Map<string, StatRow>()
  for (const { endpoint, startMs: minuteMs, counts, latencies } of entries) {
    const tenant = tenants.get(endpoint)
    if (tenant === undefined) continue
    const places = [
      [tenant, idBytes(endpoint)],
      [tenant, ALL_ENDPOINTS],
      [ALL_TENANTS, ALL_ENDPOINTS],
    ] as const
    for (const [of, id] of places) {
      for (const { ms: grainMs } of Object.values(GRAINS)) {
        const startMs = minuteMs - (minuteMs % grainMs)
        const key = keyOf(of, id, grainMs, startMs)
        let row = rows.get(key)
        if (row === undefined) {
          row = { tenant: of, endpoint: id, grainMs, startMs, counts: noCounts(), latencies: new Map() }
          rows.set(key, row)
        }
        addCounts(row.counts, counts)
        addBins(row.latencies, latencies)
      }
    }
  }
  return rows
}

export type StatQuery = {
  /** null: all tenants together. */
  readonly tenant: TenantId | null
  /** null: all endpoints together. */
  readonly endpoint: EndpointId | null
  readonly grain: Grain
  /** Both at the start of a row's period; `toMs` is excluded. */
  readonly fromMs: number
  readonly toMs: number
}

export type Stat = { readonly startMs: number; readonly counts: Counts; readonly latencies: LatencyBins }

/** The periods in which something happened, in order. */
export function* readStats({ tenant, endpoint, grain, fromMs, toMs }: StatQuery): Transaction<Stat[]> {
  const rows = yield {
    text: `select start_ms, ${STAT_COUNTS.join(', ')}, latencies from stat
           where tenant = $1 and endpoint = $2 and grain_ms = $3 and start_ms >= $4 and start_ms < $5 order by start_ms`,
    params: [
      tenant ?? ALL_TENANTS,
      endpoint === null ? ALL_ENDPOINTS : idBytes(endpoint),
      GRAINS[grain].ms,
      fromMs,
      toMs,
    ],
  }
  return rows.map(toStat)
}

const toCounts = (row: Row): Counts =>
  Object.fromEntries(STAT_COUNTS.map(name => [name, int(row[name] ?? 0)])) as Counts

const toStat = (row: Row): Stat => ({
  startMs: int(row.start_ms),
  counts: toCounts(row),
  latencies: readBins(text(row.latencies)),
})

/** A period of whole steps; `toMs` is excluded. */
type Steps = Pick<StatQuery, 'grain' | 'fromMs' | 'toMs'>

/** Sums that the engines return as whole numbers. */
const SUMS = STAT_COUNTS.map(name => `cast(sum(${name}) as bigint) as ${name}`).join(', ')

export type TenantSums = {
  readonly tenants: readonly { readonly tenant: TenantId; readonly counts: Counts }[]
  /** The tenant to continue after; null: no tenant is left. */
  readonly lastTenant: TenantId | null
}

/**
 * The sums of the next tenants, in order of their ids, of those in which something happened. The operator's own tenant
 * is not a customer, and has none here.
 */
export function* sumStatsOfTenants(
  args: Steps & { readonly afterTenant: TenantId | null; readonly limit: number },
  { readByIndex }: Dialect,
): Transaction<TenantSums> {
  if (readByIndex !== null) yield readByIndex
  const next = new Where().addIf('id > ?', args.afterTenant)
  const [end] = yield {
    text: `select id from tenant where ${['deleted_ms is null', ...next.conditions].join(' and ')}
           order by id limit 1 offset ${args.limit - 1}`,
    params: next.params,
  }
  const lastTenant = end === undefined ? null : text(end.id)
  const where = new Where([ALL_ENDPOINTS, GRAINS[args.grain].ms, args.fromMs, args.toMs])
  where.addIf('t.id > ?', args.afterTenant).addIf('t.id <= ?', lastTenant).add('t.id <> ?', OPERATOR_TENANT)
  const rows = yield {
    text: `select tenant, ${SUMS} from stat
           where tenant in (select t.id from tenant t where ${['t.deleted_ms is null', ...where.conditions].join(' and ')})
             and endpoint = $1 and grain_ms = $2 and start_ms >= $3 and start_ms < $4 group by tenant order by tenant`,
    params: where.params,
  }
  return { tenants: rows.map(row => ({ tenant: text(row.tenant), counts: toCounts(row) })), lastTenant }
}

const SUMMED_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['endpoint', 'bytes'],
  ['grain_ms', 'int'],
  ['from_ms', 'int'],
  ['to_ms', 'int'],
]

/** The sums of some endpoints in which something happened. */
export function* sumStatsOfEndpoints(
  args: Steps & { readonly endpoints: readonly { readonly tenant: TenantId; readonly id: EndpointId }[] },
  dialect: Dialect,
): Transaction<Map<EndpointId, Counts>> {
  if (dialect.readByIndex !== null) yield dialect.readByIndex
  const { endpoints, grain, fromMs, toMs } = args
  const rows = yield* forEach(dialect, {
    columns: SUMMED_COLUMNS,
    rows: endpoints.map(({ tenant, id }) => [tenant, idBytes(id), GRAINS[grain].ms, fromMs, toMs]),
    query: `select endpoint, ${SUMS} from stat where tenant = v.tenant and endpoint = v.endpoint
              and grain_ms = v.grain_ms and start_ms >= v.from_ms and start_ms < v.to_ms group by endpoint`,
  })
  return new Map(rows.map(row => [idText('ep', bytes(row.endpoint)), toCounts(row)]))
}

// Removal, a limited number of rows at a time. Each function returns how many were removed.

export function* removeStats(args: { tenant: TenantId; limit: number }): Transaction<number> {
  const rows = yield {
    text: `delete from stat where (${KEY}) in (select ${KEY} from stat where tenant = $1 limit ${args.limit})
           returning start_ms`,
    params: [args.tenant],
  }
  return rows.length
}

/** Removes rows that have been kept long enough. */
export function* dropOldStats(args: { grain: Grain; nowMs: number; limit: number }): Transaction<number> {
  const { ms, keptMs } = GRAINS[args.grain]
  const rows = yield {
    text: `delete from stat where (${KEY}) in (
             select ${KEY} from stat where grain_ms = $1 and start_ms < $2 order by start_ms limit ${args.limit})
           returning start_ms`,
    params: [ms, args.nowMs - keptMs],
  }
  return rows.length
}

/** Deleted tenants that still have statistics, a few at a time. */
export function* tenantsWithStrayStats(): Transaction<TenantId[]> {
  const rows = yield {
    text: `select t.id from tenant t where t.deleted_ms is not null
             and exists (select 1 from stat s where s.tenant = t.id) order by t.id limit 100`,
  }
  return rows.map(row => text(row.id))
}

export const statOperations = {
  addStats: writes({ run: addStats, configuration: 'ignores' }),
  readStats: reads({ run: readStats, waitedForBy: 'people' }),
  sumStatsOfTenants: reads({ run: sumStatsOfTenants, waitedForBy: 'people' }),
  sumStatsOfEndpoints: reads({ run: sumStatsOfEndpoints, waitedForBy: 'people' }),
  removeStats: writes({ run: removeStats, configuration: 'ignores' }),
  dropOldStats: writes({ run: dropOldStats, configuration: 'ignores' }),
  tenantsWithStrayStats: reads({ run: tenantsWithStrayStats, waitedForBy: 'people' }),
}
