/** Checks filters, and says what is wrong and where. `catalogue/filter.ts` describes the language. */
import type { FieldError } from '../../base/errors.ts'
import { pointerToken } from '../../base/json-scanner.ts'
import type { PayloadFilter } from '../../base/model.ts'
import {
  boundsOf,
  isObject,
  isTextOperator,
  nearestOperator,
  OPERATORS,
  type Operator,
  type TextOperator,
  wordOf,
} from './language.ts'
import { Satisfiable } from './satisfiable.ts'
import { longestSearched, MAX_SEARCHED_CHARACTERS } from './texts.ts'

/** Maximum length of a filter as JSON text: about a page. */
const MAX_CHARACTERS = 8_192
/** Maximum number of lists and objects in a filter. The worst-case cost of an evaluation is proportional to it. */
const MAX_CONDITIONS = 100
/** Maximum nesting of conditions. */
const MAX_DEPTH = 16
const MAX_FAULTS = 20
const TOO_DEEP = `Conditions can be nested at most ${MAX_DEPTH} levels deep.`
/** Maximum number of strings in the list of an operator. */
const MAX_TEXTS = 100
const MAX_NAME_SHOWN = 64

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
    faults.push({ field: at, detail: `The filter can have at most ${MAX_CHARACTERS} characters as JSON.` })
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
  readonly #satisfiable = new Satisfiable()

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
      this.#fault(at, 'Numbers this large cannot be told apart. Use $gt, $gte, $lt or $lte.')
    }
  }

  object(condition: PayloadFilter, at: string, depth: number, isRoot: boolean): void {
    this.conditions++
    const faultsBefore = this.faults.length
    const entries = Object.entries(condition)
    if (entries.length === 0)
      this.#fault(at, `The object has no conditions. Add one, or ${isRoot ? 'use null' : 'leave it out'}.`)
    for (const [name, value] of entries) {
      const field = `${at}/${pointerToken(name)}`
      const word = wordOf(name, value, isRoot)
      if (word.kind === 'operator') this.#operator(name, word.operator, value, field, depth, isRoot)
      else if (word.kind === 'unknown') this.#fault(field, describeUnknown(name, isRoot))
      else if (typeof value === 'object' && value !== null) this.#condition(value, field, depth + 1)
      else this.#fault(field, describeMisplaced(name, value, isRoot))
    }
    this.#spelledTwice(condition, at, isRoot)
    const isSound = this.faults.length === faultsBefore && this.conditions <= MAX_CONDITIONS
    if (isSound) this.#contradictions(condition, at, isRoot)
  }

  #operator(name: string, operator: Operator, value: unknown, at: string, depth: number, isRoot: boolean): void {
    if (operator === 'anyOf') this.#anyOf(value, at, depth, isRoot)
    else if (operator === 'not') this.#not(value, at, depth, isRoot)
    else if (operator === 'exists') {
      if (typeof value !== 'boolean') this.#fault(at, `${name} must be true or false.`)
    } else if (isTextOperator(operator)) this.#texts(name, operator, value, at)
    else if (typeof value !== 'number') this.#fault(at, `${name} must be a number.`)
    else if (!Number.isFinite(value)) this.#fault(at, `${name} must be a number that fits into a double.`)
  }

  #texts(name: string, operator: TextOperator, value: unknown, at: string): void {
    const texts: unknown[] = Array.isArray(value) ? value : [value]
    if (texts.length === 0 || !texts.every(text => typeof text === 'string' && text !== '')) {
      this.#fault(at, `${name} must be a non-empty string, or a list of non-empty strings.`)
      return
    }
    if (texts.length > MAX_TEXTS) this.#fault(at, `${name} can list at most ${MAX_TEXTS} strings.`)
    for (const text of texts as string[]) {
      const searched = operator === 'contains' ? text.length : operator === 'wildcard' ? longestSearched(text) : 0
      if (searched <= MAX_SEARCHED_CHARACTERS) continue
      const what = operator === 'contains' ? 'A string to search for' : 'A part between two "*"'
      this.#fault(at, `${what} can have at most ${MAX_SEARCHED_CHARACTERS} characters.`)
      return
    }
  }

  #not(condition: unknown, at: string, depth: number, isRoot: boolean): void {
    if (isRoot && !isObject(condition)) {
      this.#fault(at, 'At the root, $not must be an object with conditions on members.')
    } else if (isRoot) this.#root(condition as PayloadFilter, at, depth + 1)
    else if (typeof condition === 'object' && condition !== null) this.#condition(condition, at, depth + 1)
    else this.#fault(at, `$not must be a list or an object, such as ${exampleOf(condition)}.`)
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

  /** `prefix` and `$prefix` in one object: the second would be a second condition of the same name. */
  #spelledTwice(condition: PayloadFilter, at: string, isRoot: boolean): void {
    for (const [name, value] of Object.entries(condition)) {
      const bare = name.slice(1)
      if (!name.startsWith('$') || !Object.hasOwn(condition, bare)) continue
      const isSame = [wordOf(name, value, isRoot), wordOf(bare, condition[bare], isRoot)].every(
        word => word.kind === 'operator',
      )
      if (isSame) this.#fault(`${at}/${name}`, `${bare} and ${name} are the same operator. Remove one of the two.`)
    }
  }

  /** A condition that no payload could satisfy is a mistake. */
  #contradictions(condition: PayloadFilter, at: string, isRoot: boolean): void {
    if (this.#satisfiable.condition(condition, isRoot)) return
    const names = Object.keys(condition)
    const exists = names.find(name => ['exists', '$exists'].includes(name) && condition[name] === false)
    const not = names.find(name => name === '$not')
    if (!isRoot && hasEmptyRange(condition)) this.#fault(at, 'No number lies in this range. Check its bounds.')
    else if (!isRoot && exists !== undefined) {
      this.#fault(
        `${at}/${exists}`,
        'A member that does not exist satisfies none of the other conditions. Remove one of the two, or use anyOf.',
      )
    } else if (not !== undefined && names.length === 1) {
      this.#fault(`${at}/${not}`, 'This condition always holds, so with $not no event would ever match.')
    } else this.#fault(at, 'No value satisfies all of these conditions, so no event would ever match.')
  }
}

function hasEmptyRange(condition: PayloadFilter): boolean {
  const bounds: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(condition)) {
    const word = wordOf(name, value, false)
    if (word.kind === 'operator') bounds[word.operator] = value
  }
  const { least, most, isOpen } = boundsOf(bounds)
  return least > most || (least === most && isOpen)
}

/** A `$…` that is no operator, or not at this place. */
function describeUnknown(name: string, isRoot: boolean): string {
  const shown = shorten(name)
  const member = `A member with this name is written as \`$${shown}\`.`
  if (isRoot && OPERATORS.includes(name)) {
    return `\`${shown}\` tests a value, and the payload itself is always an object: name the member to test. ${member}`
  }
  const near = nearestOperator(name)
  const hint = near === undefined ? '' : ` Did you mean \`${near}\`?`
  return `Unknown operator \`${shown}\`.${hint} The operators are ${OPERATORS.join(', ')}. ${member}`
}

/** A member's condition that is neither a list nor an object. */
function describeMisplaced(name: string, value: unknown, isRoot: boolean): string {
  const detail = `A member's condition must be a list or an object, such as ${exampleOf(value)}`
  if (isRoot) return `${detail}.`
  const near = nearestOperator(name)
  const hint = near === undefined ? '' : ` Did you mean \`${near}\`?`
  return `${detail}.${hint} The operators are ${OPERATORS.join(', ')}.`
}

/** How to write the condition correctly, without the value itself if it could be long. */
const exampleOf = (value: unknown): string =>
  typeof value === 'string' ? '["…"]' : `[${typeof value === 'number' ? 1 : value}]`

const shorten = (name: string): string => (name.length > MAX_NAME_SHOWN ? `${name.slice(0, MAX_NAME_SHOWN)}…` : name)
