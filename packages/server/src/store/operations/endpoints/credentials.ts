/** Sealed credentials, while a new encryption key replaces the old one. */

import { idBytes, idText } from '../../../base/ids.ts'
import type { EndpointId } from '../../../base/model.ts'
import { type BulkQuery, bytes, type Transaction } from '../../transaction.ts'

export type Sealed = { readonly endpoint: EndpointId; readonly credentials: Uint8Array }

/** In the order of the endpoints' ids, those after `after`. */
export function* readSealed(args: { after: EndpointId | null; limit: number }): Transaction<Sealed[]> {
  const rows = yield {
    text: `select id, credentials from endpoint where credentials is not null
             ${args.after === null ? '' : 'and id > $1'} order by id limit ${args.limit}`,
    params: args.after === null ? [] : [idBytes(args.after)],
  }
  return rows.map(row => ({ endpoint: idText('ep', bytes(row.id)), credentials: bytes(row.credentials) }))
}

export type Resealed = Sealed & { readonly before: Uint8Array; readonly digest: Uint8Array | null }

const RESEALED_COLUMNS: BulkQuery['columns'] = [
  ['id', 'bytes'],
  ['credentials', 'bytes'],
  ['before', 'bytes'],
  ['digest', 'bytes'],
]

/**
 * Stores the same secrets sealed with another key; copies that nodes have already opened stay valid. Skips credentials
 * that have changed since they were read. Returns how many were replaced.
 */
export function* reseal(args: { items: readonly Resealed[] }): Transaction<number> {
  if (args.items.length === 0) return 0
  const rows = yield {
    text: `update endpoint set credentials = v.credentials, secret_digest = v.digest from v
           where endpoint.id = v.id and endpoint.credentials = v.before returning endpoint.id`,
    columns: RESEALED_COLUMNS,
    rows: args.items.map(({ endpoint, credentials, before, digest }) => [
      idBytes(endpoint),
      credentials,
      before,
      digest,
    ]),
  }
  return rows.length
}
