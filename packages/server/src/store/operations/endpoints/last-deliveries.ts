import { idBytes, idText } from '../../../base/ids.ts'
import type { DeliveryId, EndpointId, EndState } from '../../../base/model.ts'
import { forEach } from '../../for-each.ts'
import { type BulkQuery, bytes, type Dialect, int, type Transaction, text } from '../../transaction.ts'

export type LastDelivery = {
  readonly id: DeliveryId
  readonly state: EndState
  readonly endedAtMs: number
}

const ENDPOINT_COLUMNS: BulkQuery['columns'] = [['endpoint', 'bytes']]

/** The newest delivery of each endpoint that has ended. */
export function* readLastDeliveries(
  args: { readonly endpoints: readonly EndpointId[] },
  dialect: Dialect,
): Transaction<Map<EndpointId, LastDelivery>> {
  if (dialect.readByIndex !== null) yield dialect.readByIndex
  const rows = yield* forEach(dialect, {
    columns: ENDPOINT_COLUMNS,
    rows: args.endpoints.map(id => [idBytes(id)]),
    query: `select endpoint, id, state, ended_ms from delivery where endpoint = v.endpoint order by id desc limit 1`,
  })
  return new Map(
    rows.map(row => [
      idText('ep', bytes(row.endpoint)),
      { id: idText('dlv', bytes(row.id)), state: text(row.state) as EndState, endedAtMs: int(row.ended_ms) },
    ]),
  )
}
