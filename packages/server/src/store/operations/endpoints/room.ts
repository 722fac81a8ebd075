/** Whether a tenant can have another endpoint. */
import { type Endpoint, MAX_LISTENERS, type TenantId } from '../../../base/model.ts'
import { int, type Transaction } from '../../transaction.ts'
import { countListeners } from '../listeners/readers.ts'
import { selectionCharacters } from './selections.ts'

/** What a tenant's endpoints can have together. Default: no limit. */
export type SelectionLimit = { readonly maxSelectionCharacters?: number | undefined }

/** Why creating an endpoint found no room. */
export function* whyNotCreated(
  tenant: TenantId,
  maxEndpoints: number,
): Transaction<'no_tenant' | 'too_many' | 'too_large'> {
  const [row] = yield {
    text: 'select endpoint_count from tenant where id = $1 and deleted_ms is null',
    params: [tenant],
  }
  if (row === undefined) return 'no_tenant'
  return int(row.endpoint_count) < maxEndpoints ? 'too_large' : 'too_many'
}

/** Whether createEndpoint would refuse an endpoint for want of room. Null: it wouldn't. */
export function* findRoomForEndpoint({
  endpoint,
  maxEndpoints = Number.MAX_SAFE_INTEGER,
  maxSelectionCharacters = Number.MAX_SAFE_INTEGER,
}: {
  readonly endpoint: Pick<Endpoint, 'tenant' | 'types' | 'filter' | 'url'>
  readonly maxEndpoints?: number | undefined
} & SelectionLimit): Transaction<'no_tenant' | 'too_many' | 'too_many_listeners' | 'too_large' | null> {
  if (endpoint.url === null && (yield* countListeners(endpoint.tenant)) >= MAX_LISTENERS) return 'too_many_listeners'
  const rows = yield {
    text: `select 1 from tenant where id = $1 and deleted_ms is null and endpoint_count < $2 and selection_characters <= $3`,
    params: [endpoint.tenant, maxEndpoints, maxSelectionCharacters - selectionCharacters(endpoint)],
  }
  return rows.length > 0 ? null : yield* whyNotCreated(endpoint.tenant, maxEndpoints)
}
