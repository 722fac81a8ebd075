/**
 * Searches the history for what a replay is to create, a limited number of rows at a time. Counting and creating both
 * use it, so that they find the same.
 *
 * There are two ways to search. If missing deliveries are not selected: along the deliveries of the event, the endpoint
 * or the tenant, in the order of their creation, comparing each one in a selected state with all others of the same
 * event and endpoint. Otherwise: along the tenant's events, comparing each with its deliveries.
 */

import { firstIdAt, idBytes, idMs, idText } from '../../../base/ids.ts'
import type { DeliveryId, DeliveryState, EndpointId, EventId, TenantId } from '../../../base/model.ts'
import type { ReplaySelection } from '../../../base/replay.ts'
import { isInRanges, parseStatusRange } from '../../../base/status-range.ts'
import { bytes, idList, int, intOrNull, type Row, type Transaction, text, type Value } from '../../transaction.ts'
import { type Sibling, type Standing, standingOf } from './standing.ts'

export type ReplayScan = {
  readonly tenant: TenantId
  readonly selection: ReplaySelection
  /** Ignores what ended or was published later than this. */
  readonly asOfMs: number
  /** Only results for these endpoints are returned. */
  readonly endpoints: readonly EndpointId[]
  /** Where the previous scan ended; null: from the beginning. */
  readonly after: string | null
  /** The most rows to look at. */
  readonly limit: number
}

/** An event to be sent to an endpoint again, or for the first time. */
export type Replayable = {
  readonly event: EventId
  readonly endpoint: EndpointId
  readonly type: string
  readonly test: boolean
  /** The delivery that the new one repeats; null if there was none. */
  readonly replayOf: DeliveryId | null
  /** A delivery was created later, so this one is no longer needed. */
  readonly isOvertaken: boolean
  /** Pass this as `after` to continue behind this result. */
  readonly at: string
}

export type ReplayChunk = {
  readonly found: readonly Replayable[]
  /** Pass this as `after` to continue behind this chunk; null if it was the last. */
  readonly after: string | null
}

/** No delivery is older than its event, except for the clock difference between two nodes. */
const SLACK_MS = 60_000

export function scanReplay(args: ReplayScan): Transaction<ReplayChunk> {
  return args.selection.missing ? scanEvents(args) : scanDeliveries(args)
}

const keyOf = (value: Value | undefined): string => Buffer.from(bytes(value)).toString('latin1')

// Along the deliveries

function* scanDeliveries(args: ReplayScan): Transaction<ReplayChunk> {
  const { selection, asOfMs } = args
  const after = args.after ?? firstIdAt('dlv', earliestMs(selection) - SLACK_MS)
  const end = firstIdAt('dlv', asOfMs + SLACK_MS)
  const way = wayOf(args)
  // First finds where the next rows end, whatever their state: one statement for a rare state could run very long.
  const reach = yield {
    text: `select id from delivery where id > $1 and id < $2 and ${way.text(3)}
           order by id limit 1 offset ${args.limit - 1}`,
    params: [idBytes(after), idBytes(end), ...way.params],
  }
  const upTo = reach.length === 0 ? null : idText('dlv', bytes(reach[0]!.id))
  const states = selection.states.map(state => `'${state}'`).join(', ')
  const rows: Row[] =
    selection.states.length === 0
      ? []
      : yield {
          text: `select id, endpoint, event, type, test, last_started_ms, last_status from delivery
                 where id > $1 and id <= $2 and state in (${states}) and ended_ms <= $3 and event >= $4 and event < $5
                   ${selection.event === null ? 'and test = 0' : ''} and ${way.text(6)} order by id`,
          params: [idBytes(after), idBytes(upTo ?? end), asOfMs, ...eventBounds(selection, asOfMs), ...way.params],
        }
  const isWanted = wanted(args)
  const hasStatus = withStatus(selection)
  const candidates = rows.filter(isWanted)
  const standings = yield* readStandings(candidates, args)
  const found = candidates.flatMap((row): Replayable[] => {
    const standing = standings.of(row.event, row.endpoint)
    // Each event and endpoint once, at the delivery that decides.
    if (standing.kind !== 'ended' || standing.latest !== keyOf(row.id) || !hasStatus(row)) return []
    const id = idText('dlv', bytes(row.id))
    return [{ ...toPair(row, row.endpoint), replayOf: id, isOvertaken: standing.isOvertaken, at: id }]
  })
  return { found, after: upTo }
}

/**
 * By the status of the last attempt. Only of the delivery that decides, so not before that one is known: an earlier one
 * that failed otherwise says nothing about it.
 */
function withStatus({ statuses }: ReplaySelection): (row: Row) => boolean {
  if (statuses === undefined) return () => true
  const ranges = statuses.flatMap(status => parseStatusRange(status) ?? [])
  return row => row.last_started_ms !== null && isInRanges(intOrNull(row.last_status), ranges)
}

/** A condition, with its parameters numbered from `first`. */
type Way = { readonly text: (first: number) => string; readonly params: readonly Value[] }

/** What to search along, using an index. Must not name another column, or a different index might be used. */
function wayOf({ tenant, selection, endpoints }: ReplayScan): Way {
  const endpoint = endpoints.length === 1 ? idBytes(endpoints[0]!) : null
  if (selection.event !== null) {
    const event = idBytes(selection.event)
    if (endpoint === null) return { text: at => `event = $${at}`, params: [event] }
    return { text: at => `event = $${at} and ${isOne('endpoint', at + 1)}`, params: [event, endpoint] }
  }
  if (endpoint !== null) return { text: at => `endpoint = $${at}`, params: [endpoint] }
  return { text: at => `tenant = $${at}`, params: [tenant] }
}

/**
 * Not `=`: SQLite, which doesn't know how many rows there are, would then use the index of the endpoint, through
 * everything it ever got, instead of that of the event and the endpoint.
 */
const isOne = (column: string, at: number): string => `${column} >= $${at} and ${column} <= $${at}`

// Along the events

function* scanEvents(args: ReplayScan): Transaction<ReplayChunk> {
  const { tenant, selection, asOfMs, limit } = args
  const [from, until] = eventBounds(selection, asOfMs)
  const rows = yield {
    // Events without a number of deliveries are left out: their deliveries are still being created.
    text: `select id, type, test from event
           where tenant = $1 and id ${args.after === null ? '>=' : '>'} $2 and id < $3 and rejected is null
             and deliveries is not null ${selection.event === null ? 'and test = 0' : ''}
           order by id limit ${limit}`,
    params: [tenant, args.after === null ? from : idBytes(args.after), until],
  }
  const events = rows.map(row => ({ ...row, event: row.id! }))
  const candidates = events.filter(wanted({ ...args, endpoints: [] }))
  const standings = yield* readStandings(candidates, args)
  const endpoints = args.endpoints.map(endpoint => idBytes(endpoint))
  const found = candidates.flatMap(row =>
    endpoints.flatMap((endpoint): Replayable[] => {
      const standing = standings.of(row.event, endpoint)
      if (!isSelected(standing, selection)) return []
      const replayOf = standing.kind === 'ended' ? idText('dlv', Buffer.from(standing.latest, 'latin1')) : null
      const pair = toPair(row, endpoint)
      return [{ ...pair, replayOf, isOvertaken: standing.isOvertaken, at: pair.event }]
    }),
  )
  return { found, after: rows.length < limit ? null : idText('evt', bytes(rows.at(-1)!.id)) }
}

function isSelected(
  standing: Standing,
  { states, missing }: ReplaySelection,
): standing is Exclude<Standing, { kind: 'live' }> {
  if (standing.kind === 'ended') return states.includes(standing.state)
  return standing.kind === 'none' && missing
}

// Both ways

const earliestMs = ({ event, fromMs }: ReplaySelection): number =>
  Math.max(0, fromMs ?? 0, event === null ? 0 : idMs(event))

/** The first event's id, and the first id after the last event. */
function eventBounds({ event, fromMs, toMs }: ReplaySelection, asOfMs: number): [Uint8Array, Uint8Array] {
  const from = idBytes(firstIdAt('evt', fromMs ?? 0))
  const until = idBytes(firstIdAt('evt', Math.min(toMs ?? Number.POSITIVE_INFINITY, asOfMs + 1)))
  if (event === null) return [from, until]
  // One event: the bounds are its id and the next id, unless the period excludes it.
  const id = idBytes(event)
  const isWithin = Buffer.compare(id, from) >= 0 && Buffer.compare(id, until) < 0
  return isWithin ? [id, following(id)] : [id, id]
}

function following(id: Uint8Array): Uint8Array {
  const next = Uint8Array.from(id)
  for (let at = next.length - 1; at >= 0; at--) {
    next[at] = (next[at]! + 1) & 255
    if (next[at] !== 0) break
  }
  return next
}

/** Filters by type, and by endpoint where rows have one. In JavaScript, to keep the number of statements low. */
function wanted({ selection, endpoints }: Pick<ReplayScan, 'selection' | 'endpoints'>): (row: Row) => boolean {
  const types = selection.types === null ? null : new Set(selection.types)
  const ids = new Set(endpoints.map(endpoint => keyOf(idBytes(endpoint))))
  return row => (types?.has(text(row.type)) ?? true) && (row.endpoint === undefined || ids.has(keyOf(row.endpoint)))
}

const toPair = (row: Row, endpoint: Value | undefined) => ({
  event: idText('evt', bytes(row.event)),
  endpoint: idText('ep', bytes(endpoint)),
  type: text(row.type),
  test: row.test === 1,
})

type Standings = { of(event: Value | undefined, endpoint: Value | undefined): Standing }

/** The standings of these rows' events at the scan's endpoints. */
function* readStandings(rows: readonly Row[], { endpoints, asOfMs }: ReplayScan): Transaction<Standings> {
  const pairs = new Map<string, Map<string, Sibling>>()
  const events = [...new Map(rows.map(row => [keyOf(row.event), bytes(row.event)])).values()]
  for (let at = 0; at < events.length; at += EVENTS_A_STATEMENT) {
    for (const row of yield* readSiblings(events.slice(at, at + EVENTS_A_STATEMENT), endpoints)) {
      const key = keyOf(row.event) + keyOf(row.endpoint)
      const siblings = pairs.get(key) ?? new Map<string, Sibling>()
      pairs.set(key, siblings)
      // A delivery that ends between the two reads comes twice: history's row is read last, and wins.
      siblings.set(keyOf(row.id), {
        id: keyOf(row.id),
        state: text(row.state) as DeliveryState,
        createdAtMs: int(row.created_ms),
        endedAtMs: intOrNull(row.ended_ms),
      })
    }
  }
  return { of: (event, endpoint) => standingOf(pairs.get(keyOf(event) + keyOf(endpoint))?.values() ?? [], asOfMs) }
}

const EVENTS_A_STATEMENT = 1_024

function* readSiblings(events: readonly Uint8Array[], endpoints: readonly EndpointId[]): Transaction<Row[]> {
  const { text: list, params } = idList(events, 2)
  const one = endpoints.length === 1 ? [idBytes(endpoints[0]!)] : []
  const earliest = Math.min(...events.map(event => idMs(idText('evt', event))))
  const bound = idBytes(firstIdAt('dlv', Math.max(0, earliest - SLACK_MS)))
  const ofOne = one.length === 1 ? `and ${isOne('endpoint', 2 + params.length)}` : ''
  const where = `event in (${list}) and id >= $1 ${ofOne}`
  const all = [bound, ...params, ...one]
  const live = yield {
    text: `select id, endpoint, event, state, created_ms, null as ended_ms from live_delivery where ${where}`,
    params: all,
  }
  const ended = yield {
    text: `select id, endpoint, event, state, created_ms, ended_ms from delivery where ${where}`,
    params: all,
  }
  return [...live, ...ended]
}
