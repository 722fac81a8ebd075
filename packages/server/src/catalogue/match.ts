/**
 * Decides which endpoints of a tenant an event goes to, once, when it is published. Pure: the same configuration, type
 * and payload give the same result. A disabled endpoint matches like any other; its delivery starts as held.
 *
 * The part that depends only on the type is cached: an event costs a lookup, and one evaluation of each distinct
 * filter.
 */
import { isOperational, type NotSent, type NotSentReason } from '../base/model.ts'
import type { MatchEndpoint, TenantConfiguration } from '../store/operations/endpoints/endpoints.ts'
import { type Filter, Filters } from './filter.ts'
import { createPattern, isPattern, isTypeWanted } from './type-pattern.ts'

export type Match = {
  readonly endpoints: readonly MatchEndpoint[]
  /** How many endpoints get no delivery, by reason. */
  readonly notSent: NotSent
}

/** Only for types in the catalogue: an endpoint that names no types wants all of these. `payload` is parsed. */
export type Matcher = {
  match(type: string, payload: unknown): Match
  /** The endpoints that want a type, regardless of their filters. */
  wanting(type: string): readonly MatchEndpoint[]
  /** How many distinct filters apply to events of a type. */
  filterCount(type: string): number
}

/**
 * The cost of evaluating filters, in evaluations of a small payload (some tenths of a microsecond each). In a large
 * payload a filter might have to look at more.
 */
export const effortOf = (filterCount: number, payloadBytes: number): number => filterCount * (1 + payloadBytes / 1_024)

/** Maximum effort in one go, which blocks the process. Costlier events are matched from the inbox, a part at a time. */
export const MAX_EFFORT = 50_000

/** What an endpoint wants. The filter is JSON text. */
export type Selection = Pick<MatchEndpoint, 'types' | 'filterText'>

/** Why an endpoint gets no delivery. Undefined if it gets one. */
export function decide(
  { types, filterText }: Selection,
  type: string,
  payload: unknown,
  filters: Filters,
): NotSentReason | undefined {
  if (!isTypeWanted(types, type)) return 'type'
  return filterText === null || filters.get(filterText)(payload) ? undefined : 'filter'
}

/** The endpoints that want a type. */
type Candidates = {
  /** The match of the endpoints without a filter, which depends only on the type. */
  readonly match: Match
  /** The endpoints with a filter, grouped by filter. */
  readonly filtered: readonly (readonly [Filter, readonly MatchEndpoint[]])[]
}

export function createMatcher({ endpoints }: TenantConfiguration, filters = new Filters()): Matcher {
  const wanting = indexByType(endpoints)
  const toCandidates = (wanted: readonly MatchEndpoint[]): Candidates => {
    const groups = Map.groupBy(wanted, ({ filterText }) => filterText)
    const others = endpoints.length - wanted.length
    return {
      match: { endpoints: groups.get(null) ?? [], notSent: others === 0 ? {} : { type: others } },
      filtered: [...groups].flatMap(([text, group]) => (text === null ? [] : [[filters.get(text), group] as const])),
    }
  }
  const candidates = wanting(toCandidates)
  const hasFilters = endpoints.some(({ filterText }) => filterText !== null)
  return {
    match(type, payload) {
      const { match, filtered } = candidates(type)
      return filtered.length === 0 ? match : filter(match, filtered, payload)
    },
    wanting(type) {
      const { match, filtered } = candidates(type)
      return match.endpoints.concat(...filtered.map(([, group]) => group))
    },
    filterCount: type => (hasFilters ? candidates(type).filtered.length : 0),
  }
}

function filter(match: Match, filtered: Candidates['filtered'], payload: unknown): Match {
  const passing: MatchEndpoint[][] = []
  let refused = 0
  for (const [passes, group] of filtered) {
    if (passes(payload)) passing.push(group as MatchEndpoint[])
    else refused += group.length
  }
  const endpoints = passing.length === 0 ? match.endpoints : match.endpoints.concat(...passing)
  return { endpoints, notSent: refused === 0 ? match.notSent : { ...match.notSent, filter: refused } }
}

/**
 * Indexes endpoints by the types that they want. The result takes a function that turns such endpoints into something
 * else, and returns a cached lookup of that by type. An endpoint is listed once, even if several of its names match.
 */
function indexByType(endpoints: readonly MatchEndpoint[]) {
  const wantAll: MatchEndpoint[] = []
  const byName = new Map<string, MatchEndpoint[]>()
  for (const endpoint of endpoints) {
    if (endpoint.types === null) wantAll.push(endpoint)
    else for (const name of new Set(endpoint.types)) listOf(byName, name).push(endpoint)
  }
  const patterns = [...byName].filter(([name]) => isPattern(name)).map(([name]) => [name, createPattern(name)] as const)
  return <Made>(make: (wanted: readonly MatchEndpoint[]) => Made): ((type: string) => Made) => {
    const known = new Map<string, Made>()
    // Shared by all types that match the same patterns and that no endpoint names, so that the cache stays proportional
    // to the number of endpoints.
    const byPatterns = new Map<string, Made>()
    const makeFor = (type: string, names: readonly string[]) => {
      const all = isOperational(type) ? [] : wantAll
      const named = names.flatMap(name => byName.get(name)!)
      return make(names.length > 1 ? [...new Set([...all, ...named])] : [...all, ...named])
    }
    const find = (type: string): Made => {
      const fitting = patterns.filter(([, fits]) => fits(type)).map(([name]) => name)
      if (byName.has(type)) return makeFor(type, [type, ...fitting])
      const key = `${isOperational(type)} ${fitting.join(' ')}`
      const shared = byPatterns.get(key) ?? makeFor(type, fitting)
      byPatterns.set(key, shared)
      return shared
    }
    const ofOthers = makeFor('', [])
    return type => {
      const before = known.get(type)
      if (before !== undefined) return before
      // Not cached by type: there could be many types that no endpoint names.
      if (patterns.length === 0 && !byName.has(type) && !isOperational(type)) return ofOthers
      const found = find(type)
      known.set(type, found)
      return found
    }
  }
}

function listOf(byName: Map<string, MatchEndpoint[]>, name: string): MatchEndpoint[] {
  let list = byName.get(name)
  if (list === undefined) {
    list = []
    byName.set(name, list)
  }
  return list
}
