/** Checks what a replay is to select, and what it is to be called. */
import { createHash } from 'node:crypto'
import { type FieldError, PosthornError } from '../base/errors.ts'
import { isOurId, looksLikeId } from '../base/ids.ts'
import type { EndState } from '../base/model.ts'
import type { ReplaySelection } from '../base/replay.ts'
import { parseStatusRange, STATUS_RULE } from '../base/status-range.ts'
import { operationalType } from '../catalogue/operational-types.ts'
import { unknownType } from '../catalogue/unknown-type.ts'
import type { Store } from '../store/store.ts'
import { checkPeriod } from './checks/contradictions.ts'
import { checkCount } from './checks/list-parameters.ts'
import { invalid, isTypeName } from './checks/refusals.ts'
import { checkStorable } from './checks/values.ts'
import { canHaveStatus } from './deliveries/last-attempts.ts'

/** A selection as a caller gives it. */
export type SelectionInput = Omit<ReplaySelection, 'states' | 'statuses'> & {
  /** null: the usual ones. */
  readonly states: readonly EndState[] | null
  /** null or absent: any. */
  readonly statuses?: readonly string[] | null | undefined
}

const MAX_KEY_CHARACTERS = 255
const LAST_MS = Date.UTC(9999, 11, 31)
const MAX_TYPES = 1_000
/** Each suggestion compares a name with the whole catalogue. */
const MAX_SUGGESTIONS = 20

/** By default whatever did not arrive; for a single event, everything that has ended. */
const usualStates = ({ event, missing }: SelectionInput): readonly EndState[] =>
  event !== null && !missing ? ['delivered', 'exhausted', 'cancelled'] : ['exhausted']

/** Fills in defaults and sorts lists, so that equal selections compare as equal. */
export function toSelection(input: SelectionInput, nowMs: number, faults: FieldError[]): ReplaySelection {
  const { endpoint, event, types, missing, fromMs, toMs } = input
  const states = [...new Set(input.states ?? usualStates(input))].sort()
  if (types !== null && types.length === 0) {
    faults.push({ field: '/types', detail: 'Give at least one event type, or omit `types` to replay all.' })
  }
  if (types !== null && types.length > MAX_TYPES) {
    faults.push({ field: '/types', detail: `Give at most ${MAX_TYPES} event types.` })
  }
  if (states.length === 0 && !missing) {
    faults.push({ field: '/states', detail: 'Give at least one state, or set `missing` to true.' })
  }
  if (fromMs !== null && toMs !== null && fromMs >= toMs) {
    faults.push({ field: '/to', detail: 'The time must be after `from`.' })
  } else checkPeriod({ fromMs, toMs }, nowMs, '/', faults)
  const sorted = types === null ? null : [...new Set(types)].sort()
  const statuses = checkedStatuses(input, states, faults)
  return {
    endpoint,
    event,
    types: sorted,
    states,
    ...(statuses === undefined ? {} : { statuses }),
    missing,
    fromMs: within(fromMs),
    toMs: within(toMs),
  }
}

function checkedStatuses(
  { statuses, missing }: SelectionInput,
  states: readonly EndState[],
  faults: FieldError[],
): readonly string[] | undefined {
  const field = '/statuses'
  if (statuses === null || statuses === undefined) return undefined
  if (statuses.length === 0) {
    faults.push({ field, detail: 'Give at least one status, or omit `statuses` to replay all.' })
  }
  checkCount(field, statuses, faults)
  const ranges = statuses.map(parseStatusRange)
  const known = ranges.filter(range => range !== undefined)
  if (known.length < ranges.length) faults.push({ field, detail: STATUS_RULE })
  else if (missing) {
    faults.push({ field, detail: 'Events that an endpoint never got have no status. Omit `statuses` or `missing`.' })
  } else if (known.length > 0 && !canHaveStatus(known, statesOf(states))) {
    const detail =
      'No delivery in one of these `states` has a last attempt with one of these statuses: `delivered` has those from ' +
      '200 to 299, the others have all others. Change `states` or `statuses`.'
    faults.push({ field, detail })
  }
  return [...new Set(statuses.map(status => status.toLowerCase()))].sort()
}

const statesOf = (states: readonly EndState[]) => ({
  canBeDelivered: states.includes('delivered'),
  canBeOther: states.some(state => state !== 'delivered'),
})

/** Limits a time to the years 1970 to 9999: there are no events before or after. */
const within = (ms: number | null): number | null => (ms === null ? null : Math.min(Math.max(0, ms), LAST_MS))

/**
 * Refuses types that can't match: those that are neither in the catalogue nor, deleted from it, of any event that is
 * still kept.
 */
export async function checkReplayedTypes(
  store: Store,
  types: readonly string[] | null,
  faults: FieldError[],
): Promise<void> {
  if (types === null) return
  const catalogue = (await store.read('readCatalogue', {})).types.map(({ name }) => name)
  const known = new Set(catalogue)
  let suggestions = 0
  for (const [index, type] of types.slice(0, MAX_TYPES).entries()) {
    if (known.has(type) || operationalType(type) !== undefined) continue
    if (isTypeName(type) && (await store.read('isTypeKept', { type }))) continue
    const fault = unknownType(type, suggestions++ < MAX_SUGGESTIONS ? catalogue : [])
    faults.push({ field: `/types/${index}`, ...fault })
  }
}

export function checkKey(key: string, field: string, faults: FieldError[]): void {
  // A URL parser would resolve them as path segments.
  if (key === '.' || key === '..') {
    faults.push({ field, detail: 'This key cannot be used in a path. Choose another.' })
  }
  if (looksLikeId(key)) faults.push({ field, detail: 'A key must not have the form of an id. Choose another.' })
  if (key.length >= 1 && key.length <= MAX_KEY_CHARACTERS) checkStorable(key, field, faults)
  else faults.push({ field, detail: `The key must have 1 to ${MAX_KEY_CHARACTERS} characters.` })
}

/** Whether a replay could have this key or id, so that the store can be asked for it. */
export const isReplayName = (name: string): boolean => {
  if (isOurId(name)) return true
  const faults: FieldError[] = []
  checkKey(name, '', faults)
  return faults.length === 0
}

export function hashOf(selection: ReplaySelection): Uint8Array {
  const { endpoint, event, types, states, statuses, missing, fromMs, toMs } = selection
  // Statuses only if there are some: without, hashes stay what they were before selections had any.
  const members = [endpoint, event, types, states, missing, fromMs, toMs, ...(statuses === undefined ? [] : [statuses])]
  const text = JSON.stringify(members)
  return Uint8Array.from(createHash('sha256').update(text).digest())
}

/** Throws if the key was used for something else. */
export function requireSame(hash: Uint8Array, wanted: Uint8Array): void {
  if (Buffer.compare(hash, wanted) === 0) return
  throw new PosthornError(
    'idempotency_conflict',
    'The key was already used for a replay with a different selection. Choose another.',
  )
}

export function refuse(faults: readonly FieldError[]): void {
  if (faults.length > 0) throw invalid(faults)
}
