/** What a part of the stream's log refers to, as it is now. */

import { idText } from '../../../base/ids.ts'
import type { Delivery, PublishedEvent, TenantId } from '../../../base/model.ts'
import { forEach } from '../../for-each.ts'
import type { Noted } from '../../stream-notes.ts'
import { type BulkQuery, type Dialect, type Transaction, text } from '../../transaction.ts'
import { ATTEMPT_FIELDS, type DeliveryAttempt, toAttempts } from '../deliveries/attempts.ts'
import { findDeliveriesByKey } from '../deliveries/reading.ts'
import { EVENT_FIELDS, toEvent } from '../events/event-rows.ts'
import { type OpenRequest, readOpenRequests } from '../listeners/requests.ts'

export type StreamedThings = {
  /** Their payloads are a byte or, if they are no longer kept, empty, unless they were asked for. */
  readonly events: readonly PublishedEvent[]
  /** Also those of the attempts. */
  readonly deliveries: readonly Delivery[]
  readonly attempts: readonly (DeliveryAttempt & { readonly tenant: TenantId })[]
  /** Those that are still open. */
  readonly requests: readonly OpenRequest[]
}

const KEY_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['id', 'bytes'],
]

const ATTEMPT_COLUMNS: BulkQuery['columns'] = [...KEY_COLUMNS, ['number', 'int'], ['started_ms', 'int']]

/** Enough to see whether there is a payload. */
const WITHOUT_PAYLOAD = EVENT_FIELDS.replace('payload', 'substr(payload, 1, 1) as payload')

/** Those that are still kept, in any order. */
export function* readStreamed(
  { items, withPayloads }: { readonly items: readonly Noted[]; readonly withPayloads: boolean },
  dialect: Dialect,
): Transaction<StreamedThings> {
  if (dialect.readByIndex !== null) yield dialect.readByIndex
  const keysOf = (kind: Noted['kind']) =>
    items.filter(noted => noted.kind === kind).map(({ tenant, id }) => [tenant, id])
  const events = yield* forEach(dialect, {
    columns: KEY_COLUMNS,
    rows: keysOf('event'),
    query: `select ${withPayloads ? EVENT_FIELDS : WITHOUT_PAYLOAD} from event where tenant = v.tenant and id = v.id`,
  })
  const attempts = yield* forEach(dialect, {
    columns: ATTEMPT_COLUMNS,
    rows: items.flatMap(noted =>
      noted.kind === 'attempt' ? [[noted.tenant, noted.id, noted.number, noted.startedAtMs]] : [],
    ),
    query: `select ${ATTEMPT_FIELDS} from attempt
            where tenant = v.tenant and delivery = v.id and number = v.number and started_ms = v.started_ms`,
  })
  const keys = items.flatMap(({ kind, tenant, id }) =>
    kind === 'delivery' || kind === 'attempt' ? [{ tenant, id: idText('dlv', id) }] : [],
  )
  const tenants = attempts.map(row => text(row.tenant))
  const handedOver = items.flatMap(({ kind, tenant, id }) => (kind === 'request' ? [[tenant, id] as const] : []))
  return {
    events: events.map(toEvent),
    deliveries: [...(yield* findDeliveriesByKey(keys, dialect)).values()],
    attempts: (yield* toAttempts(attempts, dialect)).map((attempt, index) => ({ ...attempt, tenant: tenants[index]! })),
    requests: yield* readOpenRequests(handedOver, dialect),
  }
}
