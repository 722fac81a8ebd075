import { idText } from '../../../base/ids.ts'
import type { EndpointId, TenantId } from '../../../base/model.ts'
import { bytes, type Dialect, type Transaction, text, textOrNull } from '../../transaction.ts'
import { Where } from '../../where.ts'
import { urlOf } from './stored-url.ts'

export type NamedEndpoint = {
  readonly tenant: TenantId
  readonly id: EndpointId
  readonly uid: string | null
  readonly name: string | null
  /** Null: it is a listener. */
  readonly url: string | null
  readonly isDeleted: boolean
}

export type NamedSlice = {
  readonly items: readonly NamedEndpoint[]
  /** The last endpoint looked at; null: there is none behind it. */
  readonly goesOnAt: EndpointId | null
}

type NamedQuery = {
  /** The name or the uid. */
  readonly text: string
  /** null: of all tenants. */
  readonly tenant: TenantId | null
  readonly before: EndpointId | null
  /** The most endpoints looked at. */
  readonly rows: number
  readonly limit: number
}

/**
 * Endpoints that have this name or had this uid when they were deleted, newest first. Names and former uids have no
 * index, which changes of endpoints would pay for, so only the next `rows` endpoints are looked at.
 */
export function* findNamedEndpoints(args: NamedQuery, { readByIndex }: Dialect): Transaction<NamedSlice> {
  if (readByIndex !== null) yield readByIndex
  const { text: sought, tenant, before, rows, limit } = args
  const looked = new Where().addIf('tenant = ?', tenant)
  const order = looked.behind({ before })
  const edges = yield {
    text: `select id from endpoint ${looked.clause} ${order} limit 1 offset ${rows - 1}`,
    params: looked.params,
  }
  const edge = edges.length === 0 ? null : bytes(edges[0]!.id)
  const where = new Where().addIf('tenant = ?', tenant)
  where.behind({ before })
  where.addIf('id >= ?', edge).add('? in (name, uid)', sought)
  const found = yield {
    text: `select tenant, id, uid, name, url, deleted_ms from endpoint where ${where.text}
             and exists (select 1 from tenant t where t.id = endpoint.tenant and t.deleted_ms is null)
           ${order} limit ${limit}`,
    params: where.params,
  }
  const items = found.map(row => ({
    tenant: text(row.tenant),
    id: idText('ep', bytes(row.id)),
    uid: textOrNull(row.uid),
    name: textOrNull(row.name),
    url: urlOf(row.url),
    isDeleted: row.deleted_ms !== null,
  }))
  if (items.length === limit) return { items, goesOnAt: items.at(-1)!.id }
  return { items, goesOnAt: edge === null ? null : idText('ep', edge) }
}
