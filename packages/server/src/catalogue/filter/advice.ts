/** What is worth a warning about a filter, given the schemas of the types that it is for. */
import { nearest } from '../../config/nearest.ts'
import type { ScalarType, SchemaPlace } from '../schema-places.ts'
import {
  isObject,
  isRange,
  isTextOperator,
  nearestOperator,
  type Operator,
  pointerTo,
  type Range,
  wordOf,
} from './language.ts'
import { createTextTests } from './texts.ts'

export type FilterWarning = {
  readonly code: 'filter_path_unknown' | 'filter_value_unknown'
  readonly detail: string
  /** A JSON Pointer. */
  readonly field: string
}

const MAX_WARNINGS = 20
const MAX_SHOWN = 128
/** Maximum number of names that a mistyped one is compared with. Each takes some microseconds. */
const MAX_COMPARED = 50

/**
 * Warns of members that no schema mentions or that all rule out, and of values that none allows there.
 *
 * @param filter one that checkFilter accepts
 * @param at a JSON Pointer to the filter
 * @param places the payloads of the types, at least one
 */
export function adviseOnFilter(
  filter: Readonly<Record<string, unknown>>,
  at: string,
  places: readonly SchemaPlace[],
): FilterWarning[] {
  const advice = new Advice()
  advice.object(filter, { at, path: '', places, isRoot: true })
  return advice.warnings.slice(0, MAX_WARNINGS)
}

/** Where a condition stands in the filter, and what it applies to. */
type Spot = {
  readonly at: string
  /** A JSON Pointer into the payload. */
  readonly path: string
  readonly places: readonly SchemaPlace[]
  readonly isRoot: boolean
}

class Advice {
  readonly warnings: FilterWarning[] = []

  #condition(condition: unknown, spot: Spot): void {
    if (this.warnings.length >= MAX_WARNINGS) return
    if (isObject(condition)) this.object(condition, spot)
    else if (Array.isArray(condition)) {
      for (const [index, value] of condition.entries()) this.#value(value, { ...spot, at: `${spot.at}/${index}` })
    } else this.#value(condition, spot)
  }

  object(condition: Readonly<Record<string, unknown>>, spot: Spot): void {
    for (const [name, value] of Object.entries(condition)) {
      const word = wordOf(name, value, spot.isRoot)
      const inner = { ...spot, at: pointerTo(spot.at, name) }
      if (word.kind === 'operator') this.#operator(word.operator, value, inner)
      else this.#member(word.name, value, inner)
    }
  }

  #operator(operator: Operator, value: unknown, spot: Spot): void {
    if (operator === 'not') this.#condition(value, spot)
    else if (operator === 'anyOf') {
      for (const [index, each] of (value as unknown[]).entries()) {
        this.#condition(each, { ...spot, at: `${spot.at}/${index}` })
      }
    } else if (isTextOperator(operator)) {
      const { fits } = createTextTests(operator, [value].flat() as string[])
      this.#possible('string', each => typeof each === 'string' && fits(each), 'a string that satisfies this', spot)
    } else if (isRange(operator)) {
      this.#possible(
        'number',
        each => typeof each === 'number' && isWithin(operator, each, value),
        'a number in this range',
        spot,
      )
    }
  }

  #value(value: unknown, spot: Spot): void {
    this.#possible(typeOf(value), each => each === value, 'this value', spot)
  }

  #possible(type: ScalarType, isMeant: (value: unknown) => boolean, what: string, { at, path, places }: Spot): void {
    if (places.some(place => place.allows(type, isMeant))) return
    const detail = `No schema of the endpoint's event types allows ${what} at ${shorten(path)}.`
    this.warnings.push({ code: 'filter_value_unknown', detail, field: at })
  }

  #member(name: string, condition: unknown, spot: Spot): void {
    const path = pointerTo(spot.path, name)
    const places = spot.places.flatMap(place => place.member(name) ?? [])
    if (places.length > 0) this.#condition(condition, { at: spot.at, path, places, isRoot: false })
    else {
      const detail = `No schema of the endpoint's event types has ${shorten(path)}.${hint(name, spot)}`
      this.warnings.push({ code: 'filter_path_unknown', detail, field: spot.at })
    }
  }
}

/** What might have been meant by a member that is not known. */
function hint(name: string, { places, isRoot }: Spot): string {
  const operator = nearestOperator(name)
  const isName = operator === name || operator === `$${name}`
  if (operator !== undefined && isName && (!isRoot || operator === '$not')) {
    return ` Did you mean the operator \`${operator}\`?`
  }
  const [first, ...others] = name.split('.')
  if (others.length > 0 && name.length <= MAX_SHOWN) {
    const nested = others.reduceRight((inner, each) => `{"${each}": ${inner}}`, '…')
    return ` A dot has no special meaning. Did you mean nested objects, \`{"${first}": ${nested}}\`?`
  }
  const near = name.length > MAX_SHOWN ? undefined : nearest(name, namesLike(name, places))
  if (near !== undefined) return ` Did you mean \`${near}\`?`
  return operator === undefined || isRoot ? ' Check the spelling.' : ` Did you mean the operator \`${operator}\`?`
}

/** Names that schemas mention, of about the length of a mistyped one. */
function namesLike(typed: string, places: readonly SchemaPlace[]): Set<string> {
  const names = new Set<string>()
  for (const place of places) {
    for (const name of place.names) {
      if (Math.abs(name.length - typed.length) <= 1 + name.length / 4) names.add(name)
      if (names.size === MAX_COMPARED) return names
    }
  }
  return names
}

function isWithin(range: Range, value: number, bound: unknown): boolean {
  const limit = bound as number
  if (range === 'gt') return value > limit
  if (range === 'gte') return value >= limit
  return range === 'lt' ? value < limit : value <= limit
}

function typeOf(value: unknown): ScalarType {
  return value === null ? 'null' : (typeof value as ScalarType)
}

const shorten = (path: string): string => (path.length > MAX_SHOWN ? `${path.slice(0, MAX_SHOWN)}…` : path)
