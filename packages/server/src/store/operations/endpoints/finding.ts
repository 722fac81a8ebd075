/** Lists of endpoints, of one tenant or of all, in bounded reads: little can match, and there is no index for it. */
import { idBytes, idText } from '../../../base/ids.ts'
import type { Endpoint, EndpointId, EndpointState, TenantId } from '../../../base/model.ts'
import { encodeTarget } from '../../../guard/request-target.ts'
import { bytes, type Dialect, int, type Row, type Transaction } from '../../transaction.ts'
import { type Place, patternOf, Where } from '../../where.ts'
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
  /** A part of the URL, the name or the uid, in upper or lower case. */
  readonly text: string | null
}

export type EndpointSlice = {
  /** The nearest first. */
  readonly items: readonly Endpoint[]
  /** Of each of them, about the size of its row. */
  readonly bytes: readonly number[]
  /** The last endpoint looked at; null: there is none behind it. */
  readonly goesOnAt: EndpointId | null
}

type Reading = {
  /** Endpoints that are looked at. */
  readonly rows: number
  /** The most that are returned. */
  readonly limit: number
  /** About the most bytes of rows that are returned. One row can be larger than that. */
  readonly maxBytes: number
  readonly nowMs: number
}

/** Columns whose size the caller chooses. */
const LARGE = ['url', 'credentials', 'types', 'filter', 'description', 'metadata', 'headers', 'schedule']
/** The other columns of a row together, on the high side. */
const SMALL_BYTES = 512
const BYTES = `${LARGE.map(column => `coalesce(octet_length(${column}), 0)`).join(' + ')} + ${SMALL_BYTES}`

/**
 * Those that pass the filter among the next `rows` endpoints. Their sizes are read first, which takes no reading of what
 * is large.
 */
export function* findEndpoints(
  args: EndpointFilter & Place<EndpointId> & Reading,
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
  const conditions = ['deleted_ms is null', ...where.conditions].join(' and ')
  const sizes = yield {
    text: `select id, ${BYTES} as bytes from endpoint where ${conditions} ${order} limit ${args.limit}`,
    params: where.params,
  }
  const fitting = new Map(fit(sizes, args.maxBytes))
  const last = [...fitting.keys()].at(-1)
  if (last === undefined) return { items: [], bytes: [], goesOnAt: edge }
  where.add(args.after === undefined ? 'id >= ?' : 'id <= ?', idBytes(last))
  const rows = yield {
    text: `select ${ENDPOINT_FIELDS} from endpoint where ${['deleted_ms is null', ...where.conditions].join(' and ')}
           ${order} limit ${fitting.size}`,
    params: where.params,
  }
  const items = rows.map(toEndpoint)
  const isAll = fitting.size === sizes.length && sizes.length < args.limit
  return { items, bytes: items.map(({ id }) => fitting.get(id) ?? 0), goesOnAt: isAll ? edge : last }
}

/** The first endpoints, as many as have rows of up to `maxBytes` together, and at least one, with the size of each. */
function fit(sizes: readonly Row[], maxBytes: number): [EndpointId, number][] {
  let sum = 0
  const end = sizes.findIndex((row, index) => {
    sum += int(row.bytes)
    return index > 0 && sum > maxBytes
  })
  const fitting = end < 0 ? sizes : sizes.slice(0, end)
  return fitting.map(row => [idText('ep', bytes(row.id)), int(row.bytes)])
}

function addConditions(where: Where, filter: EndpointFilter & { readonly nowMs: number }): void {
  const { states, health, uid, url, text, nowMs } = filter
  if (states !== null) where.addIn('state', states)
  where.addIf('uid = ?', uid)
  // A URL is ASCII, so that both engines find the same lower case.
  if (url !== null) where.conditions.push('seen_ms is null', urlCondition(where, url))
  if (text !== null) where.conditions.push(textCondition(where, text))
  if (health !== null) where.conditions.push(healthCondition(where, health, nowMs))
}

/** Finds a part of a URL as it is shown, as it was given, and as earlier versions stored it (sentUrl). */
function urlCondition(where: Where, part: string): string {
  const forms = [...new Set([part, encodeTarget(part)])]
  const conditions = forms.map(
    form => `lower(url) like $${where.params.push(patternOf(form.toLowerCase()))} escape '!'`,
  )
  return `(${conditions.join(' or ')})`
}

/**
 * Letters other than A to Z are found as they are written, and perhaps otherwise: SQLite knows no other case. A uid has no
 * others.
 */
function textCondition(where: Where, part: string): string {
  const pattern = `$${where.params.push(patternOf(part))}`
  const conditions = ['name', 'uid'].map(column => `lower(${column}) like lower(${pattern}) escape '!'`)
  return `(${[urlCondition(where, part), ...conditions].join(' or ')})`
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
