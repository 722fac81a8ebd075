/** Endpoints by the name that callers gave them. */

import { idBytes, idText } from '../../../base/ids.ts'
import type { Endpoint, EndpointId, TenantId } from '../../../base/model.ts'
import { bytes, type Transaction } from '../../transaction.ts'

/**
 * The id of the tenant's endpoint with this uid; null if there is none. With `isDeletedFound`, an endpoint that was
 * deleted is found too if no other has the uid now: the one that was created last.
 */
export function* findEndpoint(args: {
  readonly tenant: TenantId
  readonly uid: string
  readonly isDeletedFound: boolean
}): Transaction<EndpointId | null> {
  const params = [args.tenant, args.uid]
  const find = 'select id from endpoint where tenant = $1 and uid = $2'
  let rows = yield { text: `${find} and deleted_ms is null`, params }
  if (rows.length === 0 && args.isDeletedFound) rows = yield { text: `${find} order by id desc limit 1`, params }
  return rows.length === 0 ? null : idText('ep', bytes(rows[0]!.id))
}

/**
 * Whether another of the tenant's endpoints has the uid. To be asked under the configuration's lock, where the answer
 * stays true until the commit.
 */
export function* isUidTaken({ id, tenant, uid }: Pick<Endpoint, 'id' | 'tenant' | 'uid'>): Transaction<boolean> {
  if (uid === null) return false
  const rows = yield {
    text: 'select 1 from endpoint where tenant = $1 and uid = $2 and deleted_ms is null and id <> $3',
    params: [tenant, uid, idBytes(id)],
  }
  return rows.length > 0
}
