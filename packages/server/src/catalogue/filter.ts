/**
 * Filters: which events of the types that it wants an endpoint gets, by what is in the payload. A filter decides once,
 * at publish, and never changes what is sent.
 *
 *   filter    := { member: condition, … }      every member's condition holds; "anyOf" may stand beside them
 *   condition := [value, …]                    equal to one of these texts, numbers, booleans or null
 *              | { operator or member: …, … }  all of it holds
 *   operators    "exists": boolean · "prefix": text, or a list of texts · "gt", "gte", "lt", "lte": number
 *                "anyOf": [value or condition, …]: one of these holds
 *
 * An operator's value is never an object, so a member that is called like one is still reached:
 * `{"a": {"prefix": {"anyOf": ["x"]}}}`.
 *
 * What is not there satisfies `"exists": false` alone. An array satisfies what one element of it satisfies, and
 * `"exists": true`; all that one object asks is asked of the same element. Values are compared as `JSON.parse` reads
 * them, so numbers are doubles: a list can name only those that no other number is read as.
 */
import type { FieldError } from '../base/errors.ts'
import { pointerToken } from '../base/json-scanner.ts'
import type { PayloadFilter } from '../base/model.ts'

/** Whether a payload, parsed, is wanted. Never throws. */
export type Filter = (payload: unknown) => boolean

/** Of a filter as JSON text: a page of it. */
const MAX_CHARACTERS = 8_192
/** Lists, and objects, in all: what an evaluation costs at most is in proportion to them. */
const MAX_CONDITIONS = 100
/** Conditions inside one another. */
const MAX_DEPTH = 16
const MAX_FAULTS = 20
const TOO_DEEP = `At most ${MAX_DEPTH} conditions may be inside one another.`
/** Values of a `prefix`. */
const MAX_PREFIXES = 100
/**
 * Steps of one evaluation: elements of arrays that it looks at, conditions and prefixes that it asks of them. A filter that knows no answer then lets the event pass: its receiver
 * can sort out what it doesn't want, and can't ask for what it never got.
 */
const MAX_STEPS = 10_000

const RANGES = ['gt', 'gte', 'lt', 'lte'] as const
type Range = (typeof RANGES)[number]
const OPERATORS: readonly string[] = ['exists', 'prefix', ...RANGES, 'anyOf']

const isObject = (value: unknown): value is PayloadFilter =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** At the root an operator would be about the payload itself, which is always an object: there, they are members. */
const isOperator = (name: string, value: unknown, isRoot: boolean): boolean =>
  !isObject(value) && (isRoot ? name === 'anyOf' && Array.isArray(value) : OPERATORS.includes(name))

// Checking

/** Adds what is wrong with a filter to `faults`, with the place in it behind `at`. */
export function checkFilter(filter: unknown, at: string, faults: FieldError[]): void {
  if (!isObject(filter)) {
    faults.push({ field: at, detail: 'The filter must be an object: {"status": ["Quoted"]}; null for none.' })
    return
  }
  if (JSON.stringify(filter).length > MAX_CHARACTERS) {
    faults.push({ field: at, detail: `The filter may have at most ${MAX_CHARACTERS} characters as JSON.` })
    return
  }
  const check = new Check()
  check.object(filter, at, 1, true)
  if (check.conditions > MAX_CONDITIONS) {
    faults.push({ field: at, detail: `The filter may have at most ${MAX_CONDITIONS} conditions.` })
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
    if (list.length === 0) this.#fault(at, 'The list is empty, so nothing would ever be wanted: name a value.')
    for (const [index, value] of list.entries()) this.#value(value, `${at}/${index}`)
  }

  #value(value: unknown, at: string): void {
    if (typeof value === 'object' && value !== null) {
      this.#fault(at, 'A list has texts, numbers, booleans and null only: write other alternatives as "anyOf".')
    } else if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
      this.#fault(at, 'Numbers of this size are not told apart: use gt, gte, lt and lte.')
    }
  }

  object(condition: PayloadFilter, at: string, depth: number, isRoot: boolean): void {
    this.conditions++
    const entries = Object.entries(condition)
    if (entries.length === 0) this.#fault(at, `It has no condition: give one, or ${isRoot ? 'null' : 'leave it out'}.`)
    for (const [name, value] of entries) {
      const field = `${at}/${pointerToken(name)}`
      if (isOperator(name, value, isRoot)) this.#operator(name, value, field, depth, isRoot)
      else if (typeof value === 'object' && value !== null) this.#condition(value, field, depth + 1)
      else {
        const operators = isRoot ? '' : `; operators are ${OPERATORS.join(', ')}`
        this.#fault(field, `A member's condition is a list or an object, such as ${exampleOf(value)}${operators}.`)
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
      if (!isSound) this.#fault(at, 'A prefix must be a text of one character or more, or a list of such.')
      if (prefixes.length > MAX_PREFIXES) this.#fault(at, `There may be at most ${MAX_PREFIXES} prefixes.`)
    } else if (typeof value !== 'number') this.#fault(at, `${name} must be a number.`)
  }

  #anyOf(alternatives: unknown, at: string, depth: number, isRoot: boolean): void {
    if (!Array.isArray(alternatives) || alternatives.length === 0) {
      this.#fault(at, 'anyOf must be a list of one condition or more.')
      return
    }
    for (const [index, alternative] of alternatives.entries()) {
      const field = `${at}/${index}`
      if (isRoot && !isObject(alternative)) {
        this.#fault(field, 'Here, an alternative must be an object with conditions on members.')
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

  /** What no payload could satisfy is a slip. */
  #contradictions(condition: PayloadFilter, at: string): void {
    if (condition.exists === false && Object.keys(condition).length > 1) {
      this.#fault(`${at}/exists`, 'What does not exist satisfies no other condition: leave one out, or use anyOf.')
    }
    const { least, most, isOpen } = boundsOf(condition)
    const isEmpty = least > most || (least === most && isOpen)
    if (isEmpty) this.#fault(at, 'No number is in this range: check its bounds.')
  }
}

/** How a value would be accepted, without the value itself where it can be long. */
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
  /** Of what is there, or undefined: it is not. Not of arrays. */
  readonly holds: (value: unknown) => boolean
  /** Whether it holds of every array, whatever is in it. */
  readonly ofAnyArray: boolean
}

let stepsLeft = 0
/** Thrown and caught below: it is no error. */
const UNDECIDED = Symbol('undecided')

/** Compiles a filter that was checked. */
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

/** All alternatives are asked of the same element of an array, as the conditions beside them are. */
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

// Keeping

/** Filters kept compiled. Most of those of a tenant are alike, and stay when another endpoint changes. */
const MAX_KEPT = 10_000

/** Filters by their JSON text, each compiled at its first use. */
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
