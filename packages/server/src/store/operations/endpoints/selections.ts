/**
 * What endpoints wanted earlier: their types and filter, by their tenant's versions. An event records the version it
 * was matched at, so for each endpoint one can tell whether it existed then, and what it wanted.
 */

import { idBytes, idText } from '../../../base/ids.ts'
import type { Endpoint, EndpointId, TenantId } from '../../../base/model.ts'
import { bytes, int, jsonOrNull, type Row, type Transaction, textOrNull } from '../../transaction.ts'

/** The filter is JSON text. */
export type PastSelection = { readonly types: readonly string[] | null; readonly filterText: string | null }

/** Earlier selections kept for each endpoint; older ones are removed. */
const MAX_KEPT = 1_000

/** To be called in the transaction that changes an endpoint's types or filter, before the tenant's version rises. */
export function* keepSelection({ id, tenant, types, filter }: Endpoint): Transaction<void> {
  const endpoint = idBytes(id)
  const toText = (value: unknown) => (value === null ? null : JSON.stringify(value))
  yield {
    text: `insert into endpoint_selection (tenant, endpoint, until_version, from_version, types, filter)
           select t.id, e.id, t.version + 1, e.selection_version, cast($3 as text), cast($4 as text)
           from tenant t join endpoint e on e.tenant = t.id where t.id = $1 and e.id = $2`,
    params: [tenant, endpoint, toText(types), toText(filter)],
  }
  yield {
    text: `update endpoint set selection_version = (select version + 1 from tenant where id = $1) where id = $2`,
    params: [tenant, endpoint],
  }
  yield {
    text: `delete from endpoint_selection where tenant = $1 and endpoint = $2 and until_version <= (
             select until_version from endpoint_selection where tenant = $1 and endpoint = $2
             order by until_version desc limit 1 offset ${MAX_KEPT})`,
    params: [tenant, endpoint],
  }
}

/** Characters of an endpoint's types and filter as JSON. */
const CHARACTERS = 'coalesce(length(types), 0) + coalesce(length(filter), 0)'

/** Adds the characters of an endpoint's selection to those of its tenant, or takes them away (`sign` is -1). */
export function* countSelection({ id, tenant }: Pick<Endpoint, 'id' | 'tenant'>, sign: 1 | -1): Transaction<void> {
  yield {
    text: `update tenant set selection_characters = selection_characters
             + ${sign} * (select ${CHARACTERS} from endpoint where id = $2) where id = $1`,
    params: [tenant, idBytes(id)],
  }
}

/** As the store counts them, but for characters beyond the Basic Multilingual Plane, which have two units here. */
export const selectionCharacters = ({ types, filter }: Pick<Endpoint, 'types' | 'filter'>): number =>
  (types === null ? 0 : JSON.stringify(types).length) + (filter === null ? 0 : JSON.stringify(filter).length)

/** Whether the tenant's types and filters would have too many characters after a change that adds some. */
export function* isTooLarge(before: Endpoint, after: Endpoint, maxCharacters: number): Transaction<boolean> {
  const added = selectionCharacters(after) - selectionCharacters(before)
  if (added <= 0) return false
  const [row] = yield { text: 'select selection_characters from tenant where id = $1', params: [after.tenant] }
  return row !== undefined && int(row.selection_characters) + added > maxCharacters
}

/**
 * What endpoints wanted at a version, for those that have wanted something else since. An endpoint that is missing from
 * the result still wants the same, or its selection is no longer kept (`selection_version` tells which).
 *
 * @param ids the first and the last endpoint to include. Default: all of the tenant's endpoints
 */
export function* readSelectionsAt(args: {
  tenant: TenantId
  version: number
  ids?: readonly [first: EndpointId, last: EndpointId]
}): Transaction<Map<EndpointId, PastSelection>> {
  const { tenant, version, ids } = args
  const rows = yield {
    text: `select endpoint, types, filter from endpoint_selection
           where tenant = $1 and from_version <= $2 and until_version > $2
             ${ids === undefined ? '' : 'and endpoint >= $3 and endpoint <= $4'}`,
    params: [tenant, version, ...(ids ?? []).map(idBytes)],
  }
  return new Map(rows.map(row => [idText('ep', bytes(row.endpoint)), toSelection(row)]))
}

export const toSelection = (row: Row): PastSelection => ({
  types: jsonOrNull(row.types) as string[] | null,
  filterText: textOrNull(row.filter),
})

/** When an endpoint was created, got its present selection and was deleted, as versions of its tenant. */
export type EndpointVersions = {
  readonly createdVersion: number
  readonly selectionVersion: number
  readonly deletedVersion: number | null
}

export const toVersions = (row: Row): EndpointVersions => ({
  createdVersion: int(row.created_version),
  selectionVersion: int(row.selection_version),
  deletedVersion: row.deleted_version === null ? null : int(row.deleted_version),
})
