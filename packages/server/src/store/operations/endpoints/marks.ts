/**
 * What an attempt shows about its endpoint, written with its settlement: that a run of failures has begun or is over,
 * or that the receiver asked for a pause. Marks are rare: an attempt in the middle of a run writes none.
 */

import { idBytes } from '../../../base/ids.ts'
import { type Endpoint, type EndpointId, RETURNING } from '../../../base/model.ts'
import { type Row, type Transaction, text } from '../../transaction.ts'
import { urlOf } from './stored-url.ts'

export type EndpointMark =
  | { readonly kind: 'failing'; readonly sinceMs: number }
  /** A success ends a run of failures, whichever node recorded it. */
  | { readonly kind: 'well' }
  /** The receiver at this URL (null: of a listener) wants no request before `untilMs`. */
  | { readonly kind: 'paused'; readonly untilMs: number; readonly url: string | null }

/** A mark with its endpoint, and the partition's epoch at which it was made. */
export type PlacedMark = { readonly endpoint: EndpointId; readonly epoch: number; readonly mark: EndpointMark }

const isOurs = (epoch: string): string =>
  `exists (select 1 from partition_lease p where p.id = endpoint.partition and p.epoch = ${epoch})`

export function* markEndpoints(marks: readonly PlacedMark[]): Transaction<void> {
  // In the order of the endpoints, so that two transactions wait for each other instead of deadlocking.
  const sorted = [...marks].sort((a, b) => (a.endpoint < b.endpoint ? -1 : a.endpoint > b.endpoint ? 1 : 0))
  for (const { endpoint, epoch, mark } of sorted) {
    const id = idBytes(endpoint)
    let changed: Row[]
    if (mark.kind === 'failing') {
      changed = yield {
        text: `update endpoint set failing_since_ms = $2, failing_stage = 0
               where id = $1 and failing_since_ms is null and deleted_ms is null and ${isOurs('$3')}
               returning tenant`,
        params: [id, mark.sinceMs, epoch],
      }
    } else if (mark.kind === 'well') {
      changed = yield {
        text: `update endpoint set failing_since_ms = null, failing_stage = 0
               where id = $1 and (failing_since_ms is not null or failing_stage <> 0) returning tenant`,
        params: [id],
      }
    } else {
      const [row] = yield { text: 'select url from endpoint where id = $1', params: [id] }
      const stored = row === undefined ? '' : text(row.url)
      if (urlOf(stored) !== mark.url) continue
      changed = yield {
        text: `update endpoint set paused_until_ms = $2
               where id = $1 and url = $3 and (paused_until_ms is null or paused_until_ms < $2) and ${isOurs('$4')}
               returning tenant`,
        params: [id, mark.untilMs, stored, epoch],
      }
    }
    const [row] = changed
    if (row !== undefined) {
      yield { note: () => [{ kind: 'endpoint', tenant: text(row.tenant), id, change: 'updated' }] }
    }
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
