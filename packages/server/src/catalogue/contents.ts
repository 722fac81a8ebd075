/**
 * What endpoints select, by content: lists of type names, and filters. Equal ones are kept and compiled once, however
 * many endpoints of however many tenants have them, for as long as one of them is cached.
 */
import type { PayloadFilter } from '../base/model.ts'
import type { MatchEndpoint } from '../store/operations/endpoints/matching.ts'
import { compileInterruptible, type InterruptibleFilter, lastWork } from './filter/compile.ts'
import type { Progress } from './filter/progress.ts'
import { createPattern, isPattern } from './type-pattern.ts'

/** How much can still be done in one go, in steps of some 50 ns. Matching reduces it, and stops when none is left. */
export type Work = { left: number }

/** Estimates of what is kept, in bytes, on the high side. The largest compiled filters took 13 bytes a character. */
const BYTES_A_CONTENT = 500
const BYTES_A_NAME_CHARACTER = 3
const BYTES_A_FILTER_CHARACTER = 16
/** Steps of compiling and testing a pattern: for each, and for each `*` in it. */
const STEPS_A_PATTERN = 7
/** Steps of an evaluation besides the filter's own. */
const STEPS_A_FILTER = 3

/** Which event types an endpoint wants. */
export class WantedTypes {
  readonly key: string
  /** Null stands for all types of the catalogue. */
  readonly names: readonly string[] | null
  readonly bytes: number
  /** Of a fresh decision, which looks at 8 names in a step. */
  readonly #steps: number
  /** The last decision, since events come with the same types again and again. */
  #last = { type: '', isWanted: false }

  constructor(names: readonly string[] | null, key: string) {
    this.key = key
    this.names = names
    this.bytes = BYTES_A_CONTENT + key.length * BYTES_A_NAME_CHARACTER
    const patterns = names?.filter(isPattern) ?? []
    const stars = patterns.reduce((sum, pattern) => sum + pattern.split('*').length - 1, 0)
    this.#steps = 1 + ((names?.length ?? 0) >> 3) + patterns.length * STEPS_A_PATTERN + stars
  }

  /** Operational types are only wanted by endpoints that name them, or patterns that begin with their prefix. */
  has(type: string, work: Work): boolean {
    work.left--
    if (this.#last.type === type) return this.#last.isWanted
    work.left -= this.#steps
    const isWanted = isWantedBy(this.names, type)
    this.#last = { type, isWanted }
    return isWanted
  }
}

const ofAll = createPattern('*')

function isWantedBy(names: readonly string[] | null, type: string): boolean {
  if (names === null) return ofAll(type)
  return names.includes(type) || names.some(name => isPattern(name) && createPattern(name)(type))
}

/** A filter by its JSON text, compiled on first use. */
export class KeptFilter {
  readonly key: string
  readonly bytes: number
  #compiled: InterruptibleFilter | undefined

  constructor(text: string) {
    this.key = text
    this.bytes = BYTES_A_CONTENT + text.length * BYTES_A_FILTER_CHARACTER
  }

  /** Undefined if the evaluation was interrupted: see InterruptibleFilter. */
  passes(payload: unknown, work: Work, progress: Progress | null = null): boolean | undefined {
    let filter = this.#compiled
    if (filter === undefined) {
      filter = compileInterruptible(JSON.parse(this.key) as PayloadFilter)
      this.#compiled = filter
      work.left -= this.key.length
    }
    const passes = filter(payload, progress)
    work.left -= STEPS_A_FILTER + lastWork()
    return passes
  }
}

/** An endpoint, ready to be matched. */
export type Matchable = MatchEndpoint & { readonly wanted: WantedTypes; readonly filter: KeptFilter | null }

type Selection = Pick<MatchEndpoint, 'types' | 'filterText'>

const keyOf = (types: readonly string[] | null): string => JSON.stringify(types)

/** Makes an endpoint, or an earlier selection of it, ready to be matched once: nothing is shared, so it needs no key. */
export const toMatchable = <From extends Selection>(from: From) => ({
  ...from,
  wanted: new WantedTypes(from.types, ''),
  filter: from.filterText === null ? null : new KeptFilter(from.filterText),
})

type Kept<Content> = { readonly content: Content; references: number }

/** Contents that cached endpoints refer to. Each is kept until the last reference is released. */
export class Contents {
  readonly #wanted = new Map<string, Kept<WantedTypes>>()
  readonly #filters = new Map<string, Kept<KeptFilter>>()
  #bytes = 0

  /** Estimated size of everything that is kept. */
  get bytes(): number {
    return this.#bytes
  }

  /** Shares the endpoint's selection with all others that are equal. */
  retain(endpoint: MatchEndpoint): Matchable {
    const { types, filterText } = endpoint
    const wanted = this.#retain(this.#wanted, keyOf(types), key => new WantedTypes(types, key))
    const filter = filterText === null ? null : this.#retain(this.#filters, filterText, text => new KeptFilter(text))
    return { ...endpoint, types: wanted.names, filterText: filter?.key ?? null, wanted, filter }
  }

  release({ wanted, filter }: Matchable): void {
    this.#release(this.#wanted, wanted)
    if (filter !== null) this.#release(this.#filters, filter)
  }

  #retain<Content extends { readonly bytes: number }>(
    all: Map<string, Kept<Content>>,
    key: string,
    make: (key: string) => Content,
  ): Content {
    const known = all.get(key)
    if (known !== undefined) {
      known.references++
      return known.content
    }
    const content = make(key)
    all.set(key, { content, references: 1 })
    this.#bytes += content.bytes
    return content
  }

  #release<Content extends { readonly key: string; readonly bytes: number }>(
    all: Map<string, Kept<Content>>,
    { key, bytes }: Content,
  ): void {
    const known = all.get(key)
    if (known === undefined || --known.references > 0) return
    all.delete(key)
    this.#bytes -= bytes
  }
}
