/** What matching reads: a tenant's endpoints, a page at a time, and what has changed since. */

import { idBytes, idText } from '../../../base/ids.ts'
import type { Endpoint, EndpointId, EndpointState, TenantId } from '../../../base/model.ts'
import { bytes, int, jsonOrNull, type Row, type Transaction, text, textOrNull } from '../../transaction.ts'

/** What matching needs to know about an endpoint. */
export type MatchEndpoint = Pick<Endpoint, 'id' | 'partition' | 'types' | 'state' | 'ordered'> & {
  /** The filter as JSON text; null if there is none. */
  readonly filterText: string | null
  /** Versions of the tenant: when the endpoint was registered, and when its types or filter last changed. */
  readonly createdVersion: number
  readonly selectionVersion: number
}

/** A state of a tenant's configuration. */
export type TenantState = {
  readonly version: number
  /** The number of the tenant's last change. */
  readonly changeSeq: number
  readonly endpointCount: number
}

export type TenantConfiguration = TenantState & {
  readonly endpoints: readonly MatchEndpoint[]
  /** Whether there are more endpoints after these. */
  readonly hasMore: boolean
}

const MATCH_FIELDS = ['id', 'partition', 'types', 'filter', 'state', 'ordered', 'created_version', 'selection_version']
const fieldsOf = (table: string) => MATCH_FIELDS.map(field => `${table}.${field}`).join(', ')

const toMatchEndpoint = (row: Row): MatchEndpoint => ({
  id: idText('ep', bytes(row.id)),
  partition: int(row.partition),
  types: jsonOrNull(row.types) as string[] | null,
  filterText: textOrNull(row.filter),
  createdVersion: int(row.created_version),
  selectionVersion: int(row.selection_version),
  state: text(row.state) as EndpointState,
  ordered: row.ordered === 1,
})

const toState = (row: Row): TenantState => ({
  version: int(row.version),
  changeSeq: int(row.change_seq),
  endpointCount: int(row.endpoint_count),
})

/**
 * A tenant's version and its endpoints in the order of their ids; null if the tenant doesn't exist.
 *
 * @param after the endpoint before the first. Default: from the beginning
 * @param only the only endpoint to read; null: all. Default: null
 * @param limit the most endpoints. Default: all
 * @param maxCharacters where a page ends: types and filters of its endpoints, the last one excluded, can have as many
 *   characters. Default: no bound
 */
export function* readTenantConfiguration(args: {
  tenant: TenantId
  after?: EndpointId | null
  only?: EndpointId | null
  limit?: number
  maxCharacters?: number
}): Transaction<TenantConfiguration | null> {
  const { tenant, after = null, only = null, limit = 1_000_000_000, maxCharacters = Number.MAX_SAFE_INTEGER } = args
  const [condition, id] = only === null ? ['and e.id > $2', after] : ['and e.id = $2', only]
  // The version first: endpoints that are read after it can only be newer, and then the version check reports `stale`.
  const [row] = yield {
    text: 'select version, change_seq, endpoint_count from tenant where id = $1 and deleted_ms is null',
    params: [tenant],
  }
  if (row === undefined) return null
  const rows = yield {
    // The ids first: PostgreSQL would read the texts of all of the tenant's endpoints to tell how long they are.
    text: `select ${fieldsOf('sized')}, sized.read from (
             select page.*, count(*) over () as read,
               sum(page.characters) over (order by page.id) - page.characters as before
             from (
               select ${fieldsOf('e')}, coalesce(length(e.types), 0) + coalesce(length(e.filter), 0) as characters
               from (select e.id from endpoint e
                     where e.tenant = $1 and e.deleted_ms is null ${id === null ? '' : condition}
                     order by e.id limit ${limit}) chosen
               join endpoint e on e.id = chosen.id) page) sized
           where sized.before <= ${maxCharacters} order by sized.id`,
    params: [tenant, ...(id === null ? [] : [idBytes(id)])],
  }
  const read = rows.length === 0 ? 0 : int(rows[0]!.read)
  return { ...toState(row), endpoints: rows.map(toMatchEndpoint), hasMore: read === limit || rows.length < read }
}

export type EndpointChanges = TenantState & {
  /** In the order of their changes. `endpoint` is null if it was deleted. */
  readonly changes: readonly { readonly id: EndpointId; readonly endpoint: MatchEndpoint | null }[]
  /** Pass it as `since` to continue. */
  readonly lastSeq: number
  /** Whether there were more changes than the limit: then the state is newer than these. */
  readonly hasMore: boolean
}

/** A tenant's endpoints that changed after a change; null if the tenant doesn't exist. */
export function* readEndpointChanges(args: {
  tenant: TenantId
  since: number
  limit: number
}): Transaction<EndpointChanges | null> {
  const { tenant, since, limit } = args
  // One statement, so that the endpoints are those of the version.
  const rows = yield {
    text: `select t.version, t.change_seq, t.endpoint_count, e.change_seq as seq, e.deleted_ms, ${fieldsOf('e')}
           from tenant t left join endpoint e on e.tenant = t.id and e.change_seq > $2
           where t.id = $1 and t.deleted_ms is null order by e.change_seq, e.id limit ${limit}`,
    params: [tenant, since],
  }
  const [first] = rows
  if (first === undefined) return null
  const changed = rows.filter(row => row.id !== null)
  return {
    ...toState(first),
    changes: changed.map(row => ({
      id: idText('ep', bytes(row.id)),
      endpoint: row.deleted_ms === null ? toMatchEndpoint(row) : null,
    })),
    lastSeq: changed.length === 0 ? since : int(changed.at(-1)!.seq),
    hasMore: changed.length === limit,
  }
}
