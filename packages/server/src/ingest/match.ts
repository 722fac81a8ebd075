/**
 * Which endpoints of a tenant an event goes to, decided once, at publish. Pure: the same configuration and type give
 * the same answer. A disabled endpoint matches like any other; its delivery starts as held.
 */
import { isOperational, type NotSent } from '../model.ts'
import type { MatchEndpoint, TenantConfiguration } from '../store/operations/configuration.ts'

export type Match = {
  readonly endpoints: readonly MatchEndpoint[]
  /** How many endpoints get no delivery, by reason. */
  readonly notSent: NotSent
}

/** For a type that the catalogue has: an endpoint that names no types wants each of these. */
export type Matcher = (type: string) => Match

export function createMatcher(configuration: TenantConfiguration): Matcher {
  const { endpoints } = configuration
  const wantAll: MatchEndpoint[] = []
  const byType = new Map<string, MatchEndpoint[]>()
  for (const endpoint of endpoints) {
    if (endpoint.types === null) wantAll.push(endpoint)
    else for (const type of new Set(endpoint.types)) listOf(byType, type).push(endpoint)
  }
  const toMatch = (matching: readonly MatchEndpoint[]): Match => {
    const others = endpoints.length - matching.length
    return { endpoints: matching, notSent: others === 0 ? {} : { type: others } }
  }
  // Shared by all types that no endpoint names, so that what is remembered stays in proportion to the endpoints.
  const ofOthers = toMatch(wantAll)
  const matches = new Map<string, Match>()
  return type => {
    const known = matches.get(type)
    if (known !== undefined) return known
    const named = byType.get(type)
    // Nobody gets what Posthorn tells of itself who doesn't name it.
    if (isOperational(type)) return toMatch(named ?? [])
    if (named === undefined) return ofOthers
    const match = toMatch(wantAll.length === 0 ? named : [...wantAll, ...named])
    matches.set(type, match)
    return match
  }
}

function listOf(byType: Map<string, MatchEndpoint[]>, type: string): MatchEndpoint[] {
  let list = byType.get(type)
  if (list === undefined) {
    list = []
    byType.set(type, list)
  }
  return list
}
