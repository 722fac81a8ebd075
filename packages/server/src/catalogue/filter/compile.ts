/** How a filter becomes a function. `catalogue/filter.ts` describes the language. */
import type { PayloadFilter } from '../../base/model.ts'
import {
  type Bounds,
  boundsOf,
  isObject,
  isRange,
  type Operator,
  RANGES,
  type Range,
  type TextOperator,
  wordOf,
} from './language.ts'
import type { Progress } from './progress.ts'
import { createTextTests, type TextTest, type Tools } from './texts.ts'

/** Whether an endpoint wants a (parsed) payload. Never throws. */
export type Filter = (payload: unknown) => boolean

/**
 * Maximum steps of one evaluation: array elements visited, conditions and texts tested on them, and the characters that
 * are searched. If there is no result by then, the filter lets the event through: a receiver can discard an event that
 * it doesn't want, but can't ask for one that it never got.
 */
export const MAX_STEPS = 10_000
/** A step for every 256 characters of a string that is searched: about 2 µs with the worst text to search for. */
const SHIFT_OF_CHARACTERS = 8
/** Searching 8 characters can take as long as another step. */
const SHIFT_OF_WORK = 3

/** An array that is tested as a whole. Remembers what was decided about it, since all of its elements ask the same. */
export class Whole {
  readonly array: readonly unknown[]
  readonly #decided = new Map<Decide, boolean>()

  constructor(array: readonly unknown[]) {
    this.array = array
  }

  decide(holds: Decide): boolean {
    let decided = this.#decided.get(holds)
    if (decided === undefined) {
      decided = holds(this.array)
      this.#decided.set(holds, decided)
    }
    return decided
  }
}

type Decide = (value: unknown) => boolean

export type Test = {
  /**
   * Tests a value that is no array; undefined stands for a missing member. `whole` is the outermost array that it is an
   * element of, if it is one and the test has `ofElements`.
   */
  readonly holds: (value: unknown, whole: Whole | null) => boolean
  /** Whether it holds for an array, regardless of its elements. */
  readonly ofArray: boolean | ((whole: Whole) => boolean)
  /** Only if it has a `$not`, which is decided for an array as a whole: whether an element can satisfy it at all. */
  readonly ofElements?: (whole: Whole) => boolean
}

let stepsLeft = 0
let stepsAtFirst = 0
let searched = 0
/** How many characters an evaluation that can be interrupted can still search. Undefined: as many as there are. */
let charactersLeft: number | undefined
let progress: Progress | null = null
/** Thrown when the steps run out, and caught in `decide`: not an error. */
const UNDECIDED = Symbol('undecided')
/** Thrown when an evaluation is interrupted, and caught where it began: not an error. */
export const INTERRUPTED = Symbol('interrupted')
/** Characters searched in one go. About a millisecond with the worst texts. */
const CHARACTERS_A_GO = 131_072
/** A longer string is searched in parts. */
const LONG_CHARACTERS = 16_384

/** Compiles a filter that checkFilter has accepted. */
export function compileFilter(filter: PayloadFilter): Filter {
  const holds = overArrays(compileObject(filter, true))
  return payload => decide(holds, payload) ?? true
}

/**
 * Whether an endpoint wants a payload; undefined if that takes longer than a millisecond: the evaluation was interrupted,
 * and continues if it is called with the same progress again. Pass null if it will not be.
 */
export type InterruptibleFilter = (payload: unknown, progress: Progress | null) => boolean | undefined

/** As compileFilter. */
export function compileInterruptible(filter: PayloadFilter): InterruptibleFilter {
  const passes = compileFilter(filter)
  return (payload, known) => {
    progress = known
    charactersLeft = CHARACTERS_A_GO
    try {
      return passes(payload)
    } catch (error) {
      if (error === INTERRUPTED) return undefined
      throw error
    } finally {
      charactersLeft = undefined
      progress = null
    }
  }
}

/** Undefined if the steps ran out. */
export function decide<Result>(
  evaluate: (payload: unknown) => Result,
  payload: unknown,
  steps = MAX_STEPS,
): Result | undefined {
  stepsLeft = steps
  stepsAtFirst = steps
  searched = 0
  try {
    return evaluate(payload)
  } catch (error) {
    if (error === UNDECIDED) return undefined
    throw error
  }
}

/**
 * Decides by a part of a filter. If that takes longer than a millisecond, it is interrupted, and continues if it is called
 * with the same progress again. Undefined if the steps ran out.
 */
export function decideInGoes(
  evaluate: () => boolean,
  steps: number,
  known: Progress,
): boolean | typeof INTERRUPTED | undefined {
  progress = known
  charactersLeft = CHARACTERS_A_GO
  try {
    return decide(evaluate, undefined, steps)
  } catch (error) {
    if (error === INTERRUPTED) return INTERRUPTED
    throw error
  } finally {
    charactersLeft = undefined
    progress = null
  }
}

/** The steps of the last evaluation, which count towards MAX_STEPS. */
export const lastSteps = (): number => stepsAtFirst - stepsLeft

/**
 * What the last evaluation took, in steps of some 50 ns. More than its steps if it has searched long strings: those count
 * little towards MAX_STEPS, so that a filter still decides about them.
 */
export const lastWork = (): number => lastSteps() + (searched >> SHIFT_OF_WORK)

function spend(steps: number): void {
  stepsLeft -= steps
  if (stepsLeft < 0) throw UNDECIDED
}

/** Extends a test to arrays. */
export function overArrays(test: Test): Decide {
  const { holds, ofArray, ofElements } = test
  if (ofElements !== undefined) return overWholeArrays(holds, ofArray, ofElements)
  const visit = (value: unknown): boolean => {
    if (!Array.isArray(value)) return holds(value, null)
    if (ofArray === true) return true
    for (let index = 0; index < value.length; index++) {
      spend(1)
      if (visit(value[index])) return true
    }
    return false
  }
  return visit
}

function overWholeArrays(
  holds: Test['holds'],
  ofArray: Test['ofArray'],
  ofElements: (whole: Whole) => boolean,
): Decide {
  const visit = (value: unknown, whole: Whole): boolean => {
    if (!Array.isArray(value)) return holds(value, whole)
    for (let index = 0; index < value.length; index++) {
      spend(1)
      if (visit(value[index], whole)) return true
    }
    return false
  }
  return value => {
    if (!Array.isArray(value)) return holds(value, null)
    const whole = new Whole(value)
    return isOfArray(ofArray, whole) || (ofElements(whole) && visit(value, whole))
  }
}

export const isOfArray = (ofArray: Test['ofArray'], whole: Whole): boolean =>
  typeof ofArray === 'boolean' ? ofArray : ofArray(whole)

/** Compiles a list, an object, or a single value. */
export function compileCondition(condition: unknown, isRoot = false): Test {
  if (isObject(condition)) return compileObject(condition, isRoot)
  return compileList(Array.isArray(condition) ? condition : [condition])
}

/** A test that no array satisfies as a whole. */
const ofValues = (holds: (value: unknown) => boolean): Test => ({ holds, ofArray: false })

function compileList(list: readonly unknown[]): Test {
  if (list.length === 1) {
    const [only] = list
    return ofValues(value => value === only)
  }
  const accepted = new Set(list)
  return ofValues(value => accepted.has(value))
}

function compileObject(condition: PayloadFilter, isRoot: boolean): Test {
  const tests: Test[] = []
  const bounds: { -readonly [Name in Range]?: unknown } = {}
  for (const [name, value] of Object.entries(condition)) {
    const word = wordOf(name, value, isRoot)
    if (word.kind !== 'operator') tests.push(compileMember(word.name, value))
    else if (isRange(word.operator)) bounds[word.operator] = value
    else tests.push(compileOperator(word.operator, value, isRoot))
  }
  if (RANGES.some(name => typeof bounds[name] === 'number')) tests.push(compileRange(bounds))
  const [only] = tests
  if (tests.length === 1 && only !== undefined) return only
  const holds: Test['holds'] = (value, whole) => {
    spend(tests.length)
    return tests.every(test => test.holds(value, whole))
  }
  return combine(tests, holds, test => tests.every(test))
}

function compileOperator(operator: Exclude<Operator, Range>, value: unknown, isRoot: boolean): Test {
  if (operator === 'anyOf') return compileAnyOf(value as readonly unknown[], isRoot)
  if (operator === 'not') return compileNot(value, isRoot)
  if (operator !== 'exists') return compileTexts(operator, value as string | readonly string[])
  return { holds: it => (it !== undefined) === value, ofArray: value === true }
}

/** What several tests come to, given how one combines what each of them says. */
function combine(
  tests: readonly Test[],
  holds: Test['holds'],
  combined: (says: (test: Test) => boolean) => boolean,
): Test {
  if (tests.every(test => test.ofElements === undefined))
    return { holds, ofArray: combined(test => test.ofArray === true) }
  return {
    holds,
    ofArray: whole => combined(test => isOfArray(test.ofArray, whole)),
    ofElements: whole => combined(test => test.ofElements === undefined || test.ofElements(whole)),
  }
}

/** All alternatives are tested on the same array element, like the conditions next to them. */
function compileAnyOf(alternatives: readonly unknown[], isRoot: boolean): Test {
  const tests = alternatives.map(each => compileCondition(each, isRoot))
  const holds: Test['holds'] = (value, whole) => {
    spend(tests.length)
    return tests.some(test => test.holds(value, whole))
  }
  return combine(tests, holds, test => tests.some(test))
}

function compileNot(condition: unknown, isRoot: boolean): Test {
  const excluded = overArrays(compileCondition(condition, isRoot))
  return {
    holds: (value, whole) => !(whole === null ? excluded(value) : whole.decide(excluded)),
    ofArray: whole => !whole.decide(excluded),
    ofElements: whole => !whole.decide(excluded),
  }
}

function compileMember(name: string, condition: unknown): Test {
  const holds = overArrays(compileCondition(condition))
  return ofValues(value =>
    holds(
      typeof value === 'object' && value !== null && Object.hasOwn(value, name)
        ? (value as PayloadFilter)[name]
        : undefined,
    ),
  )
}

function compileTexts(operator: TextOperator, texts: string | readonly string[]): Test {
  const { tests, fits, readsAll, isSlow } = createTextTests(operator, [texts].flat())
  const count = tests.length
  return ofValues(value => {
    if (typeof value !== 'string') return false
    spend(readsAll ? count * (1 + (value.length >> SHIFT_OF_CHARACTERS)) : count)
    return isSlow ? tests.some(test => testSlowly(test, value)) : fits(value)
  })
}

function testSlowly(test: TextTest, value: string): boolean {
  const known = progress?.resultOf(test, value)
  if (known !== undefined) return known
  const isLong = value.length > LONG_CHARACTERS && charactersLeft !== undefined
  if (!isLong) charge(value.length)
  const result = test(value, isLong ? LONG : SHORT)
  progress?.keepResult(test, value, result)
  return result
}

function charge(characters: number): void {
  // At least one thing is done before an interruption, however long it takes.
  if (charactersLeft !== undefined && charactersLeft <= 0) throw INTERRUPTED
  searched += characters
  if (charactersLeft !== undefined) charactersLeft -= characters
}

const SHORT: Tools = { search: (value, text, from) => value.indexOf(text, from), charge }

const LONG: Tools = {
  search(value, text, from) {
    // Without progress to keep, what can't be done in one go is not begun.
    if (progress !== null) return progress.search(value, text, from, charge)
    if (charactersLeft! < value.length - from) throw INTERRUPTED
    charge(value.length - from)
    return value.indexOf(text, from)
  },
  charge,
}

function compileRange(bounds: Bounds): Test {
  const { least, most } = boundsOf(bounds)
  const isAboveLeast = bounds.gt === least
  const isBelowMost = bounds.lt === most
  return ofValues(
    value =>
      typeof value === 'number' &&
      (isAboveLeast ? value > least : value >= least) &&
      (isBelowMost ? value < most : value <= most),
  )
}
