/** Tries a filter on a payload, and says which part of it decided. */
import type { PayloadFilter } from '../../base/model.ts'
import { compileCondition, decide, isOfArray, MAX_STEPS, overArrays, type Test, Whole } from './compile.ts'
import { isObject, pointerTo, type Word, wordOf } from './language.ts'
import { describeList, describeOperator, nameOf } from './sentences.ts'

export type Trial = {
  /** Whether the filter lets the payload through. */
  readonly matches: boolean
  /** Whether the steps ran out, so that the payload is let through without a decision. */
  readonly undecided: boolean
  readonly decidedBy: Reason
}

export type Reason = {
  /** The part of the filter that decided, as a JSON Pointer into it. */
  readonly path: string
  /** One sentence, without any value of the payload. */
  readonly because: string
}

/** An explanation tests some parts again, so it takes more steps than the decision. */
const MAX_STEPS_OF_EXPLANATION = 5 * MAX_STEPS
const RAN_OUT = `The filter had no result after ${MAX_STEPS.toLocaleString('en')} steps, so it lets the event through.`
const TOO_LONG = 'The payload has too many values to say which part decided.'

/** Compiles a filter that checkFilter has accepted. */
export function createTrial(filter: PayloadFilter): (payload: unknown) => Trial {
  const holds = overArrays(compileCondition(filter, true))
  const explain = (payload: unknown) =>
    explainValue(filter, payload, { filter: '', payload: '', array: '', isRoot: true })
  return payload => {
    const matches = decide(holds, payload)
    if (matches === undefined) return { matches: true, undecided: true, decidedBy: { path: '', because: RAN_OUT } }
    const decidedBy = decide(explain, payload, MAX_STEPS_OF_EXPLANATION) ?? { path: '', because: TOO_LONG }
    return { matches, undecided: false, decidedBy }
  }
}

/** Where a condition stands in the filter, and what it is tested on in the payload, as JSON Pointers. */
type Spot = {
  readonly filter: string
  readonly payload: string
  /** The outermost array that `payload` is an element of; if there is none, the same as `payload`. */
  readonly array: string
  readonly isRoot: boolean
}

/** What a condition is tested on: a value that is no array, perhaps an element of one; or an array as a whole. */
type Subject =
  | { readonly kind: 'value'; readonly value: unknown; readonly whole: Whole | null }
  | { readonly kind: 'array'; readonly whole: Whole }

const holdsFor = (test: Test, subject: Subject): boolean =>
  subject.kind === 'array' ? isOfArray(test.ofArray, subject.whole) : test.holds(subject.value, subject.whole)

/** Explains why a condition holds for a value of any kind, or doesn't. */
function explainValue(condition: unknown, value: unknown, spot: Spot): Reason {
  if (!Array.isArray(value)) return explainAt(condition, { kind: 'value', value, whole: null }, spot)
  const whole = new Whole(value)
  const test = compileCondition(condition, spot.isRoot)
  if (isOfArray(test.ofArray, whole)) return explainAt(condition, { kind: 'array', whole }, spot)
  const elements = elementsOf(value, spot.payload)
  const found = elements.find(element => test.holds(element.value, whole))
  if (found === undefined) return explainNoElement(condition, whole, elements, spot)
  return explainAt(condition, { kind: 'value', value: found.value, whole }, { ...spot, payload: found.payload })
}

type Element = { readonly value: unknown; readonly payload: string }

/** The elements of an array and of the arrays in it. */
function elementsOf(array: readonly unknown[], payload: string): Element[] {
  return array.flatMap((value, index) => {
    const at = `${payload}/${index}`
    return Array.isArray(value) ? elementsOf(value, at) : [{ value, payload: at }]
  })
}

/** Why a condition holds neither for an array as a whole nor for an element. */
function explainNoElement(condition: unknown, whole: Whole, elements: readonly Element[], spot: Spot): Reason {
  const terms = isObject(condition) ? termsOf(condition, spot) : []
  // A $not tests the whole array, whatever the elements are.
  const not = terms.find(({ word, test }) => isNot(word) && !isOfArray(test.ofArray, whole))
  if (not !== undefined) return explainTerm(not, { kind: 'array', whole }, spot)
  const [only, ...others] = elements
  if (only === undefined) return { path: spot.filter, because: `${nameOf(spot.payload, true)} is an empty array.` }
  if (others.length === 0) {
    return explainAt(condition, { kind: 'value', value: only.value, whole }, { ...spot, payload: only.payload })
  }
  const failing = new Set(elements.map(({ value }) => terms.find(({ test }) => !test.holds(value, whole))))
  const [term] = failing
  const path = failing.size === 1 && term !== undefined ? term.at : spot.filter
  return { path, because: `No element of ${nameOf(spot.payload)} satisfies this condition.` }
}

/** One name in an object of conditions, with its value. */
type Term = { readonly word: Word; readonly value: unknown; readonly test: Test; readonly at: string }

const termsOf = (condition: PayloadFilter, { filter, isRoot }: Spot): Term[] =>
  Object.entries(condition).map(([name, value]) => ({
    word: wordOf(name, value, isRoot),
    value,
    test: compileCondition({ [name]: value }, isRoot),
    at: pointerTo(filter, name),
  }))

const isNot = (word: Word): boolean => word.kind === 'operator' && word.operator === 'not'

function explainAt(condition: unknown, subject: Subject, spot: Spot): Reason {
  if (!isObject(condition)) {
    const list = Array.isArray(condition) ? condition : [condition]
    const value = subject.kind === 'value' ? subject.value : undefined
    return { path: spot.filter, because: describeList(list, value, spot.payload) }
  }
  const terms = termsOf(condition, spot)
  const [first, ...others] = terms
  const deciding = terms.find(({ test }) => !holdsFor(test, subject)) ?? (others.length === 0 ? first : undefined)
  if (deciding !== undefined) return explainTerm(deciding, subject, spot)
  return { path: spot.filter, because: `All ${terms.length} conditions hold for ${nameOf(spot.payload)}.` }
}

function explainTerm({ word, value: condition, test, at }: Term, subject: Subject, spot: Spot): Reason {
  const value = subject.kind === 'value' ? subject.value : undefined
  if (word.kind !== 'operator') {
    const inner = isObject(value) && Object.hasOwn(value, word.name) ? value[word.name] : undefined
    const payload = pointerTo(spot.payload, word.name)
    return explainValue(condition, inner, { filter: at, payload, array: payload, isRoot: false })
  }
  const holds = holdsFor(test, subject)
  if (word.operator === 'anyOf') return explainAnyOf(condition as readonly unknown[], subject, { ...spot, filter: at })
  if (word.operator === 'not') {
    const tested = subject.whole === null ? value : subject.whole.array
    const { path, because } = explainValue(condition, tested, { ...spot, filter: at, payload: spot.array })
    return { path, because: `The condition under $not ${holds ? 'does not hold' : 'holds'}: ${because}` }
  }
  const tested = subject.kind === 'array' ? subject.whole.array : value
  return { path: at, because: describeOperator(word.operator, condition, tested, holds, spot.payload) }
}

function explainAnyOf(alternatives: readonly unknown[], subject: Subject, spot: Spot): Reason {
  const index = alternatives.findIndex(each => holdsFor(compileCondition(each, spot.isRoot), subject))
  if (index >= 0) return explainAt(alternatives[index], subject, { ...spot, filter: `${spot.filter}/${index}` })
  const because = `None of the ${alternatives.length} alternatives holds for ${nameOf(spot.payload)}.`
  return { path: spot.filter, because }
}
