/**
 * Filters: which events, of the types that it wants, an endpoint gets, depending on the payload. A filter is evaluated
 * once, when the event is published, and never changes what is sent.
 *
 *   filter    := { member: condition, … }      all conditions must hold; "anyOf" can stand among them
 *   condition := [value, …]                    equals one of these strings, numbers, booleans or null
 *              | { operator or member: …, … }  all must hold
 *   operators    "exists": boolean · "prefix": string or list of strings · "gt", "gte", "lt", "lte": number
 *                "anyOf": [value or condition, …]: at least one must hold
 *
 * An operator's value is never an object, so a member with the name of an operator can still be reached:
 * `{"a": {"prefix": {"anyOf": ["x"]}}}`.
 *
 * A missing member satisfies only `"exists": false`. An array satisfies `"exists": true`, and every condition that one
 * of its elements satisfies; all conditions of one object apply to the same element. Values are compared as
 * `JSON.parse` reads them, so numbers are doubles: a list cannot contain numbers too large for a double to tell apart.
 */
import type { FieldError } from '../base/errors.ts'
import { pointerToken } from '../base/json-scanner.ts'
import type { PayloadFilter } from '../base/model.ts'

/** Whether an endpoint wants a (parsed) payload. Never throws. */
export type Filter = (payload: unknown) => boolean

/** Maximum length of a filter as JSON text: about a page. */
const MAX_CHARACTERS = 8_192
/** Maximum number of lists and objects in a filter. The worst-case cost of an evaluation is proportional to it. */
const MAX_CONDITIONS = 100
/** Maximum nesting of conditions. */
const MAX_DEPTH = 16
const MAX_FAULTS = 20
const TOO_DEEP = `Conditions can be nested at most ${MAX_DEPTH} levels deep.`
/** Maximum number of strings in a `prefix`. */
const MAX_PREFIXES = 100
/**
 * Maximum steps of one evaluation: array elements visited, and conditions and prefixes tested on them. If there is no
 * result by then, the filter lets the event through: a receiver can discard an event that it doesn't want, but can't
 * ask for one that it never got.
 */
const MAX_STEPS = 10_000

const RANGES = ['gt', 'gte', 'lt', 'lte'] as const
type Range = (typeof RANGES)[number]
const OPERATORS: readonly string[] = ['exists', 'prefix', ...RANGES, 'anyOf']

const isObject = (value: unknown): value is PayloadFilter =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** At the root an operator would test the payload, always an object: there, all names but `anyOf` are members. */
const isOperator = (name: string, value: unknown, isRoot: boolean): boolean =>
  !isObject(value) && (isRoot ? name === 'anyOf' && Array.isArray(value) : OPERATORS.includes(name))

// Checking

/** Appends everything wrong with a filter to `faults`. Their fields are paths in the filter, prefixed with `at`. */
export function checkFilter(filter: unknown, at: string, faults: FieldError[]): void {
  if (!isObject(filter)) {
    faults.push({
      field: at,
      detail: 'The filter must be an object such as {"status": ["Quoted"]}, or null for no filter.',
    })
    return
  }
  if (JSON.stringify(filter).length > MAX_CHARACTERS) {
    faults.push({
      field: at,
      detail: `The filter can have at most ${MAX_CHARACTERS.toLocaleString('en')} characters as JSON.`,
    })
    return
  }
  const check = new Check()
  check.object(filter, at, 1, true)
  if (check.conditions > MAX_CONDITIONS) {
    faults.push({ field: at, detail: `The filter can have at most ${MAX_CONDITIONS} conditions.` })
  }
  faults.push(...check.faults.slice(0, MAX_FAULTS))
}

class Check {
  readonly faults: FieldError[] = []
  conditions = 0

  #fault(field: string, detail: string): void {
    this.faults.push({ field, detail })
  }

  #condition(condition: unknown, at: string, depth: number): void {
    if (depth > MAX_DEPTH) this.#fault(at, TOO_DEEP)
    else if (Array.isArray(condition)) this.#list(condition, at)
    else this.object(condition as PayloadFilter, at, depth, false)
  }

  #list(list: readonly unknown[], at: string): void {
    this.conditions++
    if (list.length === 0) this.#fault(at, 'The list is empty, so no event would ever match. Add at least one value.')
    for (const [index, value] of list.entries()) this.#value(value, `${at}/${index}`)
  }

  #value(value: unknown, at: string): void {
    if (typeof value === 'object' && value !== null) {
      this.#fault(
        at,
        'A list can contain only strings, numbers, booleans and null. Use "anyOf" for other alternatives.',
      )
    } else if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
      this.#fault(at, 'Numbers this large cannot be told apart. Use gt, gte, lt or lte.')
    }
  }

  object(condition: PayloadFilter, at: string, depth: number, isRoot: boolean): void {
    this.conditions++
    const entries = Object.entries(condition)
    if (entries.length === 0)
      this.#fault(at, `The object has no conditions. Add one, or ${isRoot ? 'use null' : 'leave it out'}.`)
    for (const [name, value] of entries) {
      const field = `${at}/${pointerToken(name)}`
      if (isOperator(name, value, isRoot)) this.#operator(name, value, field, depth, isRoot)
      else if (typeof value === 'object' && value !== null) this.#condition(value, field, depth + 1)
      else {
        const operators = isRoot ? '' : ` Only ${OPERATORS.join(', ')} are operators.`
        this.#fault(field, `A member's condition must be a list or an object, such as ${exampleOf(value)}.${operators}`)
      }
    }
    if (!isRoot) this.#contradictions(condition, at)
  }

  #operator(name: string, value: unknown, at: string, depth: number, isRoot: boolean): void {
    if (name === 'anyOf') this.#anyOf(value, at, depth, isRoot)
    else if (name === 'exists') {
      if (typeof value !== 'boolean') this.#fault(at, 'exists must be true or false.')
    } else if (name === 'prefix') {
      const prefixes = Array.isArray(value) ? value : [value]
      const isSound = prefixes.length > 0 && prefixes.every(prefix => typeof prefix === 'string' && prefix !== '')
      if (!isSound) this.#fault(at, 'prefix must be a non-empty string, or a list of non-empty strings.')
      if (prefixes.length > MAX_PREFIXES) this.#fault(at, `prefix can list at most ${MAX_PREFIXES} strings.`)
    } else if (typeof value !== 'number') this.#fault(at, `${name} must be a number.`)
  }

  #anyOf(alternatives: unknown, at: string, depth: number, isRoot: boolean): void {
    if (!Array.isArray(alternatives) || alternatives.length === 0) {
      this.#fault(at, 'anyOf must be a list of at least one condition.')
      return
    }
    for (const [index, alternative] of alternatives.entries()) {
      const field = `${at}/${index}`
      if (isRoot && !isObject(alternative)) {
        this.#fault(field, 'At the root, an alternative must be an object with conditions on members.')
      } else if (isRoot) this.#root(alternative, field, depth + 1)
      else if (typeof alternative === 'object' && alternative !== null) this.#condition(alternative, field, depth + 1)
      else {
        this.conditions++
        this.#value(alternative, field)
      }
    }
  }

  #root(condition: PayloadFilter, at: string, depth: number): void {
    if (depth > MAX_DEPTH) this.#fault(at, TOO_DEEP)
    else this.object(condition, at, depth, true)
  }

  /** A condition that no payload could satisfy is a mistake. */
  #contradictions(condition: PayloadFilter, at: string): void {
    if (condition.exists === false && Object.keys(condition).length > 1) {
      this.#fault(
        `${at}/exists`,
        '"exists": false contradicts the other conditions on this member. Remove it or them, or use anyOf.',
      )
    }
    const { least, most, isOpen } = boundsOf(condition)
    const isEmpty = least > most || (least === most && isOpen)
    if (isEmpty) this.#fault(at, 'The range contains no number. Check its bounds.')
  }
}

/** How to write the condition correctly, without the value itself if it could be long. */
const exampleOf = (value: unknown): string =>
  typeof value === 'string' ? '["…"]' : `[${typeof value === 'number' ? 1 : value}]`

function boundsOf(condition: PayloadFilter): { least: number; most: number; isOpen: boolean } {
  const of = (name: Range, none: number) => (typeof condition[name] === 'number' ? (condition[name] as number) : none)
  const least = Math.max(of('gt', Number.NEGATIVE_INFINITY), of('gte', Number.NEGATIVE_INFINITY))
  const most = Math.min(of('lt', Number.POSITIVE_INFINITY), of('lte', Number.POSITIVE_INFINITY))
  return { least, most, isOpen: condition.gt === least || condition.lt === most }
}

// Compiling

type Test = {
  /** Tests a value; undefined stands for a missing member. Arrays are unwrapped before. */
  readonly holds: (value: unknown) => boolean
  /** Whether it holds for every array, regardless of the elements. */
  readonly ofAnyArray: boolean
}

let stepsLeft = 0
/** Thrown when the steps run out, and caught in compileFilter: not an error. */
const UNDECIDED = Symbol('undecided')

/** Compiles a filter that checkFilter has accepted. */
export function compileFilter(filter: PayloadFilter): Filter {
  const holds = overArrays(compileObject(filter, true))
  return payload => {
    stepsLeft = MAX_STEPS
    try {
      return holds(payload)
    } catch (error) {
      if (error === UNDECIDED) return true
      throw error
    }
  }
}

function spend(steps: number): void {
  stepsLeft -= steps
  if (stepsLeft < 0) throw UNDECIDED
}

function overArrays({ holds, ofAnyArray }: Test): (value: unknown) => boolean {
  const visit = (value: unknown): boolean => {
    if (!Array.isArray(value)) return holds(value)
    if (ofAnyArray) return true
    for (let index = 0; index < value.length; index++) {
      spend(1)
      if (visit(value[index])) return true
    }
    return false
  }
  return visit
}

function compileCondition(condition: unknown): Test {
  if (isObject(condition)) return compileObject(condition, false)
  return compileList(Array.isArray(condition) ? condition : [condition])
}

function compileList(list: readonly unknown[]): Test {
  if (list.length === 1) {
    const [only] = list
    return { holds: value => value === only, ofAnyArray: false }
  }
  const accepted = new Set(list)
  return { holds: value => accepted.has(value), ofAnyArray: false }
}

function compileObject(condition: PayloadFilter, isRoot: boolean): Test {
  const tests: Test[] = []
  for (const [name, value] of Object.entries(condition)) {
    if (!isOperator(name, value, isRoot)) tests.push(compileMember(name, value))
    else if (name === 'anyOf') tests.push(compileAnyOf(value as readonly unknown[], isRoot))
    else if (name === 'exists') tests.push({ holds: it => (it !== undefined) === value, ofAnyArray: value === true })
    else if (name === 'prefix') tests.push(compilePrefix(value as string | readonly string[]))
  }
  if (!isRoot && RANGES.some(name => typeof condition[name] === 'number')) tests.push(compileRange(condition))
  const [only] = tests
  if (tests.length === 1 && only !== undefined) return only
  const holds = (value: unknown) => {
    spend(tests.length)
    return tests.every(test => test.holds(value))
  }
  return { holds, ofAnyArray: tests.every(test => test.ofAnyArray) }
}

/** All alternatives are tested on the same array element, like the conditions next to them. */
function compileAnyOf(alternatives: readonly unknown[], isRoot: boolean): Test {
  const tests = alternatives.map(each => (isRoot ? compileObject(each as PayloadFilter, true) : compileCondition(each)))
  const holds = (value: unknown) => {
    spend(tests.length)
    return tests.some(test => test.holds(value))
  }
  return { holds, ofAnyArray: tests.some(test => test.ofAnyArray) }
}

function compileMember(name: string, condition: unknown): Test {
  const holds = overArrays(compileCondition(condition))
  return {
    holds: value =>
      holds(
        typeof value === 'object' && value !== null && Object.hasOwn(value, name)
          ? (value as PayloadFilter)[name]
          : undefined,
      ),
    ofAnyArray: false,
  }
}

function compilePrefix(prefix: string | readonly string[]): Test {
  const prefixes = [prefix].flat()
  const holds = (value: unknown) => {
    if (typeof value !== 'string') return false
    spend(prefixes.length)
    return prefixes.some(each => value.startsWith(each))
  }
  return { holds, ofAnyArray: false }
}

function compileRange(condition: PayloadFilter): Test {
  const { least, most } = boundsOf(condition)
  const isAboveLeast = condition.gt === least
  const isBelowMost = condition.lt === most
  const holds = (value: unknown) =>
    typeof value === 'number' &&
    (isAboveLeast ? value > least : value >= least) &&
    (isBelowMost ? value < most : value <= most)
  return { holds, ofAnyArray: false }
}

// Caching

/** Maximum number of compiled filters. Most of a tenant's filters are alike, and outlive a change of an endpoint. */
const MAX_KEPT = 10_000

/** Filters by their JSON text, each compiled on first use. */
export class Filters {
  readonly #compiled = new Map<string, Filter>()

  get(text: string): Filter {
    const known = this.#compiled.get(text)
    if (known !== undefined) return known
    const filter = compileFilter(JSON.parse(text) as PayloadFilter)
    if (this.#compiled.size >= MAX_KEPT) this.#compiled.delete(this.#compiled.keys().next().value!)
    this.#compiled.set(text, filter)
    return filter
  }
}
