/**
 * How the first release read filters, copied from it: stored filters must keep their meaning. Not to be changed with the
 * language.
 */
import type { PayloadFilter } from '../../../src/base/model.ts'

type Filter = (payload: unknown) => boolean

const MAX_STEPS = 10_000

const RANGES = ['gt', 'gte', 'lt', 'lte'] as const
type Range = (typeof RANGES)[number]
const OPERATORS: readonly string[] = ['exists', 'prefix', ...RANGES, 'anyOf']

const isObject = (value: unknown): value is PayloadFilter =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isOperator = (name: string, value: unknown, isRoot: boolean): boolean =>
  !isObject(value) && (isRoot ? name === 'anyOf' && Array.isArray(value) : OPERATORS.includes(name))

function boundsOf(condition: PayloadFilter): { least: number; most: number; isOpen: boolean } {
  const of = (name: Range, none: number) => (typeof condition[name] === 'number' ? (condition[name] as number) : none)
  const least = Math.max(of('gt', Number.NEGATIVE_INFINITY), of('gte', Number.NEGATIVE_INFINITY))
  const most = Math.min(of('lt', Number.POSITIVE_INFINITY), of('lte', Number.POSITIVE_INFINITY))
  return { least, most, isOpen: condition.gt === least || condition.lt === most }
}

type Test = {
  /** Tests a value; undefined stands for a missing member. Arrays are unwrapped before. */
  readonly holds: (value: unknown) => boolean
  /** Whether it holds for every array, regardless of the elements. */
  readonly ofAnyArray: boolean
}

let stepsLeft = 0
/** Thrown when the steps run out, and caught in compileFilter: not an error. */
const UNDECIDED = Symbol('undecided')

/** Compiles a filter that the first release accepted. */
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
