/** Sealed credentials, while a new encryption key replaces the old one. */

import { idBytes, idText } from '../../../base/ids.ts'
import type { EndpointId } from '../../../base/model.ts'
import { type BulkQuery, bytes, type Transaction, text } from '../../transaction.ts'

export type Sealed = {
  readonly endpoint: EndpointId
  readonly credentials: Uint8Array
  /** Extra headers, as they are stored (headers.ts). */
  readonly headers: string
}

/** In the order of the endpoints' ids, those after `after`. */
export function* readSealed(args: { after: EndpointId | null; limit: number }): Transaction<Sealed[]> {
  const rows = yield {
    text: `select id, credentials, headers from endpoint where credentials is not null
             ${args.after === null ? '' : 'and id > $1'} order by id limit ${args.limit}`,
    params: args.after === null ? [] : [idBytes(args.after)],
  }
  return rows.map(row => ({
    endpoint: idText('ep', bytes(row.id)),
    credentials: bytes(row.credentials),
    headers: text(row.headers),
  }))
}

export type Resealed = Sealed & { readonly before: Sealed; readonly digest: Uint8Array | null }

const RESEALED_COLUMNS: BulkQuery['columns'] = [
  ['id', 'bytes'],
  ['credentials', 'bytes'],
  ['before', 'bytes'],
  ['headers', 'text'],
  ['headers_before', 'text'],
  ['digest', 'bytes'],
]

/**
 * Stores the same secrets sealed with another key; copies that nodes have already opened stay valid. Skips endpoints
 * whose credentials or headers have changed since they were read. Returns how many were replaced.
 */
export function* reseal(args: { items: readonly Resealed[] }): Transaction<number> {
  if (args.items.length === 0) return 0
  const rows = yield {
    text: `update endpoint set credentials = v.credentials, secret_digest = v.digest, headers = v.headers from v
           where endpoint.id = v.id and endpoint.credentials = v.before and endpoint.headers = v.headers_before
           returning endpoint.id`,
    columns: RESEALED_COLUMNS,
    rows: args.items.map(({ endpoint, credentials, headers, before, digest }) => [
      idBytes(endpoint),
      credentials,
      before.credentials,
      headers,
      before.headers,
      digest,
    ]),
  }
  return rows.length
}
