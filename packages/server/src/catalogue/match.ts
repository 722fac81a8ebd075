/**
 * Decides which endpoints of a tenant an event goes to, once, when it is published. The same configuration, type and
 * payload give the same result. A disabled endpoint matches like any other; its delivery starts as held.
 *
 * The part that depends only on the type is cached: an event costs a lookup, and one evaluation of each distinct
 * filter. Both stop when the work for one go is used up (decision 37).
 */
import type { EndpointId, NotSent, NotSentReason } from '../base/model.ts'
import type { KeptFilter, Matchable, Work } from './contents.ts'
import type { Progress } from './filter/progress.ts'

/** Stands for a payload that was not parsed: large ones are parsed in the inbox, in turns. */
export const UNPARSED = Symbol('unparsed')

export type Match = {
  readonly endpoints: readonly Matchable[]
  /** How many endpoints get no delivery, by reason. */
  readonly notSent: NotSent
}

/**
 * Why an endpoint gets no delivery. Undefined if it gets one. `payload` is parsed. `interrupted`: decide again, with the
 * same progress.
 */
export function decide(
  { wanted, filter }: Pick<Matchable, 'wanted' | 'filter'>,
  type: string,
  payload: unknown,
  work: Work,
  progress: Progress | null,
): NotSentReason | 'interrupted' | undefined {
  if (!wanted.has(type, work)) return 'type'
  if (filter === null) return undefined
  const passes = filter.passes(payload, work, progress)
  return passes === undefined ? 'interrupted' : passes ? undefined : 'filter'
}

/** The endpoints that want a type. */
type Candidates = {
  readonly count: number
  /** The match of the endpoints without a filter, which depends only on the type. */
  readonly match: Match
  /** The endpoints with a filter, grouped by filter. */
  readonly filtered: readonly (readonly [KeptFilter, readonly Matchable[]])[]
}

type Groups = Map<KeptFilter | null, Matchable[]>

/** Candidates that are still being looked for. */
type Search = { readonly groups: Groups; nextAt: number }

/** Types whose candidates are being looked for; those that were begun first are given up for more. */
const MAX_SEARCHES = 32
/** Endpoints in the candidates of all types, for each of the tenant's endpoints. */
const CANDIDATES_AN_ENDPOINT = 16
/** Candidates that are compared with new ones, to share them. */
const MAX_COMPARED = 4
/** Candidates in addition, so that small tenants keep all of their types. */
const MORE_CANDIDATES = 10_000
/** Work on cached candidates when endpoints change. Types beyond that are looked up from scratch. */
const WORK_OF_CHANGE = 20_000

/** Size of an endpoint and its share of the candidates, besides its content. */
export const BYTES_AN_ENDPOINT = 300 + 8 * CANDIDATES_AN_ENDPOINT

export type EndpointChange = { readonly id: EndpointId; readonly endpoint: Matchable | null }

/** A tenant's endpoints at one version of its configuration. */
export class TenantIndex {
  /** In the order of their ids. */
  readonly endpoints: readonly Matchable[]
  readonly #known = new Map<string, Candidates>()
  readonly #searches = new Map<string, Search>()
  /** How many types have these candidates. */
  readonly #sharers = new Map<Candidates, number>()
  /** Endpoints in all candidates, those that types share counted once. */
  #candidateCount = 0

  /** @param endpoints in the order of their ids */
  constructor(endpoints: readonly Matchable[]) {
    this.endpoints = endpoints
  }

  /**
   * Only for types in the catalogue: an endpoint that names no types wants all of these. `payload` is parsed, or
   * `UNPARSED`. Undefined if the work ran out (the next call with the type continues to look for its candidates), or
   * if a filter needs the parsed payload.
   */
  match(type: string, payload: unknown, work: Work): Match | undefined {
    const candidates = this.#known.get(type) ?? this.#search(type, work)
    if (candidates === undefined) return undefined
    if (candidates.filtered.length === 0) return candidates.match
    return payload === UNPARSED ? undefined : filter(candidates, payload, work)
  }

  find(id: EndpointId): Matchable | undefined {
    const found = this.endpoints[this.indexAfter(id) - 1]
    return found?.id === id ? found : undefined
  }

  /** The index of the first endpoint after this id; null: the first of all. */
  indexAfter(id: EndpointId | null): number {
    let [from, to] = [0, id === null ? 0 : this.endpoints.length]
    while (from < to) {
      const middle = (from + to) >>> 1
      if (this.endpoints[middle]!.id <= id!) from = middle + 1
      else to = middle
    }
    return from
  }

  /**
   * The index with some endpoints replaced, added or removed (`endpoint` is null). This one stays what it is. Candidates
   * of types are kept: only what the change concerns is replaced in them.
   *
   * @param changes one for each id
   */
  with(changes: readonly EndpointChange[]): TenantIndex {
    const byId = new Map(changes.map(change => [change.id, change.endpoint]))
    const endpoints = this.endpoints.filter(({ id }) => !byId.has(id))
    const added = changes.flatMap(({ endpoint }) => (endpoint === null ? [] : [endpoint]))
    // Usually new endpoints, whose ids are the last: then the array is in order already.
    for (const one of added.sort(byIdOrder)) endpoints.push(one)
    if (!isSorted(endpoints)) endpoints.sort(byIdOrder)
    const next = new TenantIndex(endpoints)
    const removed = changes.flatMap(({ id }) => this.find(id) ?? [])
    const work: Work = { left: WORK_OF_CHANGE }
    const replacements: Replacement[] = []
    for (const [type, candidates] of this.#known) {
      const [gone, come] = [removed, added].map(some => some.filter(({ wanted }) => wanted.has(type, work)))
      const change = { candidates, gone: gone!, come: come! }
      const same = replacements.find(other => isSameChange(change, other))
      const changed = same?.changed ?? replaceIn(change, endpoints.length, work)
      if (work.left <= 0) break
      if (same === undefined) replacements.push({ ...change, changed })
      next.#keep(type, changed)
    }
    return next
  }

  #search(type: string, work: Work): Candidates | undefined {
    const search = this.#searches.get(type) ?? { groups: new Map(), nextAt: 0 }
    const { groups } = search
    while (search.nextAt < this.endpoints.length) {
      if (work.left <= 0) {
        this.#searches.set(type, search)
        if (this.#searches.size > MAX_SEARCHES) this.#searches.delete(this.#searches.keys().next().value!)
        return undefined
      }
      const endpoint = this.endpoints[search.nextAt++]!
      if (endpoint.wanted.has(type, work)) addTo(groups, endpoint)
    }
    this.#searches.delete(type)
    return this.#keep(type, this.#shared(toCandidates(groups, this.endpoints.length)))
  }

  /** Types that the same endpoints want share one list, so that many types take no more memory than a few. */
  #shared(candidates: Candidates): Candidates {
    let compared = 0
    for (const known of this.#sharers.keys()) {
      if (known.count !== candidates.count || known.filtered.length !== candidates.filtered.length) continue
      if (areEqual(known, candidates)) return known
      if (++compared === MAX_COMPARED) break
    }
    return candidates
  }

  #keep(type: string, candidates: Candidates): Candidates {
    this.#known.set(type, candidates)
    const sharers = this.#sharers.get(candidates) ?? 0
    this.#sharers.set(candidates, sharers + 1)
    if (sharers === 0) this.#candidateCount += candidates.count
    const most = this.endpoints.length * CANDIDATES_AN_ENDPOINT + MORE_CANDIDATES
    for (const oldest of this.#known.keys()) {
      if (this.#candidateCount <= most || oldest === type) break
      this.#drop(oldest)
    }
    return candidates
  }

  #drop(type: string): void {
    const candidates = this.#known.get(type)!
    this.#known.delete(type)
    const sharers = this.#sharers.get(candidates)!
    if (sharers > 1) this.#sharers.set(candidates, sharers - 1)
    else {
      this.#sharers.delete(candidates)
      this.#candidateCount -= candidates.count
    }
  }
}

const byIdOrder = (a: Matchable, b: Matchable): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)

const isSorted = (endpoints: readonly Matchable[]): boolean =>
  endpoints.every(({ id }, index) => index === 0 || endpoints[index - 1]!.id < id)

function addTo(groups: Groups, endpoint: Matchable): void {
  const group = groups.get(endpoint.filter)
  if (group === undefined) groups.set(endpoint.filter, [endpoint])
  else group.push(endpoint)
}

function toCandidates(groups: ReadonlyMap<KeptFilter | null, readonly Matchable[]>, total: number): Candidates {
  const endpoints = groups.get(null) ?? []
  const filtered = [...groups].flatMap(([filter, group]) => (filter === null ? [] : [[filter, group] as const]))
  const count = filtered.reduce((sum, [, group]) => sum + group.length, endpoints.length)
  return { count, match: { endpoints, notSent: total === count ? {} : { type: total - count } }, filtered }
}

/** Candidates of which some endpoints go and to which others come. */
type CandidatesChange = {
  readonly candidates: Candidates
  readonly gone: readonly Matchable[]
  readonly come: readonly Matchable[]
}
type Replacement = CandidatesChange & { readonly changed: Candidates }

const isSameChange = (a: CandidatesChange, b: CandidatesChange): boolean =>
  a.candidates === b.candidates && isSameList(a.gone, b.gone) && isSameList(a.come, b.come)

function replaceIn({ candidates, gone, come }: CandidatesChange, total: number, work: Work): Candidates {
  const groups = new Map<KeptFilter | null, readonly Matchable[]>(candidates.filtered)
  groups.set(null, candidates.match.endpoints)
  for (const [filter, group] of Map.groupBy(gone, endpoint => endpoint.filter)) {
    const ids = new Set(group.map(({ id }) => id))
    const left = groups.get(filter)?.filter(({ id }) => !ids.has(id)) ?? []
    if (left.length > 0) groups.set(filter, left)
    else groups.delete(filter)
    work.left -= left.length >> 4
  }
  for (const [filter, group] of Map.groupBy(come, endpoint => endpoint.filter)) {
    groups.set(filter, [...(groups.get(filter) ?? []), ...group])
    work.left -= groups.get(filter)!.length >> 4
  }
  work.left -= groups.size
  return toCandidates(groups, total)
}

const isSameList = (some: readonly Matchable[], others: readonly Matchable[]): boolean =>
  some.length === others.length && some.every((endpoint, index) => endpoint === others[index])

const areEqual = (a: Candidates, b: Candidates): boolean =>
  isSameList(a.match.endpoints, b.match.endpoints) &&
  a.filtered.every(([filter, group], index) => {
    const [other, others] = b.filtered[index]!
    return filter === other && isSameList(group, others)
  })

function filter({ match, filtered }: Candidates, payload: unknown, work: Work): Match | undefined {
  const passing: Matchable[] = []
  let refused = 0
  for (const [filter, group] of filtered) {
    if (work.left <= 0) return undefined
    const passes = filter.passes(payload, work)
    if (passes === undefined) return undefined
    if (passes) for (const endpoint of group) passing.push(endpoint)
    else refused += group.length
  }
  const endpoints = passing.length === 0 ? match.endpoints : match.endpoints.concat(passing)
  return { endpoints, notSent: refused === 0 ? match.notSent : { ...match.notSent, filter: refused } }
}
