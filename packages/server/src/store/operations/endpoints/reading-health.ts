/** What the newest deliveries of endpoints show about their receivers, in a few short reads for a page of endpoints. */
import { idBytes, idText } from '../../../base/ids.ts'
import type { AttemptError, Endpoint, EndpointId } from '../../../base/model.ts'
import { forEach } from '../../for-each.ts'
import {
  type BulkQuery,
  bytes,
  type Dialect,
  int,
  intOrNull,
  type Row,
  type Transaction,
  text,
} from '../../transaction.ts'
import { LAST_FIELDS } from '../deliveries/delivery-rows.ts'

/** Deliveries looked at in each way, for one endpoint. */
const DELIVERIES_LOOKED_AT = 16
const ATTEMPTS_LOOKED_AT = 4

export type Failure = {
  readonly endedAtMs: number
  /** null: there was no response. */
  readonly status: number | null
  readonly error: AttemptError
}

export type EndpointFacts = {
  /** The newest failure among the newest deliveries of each failing endpoint. */
  readonly failures: ReadonlyMap<EndpointId, Failure>
  /** Other endpoints with a success among their newest deliveries. */
  readonly succeeded: ReadonlySet<EndpointId>
}

type Looked = Pick<Endpoint, 'id' | 'partition' | 'health'>

export function* readEndpointFacts(
  { endpoints, nowMs }: { readonly endpoints: readonly Looked[]; readonly nowMs: number },
  dialect: Dialect,
): Transaction<EndpointFacts> {
  if (dialect.readByIndex !== null) yield dialect.readByIndex
  const failing = endpoints.filter(({ health }) => health.failingSinceMs !== null)
  const others = endpoints.filter(({ health }) => health.failingSinceMs === null)
  return {
    failures: yield* newestFailures(failing, nowMs, dialect),
    succeeded: yield* thoseWithSuccess(others, dialect),
  }
}

const LOOKED_COLUMNS: BulkQuery['columns'] = [
  ['endpoint', 'bytes'],
  ['partition', 'int'],
  ['now_ms', 'int'],
]

const LIVE = `select endpoint, tenant, id, attempts, ${LAST_FIELDS} from live_delivery
  where partition = v.partition and endpoint = v.endpoint`
const ENDED = `select endpoint, tenant, id, attempts, ${LAST_FIELDS} from delivery where endpoint = v.endpoint`

/**
 * Those that wait longest for their next attempt, those that wait least, those that are held and those that ended. There
 * is no index by attempts, which settling would pay for.
 */
const NEWEST = [
  `${LIVE} and state = 'pending' order by due_ms desc, id desc`,
  `${LIVE} and state = 'pending' and due_ms > v.now_ms order by due_ms, id`,
  `${LIVE} and state = 'held' order by id desc`,
  `${ENDED} order by id desc`,
]
  .map((text, index) => `select * from (${text} limit ${DELIVERIES_LOOKED_AT}) q${index}`)
  .join(' union all ')

function* newestFailures(
  failing: readonly Looked[],
  nowMs: number,
  dialect: Dialect,
): Transaction<Map<EndpointId, Failure>> {
  const rows = yield* forEach(dialect, {
    columns: LOOKED_COLUMNS,
    rows: failing.map(({ id, partition }) => [idBytes(id), partition, nowMs]),
    query: NEWEST,
  })
  const newest = new Map<EndpointId, Failure>()
  for (const [endpoint, own] of Map.groupBy(rows, row => idText('ep', bytes(row.endpoint)))) {
    const failure = newestOf(own) ?? newestOf(yield* lastAttempts(own, dialect))
    if (failure !== undefined) newest.set(endpoint, failure)
  }
  return newest
}

function newestOf(rows: readonly Row[]): Failure | undefined {
  const failures = rows
    .filter(row => row.last_error !== null)
    .map(row => ({
      endedAtMs: int(row.last_started_ms) + int(row.last_duration_ms),
      status: intOrNull(row.last_status),
      error: text(row.last_error) as AttemptError,
    }))
  return failures.sort((a, b) => b.endedAtMs - a.endedAtMs)[0]
}

const ATTEMPTED_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['delivery', 'bytes'],
]

/** For rows from before they kept their last attempt. */
function* lastAttempts(rows: readonly Row[], dialect: Dialect): Transaction<Row[]> {
  const attempted = rows.filter(row => row.last_started_ms === null && int(row.attempts) > 0)
  const newest = attempted.sort((a, b) => Buffer.compare(bytes(b.id), bytes(a.id))).slice(0, ATTEMPTS_LOOKED_AT)
  return yield* forEach(dialect, {
    columns: ATTEMPTED_COLUMNS,
    rows: newest.map(row => [text(row.tenant), bytes(row.id)]),
    query: `select started_ms as last_started_ms, duration_ms as last_duration_ms, status as last_status, error as last_error
            from attempt where tenant = v.tenant and delivery = v.delivery order by number desc, started_ms desc limit 1`,
  })
}

const ENDPOINT_COLUMNS: BulkQuery['columns'] = [['endpoint', 'bytes']]

function* thoseWithSuccess(endpoints: readonly Looked[], dialect: Dialect): Transaction<Set<EndpointId>> {
  const rows = yield* forEach(dialect, {
    columns: ENDPOINT_COLUMNS,
    rows: endpoints.map(({ id }) => [idBytes(id)]),
    query: `select endpoint from (
              select endpoint, state from delivery where endpoint = v.endpoint order by id desc limit ${DELIVERIES_LOOKED_AT}) d
            where state = 'delivered' limit 1`,
  })
  return new Set(rows.map(row => idText('ep', bytes(row.endpoint))))
}
