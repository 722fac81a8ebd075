/** Lists of endpoints, of one tenant or of all, in bounded reads: little can match, and there is no index for it. */
import { idBytes, idText } from '../../../base/ids.ts'
import type { Endpoint, EndpointId, EndpointState, TenantId } from '../../../base/model.ts'
import { encodeTarget } from '../../../guard/request-target.ts'
import { bytes, type Dialect, type Transaction } from '../../transaction.ts'
import { type Place, Where } from '../../where.ts'
import { ENDPOINT_FIELDS, toEndpoint } from './endpoints.ts'

/**
 * What is known of a receiver from the endpoint's row alone. `failing`: it has had no success since the first failure
 * of a run. `paused`: it isn't failing, and asked for a pause that isn't over. `other`: neither.
 */
export type StoredHealth = 'failing' | 'paused' | 'other'

export type EndpointFilter = {
  /** null: of all tenants. */
  readonly tenant: TenantId | null
  /** null: any. */
  readonly states: readonly EndpointState[] | null
  readonly health: readonly StoredHealth[] | null
  readonly uid: string | null
  /** A part of the URL, in upper or lower case. */
  readonly url: string | null
}

export type EndpointSlice = {
  /** The nearest first. */
  readonly items: readonly Endpoint[]
  /** The last endpoint looked at; null: there is none behind it. */
  readonly goesOnAt: EndpointId | null
}

/** Those that pass the filter among the next `rows` endpoints, `limit` of them at most. */
export function* findEndpoints(
  args: EndpointFilter & Place<EndpointId> & { readonly rows: number; readonly limit: number; readonly nowMs: number },
  { readByIndex }: Dialect,
): Transaction<EndpointSlice> {
  if (readByIndex !== null) yield readByIndex
  const looked = new Where().addIf('tenant = ?', args.tenant)
  const order = looked.behind(args)
  const edges = yield {
    text: `select id from endpoint ${looked.clause} ${order} limit 1 offset ${args.rows - 1}`,
    params: looked.params,
  }
  const edge = edges.length === 0 ? null : idText('ep', bytes(edges[0]!.id))
  const where = new Where().addIf('tenant = ?', args.tenant)
  where.behind(args)
  if (edge !== null) where.add(args.after === undefined ? 'id >= ?' : 'id <= ?', idBytes(edge))
  addConditions(where, args)
  const rows = yield {
    text: `select ${ENDPOINT_FIELDS} from endpoint where ${['deleted_ms is null', ...where.conditions].join(' and ')}
           ${order} limit ${args.limit}`,
    params: where.params,
  }
  const items = rows.map(toEndpoint)
  return { items, goesOnAt: items.length === args.limit ? items.at(-1)!.id : edge }
}

function addConditions(where: Where, filter: EndpointFilter & { readonly nowMs: number }): void {
  const { states, health, uid, url, nowMs } = filter
  if (states !== null) where.addIn('state', states)
  where.addIf('uid = ?', uid)
  // A URL is ASCII, so that both engines find the same lower case.
  if (url !== null) addUrlCondition(where, url)
  if (health !== null) where.conditions.push(healthCondition(where, health, nowMs))
}

/** Finds a part of a URL as it is shown, as it was given, and as earlier versions stored it (sentUrl). */
function addUrlCondition(where: Where, part: string): void {
  const forms = [...new Set([part, encodeTarget(part)])]
  const patterns = forms.map(form => `%${form.toLowerCase().replaceAll(/[!%_]/g, '!$&')}%`)
  const conditions = patterns.map(pattern => `lower(url) like $${where.params.push(pattern)} escape '!'`)
  where.conditions.push(`(${conditions.join(' or ')})`)
}

function healthCondition(where: Where, health: readonly StoredHealth[], nowMs: number): string {
  const now = () => `$${where.params.push(nowMs)}`
  const conditions: Readonly<Record<StoredHealth, () => string>> = {
    failing: () => 'failing_since_ms is not null',
    paused: () => `failing_since_ms is null and paused_until_ms > ${now()}`,
    other: () => `failing_since_ms is null and (paused_until_ms is null or paused_until_ms <= ${now()})`,
  }
  return `(${health.map(word => `(${conditions[word]()})`).join(' or ')})`
}
