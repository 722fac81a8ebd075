/** Tries a filter on a payload, and says which part of it decided. */
import { formatCount } from '../../base/counts.ts'
import type { PayloadFilter } from '../../base/model.ts'
import {
  compileCondition,
  decideInGoes,
  INTERRUPTED,
  isOfArray,
  lastSteps,
  MAX_STEPS,
  overArrays,
  type Test,
  Whole,
} from './compile.ts'
import { isObject, pointerTo, type Word, wordOf } from './language.ts'
import { Progress } from './progress.ts'
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

/** An explanation tests some parts again, so it takes more steps than the decision. Each test has as many as a decision. */
const MAX_STEPS_OF_EXPLANATION = 5 * MAX_STEPS
const RAN_OUT = `The filter had no result after ${formatCount(MAX_STEPS)} steps, so it lets the event through.`
const TOO_LONG = 'The payload has too many values to say which part decided.'
/** Thrown when the steps of an explanation run out, and caught in `createTrial`: not an error. */
const UNEXPLAINED = Symbol('unexplained')

/** A trial in steps of a millisecond at most, many of them much shorter. */
type Steps<Result> = Generator<void, Result>

/** Compiles a filter that checkFilter has accepted. */
export function createTrial(filter: PayloadFilter): (payload: unknown) => Steps<Trial> {
  const holds = overArrays(compileCondition(filter, true))
  return function* (payload) {
    const progress = new Progress()
    const matches = yield* decideInSteps(() => holds(payload), MAX_STEPS, progress)
    if (matches === undefined) return { matches: true, undecided: true, decidedBy: { path: '', because: RAN_OUT } }
    const decidedBy = yield* new Explanation(progress).of(filter, payload)
    return { matches, undecided: false, decidedBy }
  }
}

/** Undefined if the steps ran out. */
function* decideInSteps(evaluate: () => boolean, steps: number, progress: Progress): Steps<boolean | undefined> {
  while (true) {
    const decided = decideInGoes(evaluate, steps, progress)
    if (decided !== INTERRUPTED) return decided
    yield
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

type Element = { readonly value: unknown; readonly payload: string }

/** Explains one decision. */
class Explanation {
  readonly #progress: Progress
  #stepsLeft = MAX_STEPS_OF_EXPLANATION

  constructor(progress: Progress) {
    this.#progress = progress
  }

  *of(filter: PayloadFilter, payload: unknown): Steps<Reason> {
    try {
      return yield* this.#value(filter, payload, { filter: '', payload: '', array: '', isRoot: true })
    } catch (error) {
      if (error === UNEXPLAINED) return { path: '', because: TOO_LONG }
      throw error
    }
  }

  #spend(steps: number): void {
    this.#stepsLeft -= steps
    if (this.#stepsLeft < 0) throw UNEXPLAINED
  }

  *#asks(evaluate: () => boolean): Steps<boolean> {
    const decided = yield* decideInSteps(evaluate, Math.min(this.#stepsLeft, MAX_STEPS), this.#progress)
    if (decided === undefined) throw UNEXPLAINED
    this.#spend(lastSteps())
    yield
    return decided
  }

  #holdsFor(test: Test, subject: Subject): Steps<boolean> {
    if (subject.kind === 'value') return this.#asks(() => test.holds(subject.value, subject.whole))
    return this.#asks(() => isOfArray(test.ofArray, subject.whole))
  }

  /** Explains why a condition holds for a value of any kind, or doesn't. */
  *#value(condition: unknown, value: unknown, spot: Spot): Steps<Reason> {
    if (!Array.isArray(value)) return yield* this.#at(condition, { kind: 'value', value, whole: null }, spot)
    const whole = new Whole(value)
    const test = compileCondition(condition, spot.isRoot)
    if (yield* this.#holdsFor(test, { kind: 'array', whole })) {
      return yield* this.#at(condition, { kind: 'array', whole }, spot)
    }
    for (const { value: element, payload } of this.#elements(value, spot.payload)) {
      const subject: Subject = { kind: 'value', value: element, whole }
      if (yield* this.#holdsFor(test, subject)) return yield* this.#at(condition, subject, { ...spot, payload })
    }
    return yield* this.#noElement(condition, whole, spot)
  }

  /** The elements of an array and of the arrays in it. */
  *#elements(array: readonly unknown[], payload: string): Generator<Element> {
    for (const [index, value] of array.entries()) {
      this.#spend(1)
      const at = `${payload}/${index}`
      if (Array.isArray(value)) yield* this.#elements(value, at)
      else yield { value, payload: at }
    }
  }

  /** Why a condition holds neither for an array as a whole nor for an element. */
  *#noElement(condition: unknown, whole: Whole, spot: Spot): Steps<Reason> {
    const terms = isObject(condition) ? termsOf(condition, spot) : []
    const subject: Subject = { kind: 'array', whole }
    // A $not tests the whole array, whatever the elements are.
    for (const term of terms) {
      if (!isNot(term.word) || (yield* this.#holdsFor(term.test, subject))) continue
      return yield* this.#term(term, subject, spot)
    }
    let first: Element | undefined
    let count = 0
    const failing = new Set<Term | undefined>()
    for (const element of this.#elements(whole.array, spot.payload)) {
      first ??= element
      count++
      failing.add(yield* this.#failing(terms, { kind: 'value', value: element.value, whole }))
    }
    if (first === undefined) return { path: spot.filter, because: `${nameOf(spot.payload, true)} is an empty array.` }
    if (count === 1) {
      return yield* this.#at(
        condition,
        { kind: 'value', value: first.value, whole },
        { ...spot, payload: first.payload },
      )
    }
    const [term] = failing
    const path = failing.size === 1 && term !== undefined ? term.at : spot.filter
    return { path, because: `No element of ${nameOf(spot.payload)} satisfies this condition.` }
  }

  /** The first of some terms that doesn't hold. Undefined if all do. */
  *#failing(terms: readonly Term[], subject: Subject): Steps<Term | undefined> {
    for (const term of terms) if (!(yield* this.#holdsFor(term.test, subject))) return term
    return undefined
  }

  *#at(condition: unknown, subject: Subject, spot: Spot): Steps<Reason> {
    if (!isObject(condition)) {
      const list = Array.isArray(condition) ? condition : [condition]
      const value = subject.kind === 'value' ? subject.value : undefined
      return { path: spot.filter, because: describeList(list, value, spot.payload) }
    }
    const terms = termsOf(condition, spot)
    const [first, ...others] = terms
    const deciding = (yield* this.#failing(terms, subject)) ?? (others.length === 0 ? first : undefined)
    if (deciding !== undefined) return yield* this.#term(deciding, subject, spot)
    return { path: spot.filter, because: `All ${terms.length} conditions hold for ${nameOf(spot.payload)}.` }
  }

  *#term({ word, value: condition, test, at }: Term, subject: Subject, spot: Spot): Steps<Reason> {
    const value = subject.kind === 'value' ? subject.value : undefined
    if (word.kind !== 'operator') {
      const inner = isObject(value) && Object.hasOwn(value, word.name) ? value[word.name] : undefined
      const payload = pointerTo(spot.payload, word.name)
      return yield* this.#value(condition, inner, { filter: at, payload, array: payload, isRoot: false })
    }
    const { operator } = word
    if (operator === 'anyOf') {
      return yield* this.#anyOf(condition as readonly unknown[], subject, { ...spot, filter: at })
    }
    const holds = yield* this.#holdsFor(test, subject)
    if (operator === 'not') {
      const tested = subject.whole === null ? value : subject.whole.array
      const { path, because } = yield* this.#value(condition, tested, { ...spot, filter: at, payload: spot.array })
      return { path, because: `The condition under $not ${holds ? 'does not hold' : 'holds'}: ${because}` }
    }
    const tested = subject.kind === 'array' ? subject.whole.array : value
    return { path: at, because: describeOperator(operator, condition, tested, holds, spot.payload) }
  }

  *#anyOf(alternatives: readonly unknown[], subject: Subject, spot: Spot): Steps<Reason> {
    for (const [index, each] of alternatives.entries()) {
      if (!(yield* this.#holdsFor(compileCondition(each, spot.isRoot), subject))) continue
      return yield* this.#at(each, subject, { ...spot, filter: `${spot.filter}/${index}` })
    }
    const because = `None of the ${alternatives.length} alternatives holds for ${nameOf(spot.payload)}.`
    return { path: spot.filter, because }
  }
}
