/**
 * What an attempt shows about its endpoint, written with its settlement: that a run of failures has begun or is over,
 * or that the receiver asked for a pause. Marks are rare: an attempt in the middle of a run writes none.
 */

import { idBytes, idText } from '../../../base/ids.ts'
import { type Endpoint, type EndpointId, RETURNING } from '../../../base/model.ts'
import { type BulkQuery, bytes, type Dialect, type Row, type Transaction, text } from '../../transaction.ts'
import { urlOf } from './stored-url.ts'

export type EndpointMark =
  | { readonly kind: 'failing'; readonly sinceMs: number }
  /** A success ends a run of failures, whichever node recorded it. */
  | { readonly kind: 'well' }
  /** The receiver at this URL (null: of a listener) wants no request before `untilMs`. */
  | { readonly kind: 'paused'; readonly untilMs: number; readonly url: string | null }

/** A mark with its endpoint, and the partition's epoch at which it was made. */
export type PlacedMark = { readonly endpoint: EndpointId; readonly epoch: number; readonly mark: EndpointMark }

const isOurs = `exists (select 1 from partition_lease p where p.id = endpoint.partition and p.epoch = v.epoch)`

/** Writes many marks in few statements: thousands of a tenant's endpoints can begin to fail in the same moment. */
export function* markEndpoints(marks: readonly PlacedMark[], dialect: Dialect): Transaction<void> {
  for (const round of roundsOf(marks)) {
    // In the order of the endpoints, so that two transactions wait for each other instead of deadlocking.
    const sorted = round.sort((a, b) => (a.endpoint < b.endpoint ? -1 : 1))
    const changed = [
      ...(yield* markFailing(sorted, dialect)),
      ...(yield* markWell(sorted, dialect)),
      ...(yield* markPaused(sorted, dialect)),
    ]
    if (changed.length === 0) continue
    yield {
      note: () =>
        changed.map(({ id, tenant }) => ({ kind: 'endpoint', tenant: text(tenant), id: bytes(id), change: 'updated' })),
    }
  }
}

/** Several marks of one endpoint count one after another: divides them into lists with at most one of each endpoint. */
function roundsOf(marks: readonly PlacedMark[]): PlacedMark[][] {
  const rounds: PlacedMark[][] = []
  const counts = new Map<EndpointId, number>()
  for (const mark of marks) {
    const nth = counts.get(mark.endpoint) ?? 0
    counts.set(mark.endpoint, nth + 1)
    const round = rounds[nth]
    if (round === undefined) rounds.push([mark])
    else round.push(mark)
  }
  return rounds
}

const KEY = ['id']

const FAILING_COLUMNS: BulkQuery['columns'] = [
  ['id', 'bytes'],
  ['since_ms', 'int'],
  ['epoch', 'int'],
]

function* markFailing(marks: readonly PlacedMark[], { isNamed }: Dialect): Transaction<Row[]> {
  const rows = marks.flatMap(({ endpoint, epoch, mark }) =>
    mark.kind === 'failing' ? [[idBytes(endpoint), mark.sinceMs, epoch]] : [],
  )
  if (rows.length === 0) return []
  return yield {
    text: `update endpoint set failing_since_ms = v.since_ms, failing_stage = 0 from v
           where ${isNamed('endpoint', KEY)} and endpoint.failing_since_ms is null and endpoint.deleted_ms is null
             and ${isOurs}
           returning endpoint.id, endpoint.tenant`,
    columns: FAILING_COLUMNS,
    rows,
  }
}

const ID_COLUMNS: BulkQuery['columns'] = [['id', 'bytes']]

function* markWell(marks: readonly PlacedMark[], { isNamed }: Dialect): Transaction<Row[]> {
  const rows = marks.flatMap(({ endpoint, mark }) => (mark.kind === 'well' ? [[idBytes(endpoint)]] : []))
  if (rows.length === 0) return []
  return yield {
    text: `update endpoint set failing_since_ms = null, failing_stage = 0 from v
           where ${isNamed('endpoint', KEY)} and (endpoint.failing_since_ms is not null or endpoint.failing_stage <> 0)
           returning endpoint.id, endpoint.tenant`,
    columns: ID_COLUMNS,
    rows,
  }
}

const PAUSED_COLUMNS: BulkQuery['columns'] = [
  ['id', 'bytes'],
  ['until_ms', 'int'],
  ['url', 'text'],
  ['epoch', 'int'],
]

function* markPaused(marks: readonly PlacedMark[], { isNamed }: Dialect): Transaction<Row[]> {
  const paused = marks.flatMap(({ endpoint, epoch, mark }) =>
    mark.kind === 'paused' ? [{ ...mark, id: idBytes(endpoint), endpoint, epoch }] : [],
  )
  if (paused.length === 0) return []
  const found = yield {
    text: `select endpoint.id, endpoint.url from v cross join endpoint where ${isNamed('endpoint', KEY)}`,
    columns: ID_COLUMNS,
    rows: paused.map(({ id }) => [id]),
  }
  const urls = new Map(found.map(row => [idText('ep', bytes(row.id)), text(row.url)]))
  const rows = paused.flatMap(({ endpoint, id, untilMs, url, epoch }) => {
    const stored = urls.get(endpoint)
    return stored !== undefined && urlOf(stored) === url ? [[id, untilMs, stored, epoch]] : []
  })
  if (rows.length === 0) return []
  return yield {
    text: `update endpoint set paused_until_ms = v.until_ms from v
           where ${isNamed('endpoint', KEY)} and endpoint.url = v.url
             and (endpoint.paused_until_ms is null or endpoint.paused_until_ms < v.until_ms) and ${isOurs}
           returning endpoint.id, endpoint.tenant`,
    columns: PAUSED_COLUMNS,
    rows,
  }
}

/** Clears failures and pause after someone enabled the endpoint or changed its URL; a failing one starts slowly. */
export function* startOver({ id, state, health }: Endpoint): Transaction<void> {
  const wasWell = state === 'enabled' && health.failingSinceMs === null && health.stage === 0
  yield {
    text: 'update endpoint set failing_since_ms = null, failing_stage = $2, paused_until_ms = null where id = $1',
    params: [idBytes(id), wasWell ? 0 : RETURNING],
  }
}
