/** What is worth a warning about a filter, given the schemas of the types that it is for. */
import { nearest } from '../../base/nearest.ts'
import type { ScalarType } from '../schema-parts.ts'
import type { SchemaPlace } from '../schema-places.ts'
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
import { Satisfiable } from './satisfiable.ts'
import { createTextTests } from './texts.ts'

export type FilterWarning = {
  readonly code: 'filter_path_unknown' | 'filter_value_unknown'
  readonly detail: string
  /** A JSON Pointer. */
  readonly field: string
}

const MAX_WARNINGS = 20
const MAX_SHOWN = 128
/** Schemas that are asked about members and values: some 30 milliseconds. What would come after that is not advised on. */
const MAX_QUESTIONS = 10_000
/** Maximum number of names that a mistyped one is compared with. Each takes some microseconds. */
const MAX_COMPARED = 50

/**
 * Warns of members that no schema mentions or that all rule out, and of values that none allows there. Each step asks one
 * schema, which takes some microseconds.
 *
 * @param filter one that checkFilter accepts
 * @param at a JSON Pointer to the filter
 * @param places the payloads of the types, at least one
 * @param whose what the warnings call the schemas, at the beginning of a sentence
 */
export function* adviseOnFilter(
  filter: Readonly<Record<string, unknown>>,
  at: string,
  places: readonly SchemaPlace[],
  whose = "No schema of the endpoint's event types",
): Generator<void, FilterWarning[]> {
  const advice = new Advice(whose)
  yield* advice.object(filter, { at, path: '', places, isRoot: true, canBeMissing: false, canBeOther: false })
  return advice.warnings.slice(0, MAX_WARNINGS)
}

/** Where a condition stands in the filter, and what it applies to. */
type Spot = {
  readonly at: string
  /** A JSON Pointer into the payload. */
  readonly path: string
  readonly places: readonly SchemaPlace[]
  readonly isRoot: boolean
  /** Whether payloads can lack the member, and whether it can be missing or no object, as far as the schemas say. */
  readonly canBeMissing: boolean
  readonly canBeOther: boolean
}

class Advice {
  readonly warnings: FilterWarning[] = []
  readonly #satisfiable = new Satisfiable()
  readonly #whose: string
  #questionsLeft = MAX_QUESTIONS

  constructor(whose: string) {
    this.#whose = whose
  }

  get #isOver(): boolean {
    return this.warnings.length >= MAX_WARNINGS || this.#questionsLeft <= 0
  }

  *#condition(condition: unknown, spot: Spot): Generator<void> {
    if (this.#isOver) return
    if (isObject(condition)) yield* this.object(condition, spot)
    else if (Array.isArray(condition)) {
      for (const [index, value] of condition.entries()) {
        yield* this.#value(value, { ...spot, at: `${spot.at}/${index}` })
        if (this.#isOver) return
      }
    } else yield* this.#value(condition, spot)
  }

  *object(condition: Readonly<Record<string, unknown>>, spot: Spot): Generator<void> {
    const warnedBefore = this.warnings.length
    for (const [name, value] of Object.entries(condition)) {
      const word = wordOf(name, value, spot.isRoot)
      const inner = { ...spot, at: pointerTo(spot.at, name) }
      if (word.kind === 'operator') yield* this.#operator(word.operator, value, inner)
      else yield* this.#member(word.name, value, inner)
      if (this.#isOver) return
    }
    if (!spot.isRoot && this.warnings.length === warnedBefore) yield* this.#whole(condition, spot)
  }

  /** Each part of the condition can hold; now all of them together. */
  *#whole(condition: Readonly<Record<string, unknown>>, spot: Spot): Generator<void> {
    if (yield* this.#canHold(condition, spot)) return
    const { atoms } = this.#satisfiable.facts(condition, false).values
    const what = atoms.has('missing') ? 'the member to be missing' : 'a value that satisfies this condition'
    this.#warn(what, spot)
  }

  *#canHold(condition: unknown, spot: Spot): Generator<void, boolean> {
    const { values, canBeArray } = this.#satisfiable.facts(condition, false)
    if (values.atoms.has('missing') && spot.canBeMissing) return true
    return yield* this.#isSome(spot.places, place => place.canHave(values, canBeArray))
  }

  /** Asks one place after the other. With no questions left, the answer is that which leads to no warning. */
  *#isSome(places: readonly SchemaPlace[], fits: (place: SchemaPlace) => boolean): Generator<void, boolean> {
    for (const place of places) {
      if (this.#questionsLeft-- <= 0 || fits(place)) return true
      yield
    }
    return false
  }

  /** Whether payloads that fit the schemas always satisfy the conditions of a root. */
  *#alwaysHolds(condition: Readonly<Record<string, unknown>>, spot: Spot): Generator<void, boolean> {
    for (const [name, value] of Object.entries(condition)) {
      const word = wordOf(name, value, true)
      if (word.kind === 'operator') return false
      const member = yield* this.#memberOf(spot, word.name)
      if (member.places.length === 0 || (yield* this.#canHold({ $not: value }, member))) return false
    }
    return true
  }

  *#operator(operator: Operator, value: unknown, spot: Spot): Generator<void> {
    if (operator === 'not') yield* this.#not(value, spot)
    else if (operator === 'anyOf') {
      for (const [index, each] of (value as unknown[]).entries()) {
        yield* this.#condition(each, { ...spot, at: `${spot.at}/${index}` })
      }
    } else if (isTextOperator(operator)) {
      const { fits } = createTextTests(operator, [value].flat() as string[])
      yield* this.#possible(
        'string',
        each => typeof each === 'string' && fits(each),
        'a string that satisfies this',
        { [`$${operator}`]: value },
        spot,
      )
    } else if (isRange(operator)) {
      yield* this.#possible(
        'number',
        each => typeof each === 'number' && isWithin(operator, each, value),
        'a number in this range',
        { [`$${operator}`]: value },
        spot,
      )
    }
  }

  *#not(condition: unknown, spot: Spot): Generator<void> {
    const warnedBefore = this.warnings.length
    yield* this.#condition(condition, spot)
    if (!spot.isRoot || this.warnings.length > warnedBefore || !isObject(condition)) return
    if (!(yield* this.#alwaysHolds(condition, spot)) || this.#isOver) return
    const detail = `${this.#whose} allows a payload without what this excludes.`
    this.warnings.push({ code: 'filter_value_unknown', detail, field: spot.at })
  }

  *#value(value: unknown, spot: Spot): Generator<void> {
    yield* this.#possible(typeOf(value), each => each === value, 'this value', value, spot)
  }

  /** @param condition the same as a condition of its own */
  *#possible(
    type: ScalarType,
    isMeant: (value: unknown) => boolean,
    what: string,
    condition: unknown,
    spot: Spot,
  ): Generator<void> {
    const { values, canBeArray } = this.#satisfiable.facts(condition, false)
    const fits = (place: SchemaPlace) => place.allows(type, isMeant) && place.canHave(values, canBeArray)
    if (!(yield* this.#isSome(spot.places, fits))) this.#warn(what, spot)
  }

  #warn(what: string, { at, path }: Spot): void {
    const detail = `${this.#whose} allows ${what} at ${shorten(path)}.`
    this.warnings.push({ code: 'filter_value_unknown', detail, field: at })
  }

  *#member(name: string, condition: unknown, spot: Spot): Generator<void> {
    const member = yield* this.#memberOf(spot, name)
    if (member.places.length > 0) yield* this.#condition(condition, member)
    else if (!this.#isOver) {
      const detail = `${this.#whose} has ${shorten(member.path)}.${hint(name, spot)}`
      this.warnings.push({ code: 'filter_path_unknown', detail, field: spot.at })
    }
  }

  /** Where a member stands of what stands at `spot`. */
  *#memberOf(spot: Spot, name: string): Generator<void, Spot> {
    const places: SchemaPlace[] = []
    let canBeMissing = spot.canBeOther
    let isAlwaysObject = true
    for (const place of spot.places) {
      this.#questionsLeft--
      const found = place.member(name)
      if (found !== undefined) places.push(found)
      canBeMissing ||= !place.requires(name)
      isAlwaysObject &&= found?.isObject === true
      yield
    }
    const canBeOther = canBeMissing || !isAlwaysObject
    return { at: spot.at, path: pointerTo(spot.path, name), places, isRoot: false, canBeMissing, canBeOther }
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
  if (places.some(place => place.names.has(name))) return ' The schemas that mention it rule it out.'
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
