/**
 * Which endpoints of a tenant an event goes to, decided once, at publish. Pure: the same configuration, type and
 * payload give the same answer. A disabled endpoint matches like any other; its delivery starts as held.
 *
 * What the type decides is remembered: an event costs a look-up, and one evaluation of each different filter.
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

/** For a type that the catalogue has: an endpoint that names no types wants each of these. `payload`: parsed. */
export type Matcher = {
  match(type: string, payload: unknown): Match
  /** Those that want a type, whatever their filters say of a payload. */
  wanting(type: string): readonly MatchEndpoint[]
  /** How many different filters decide about a type. */
  filterCount(type: string): number
}

/**
 * What filters cost, in evaluations of a small payload, each some tenths of a microsecond: of a large payload they may
 * have to look at more.
 */
export const effortOf = (filterCount: number, payloadBytes: number): number => filterCount * (1 + payloadBytes / 1_024)

/** In one go, while the process does nothing else: events that cost more are matched a part at a time, from the inbox. */
export const MAX_EFFORT = 50_000

/** What an endpoint wants, the filter as JSON text. */
export type Selection = Pick<MatchEndpoint, 'types' | 'filterText'>

/** Why an endpoint gets no delivery; undefined: it gets one. */
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
  /** The match, as far as the type decides: of endpoints without a filter. */
  readonly match: Match
  /** Those with one, by filter. */
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

/** Answers a look-up by type of what is made of the endpoints that want it, each of them once. */
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
    // Shared by all types that are wanted by the same patterns and that no endpoint names, so that what is remembered
    // stays in proportion to the endpoints.
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
      // Not remembered by type: those that nobody names may be many.
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
