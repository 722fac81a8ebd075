/**
 * Sets of values that a condition can hold for, to find conditions that nothing satisfies. Of strings and objects not
 * everything is known: a set that is not known to be empty may still be.
 */

import { type Bounds, boundsOf } from './language.ts'

const ATOMS = ['missing', 'null', 'true', 'false'] as const
export type Atom = (typeof ATOMS)[number]

/** Numbers between two bounds. Sorted and apart from each other where there are several. */
export type Interval = {
  readonly from: number
  readonly to: number
  readonly fromOpen: boolean
  readonly toOpen: boolean
}

/** A test of strings. */
export type TextFact = {
  /** Equal for equal tests, and with `!` in front for the opposite; empty if that is not known. */
  readonly key: string
  readonly fits: (value: string) => boolean
  /** What strings have to begin and end with: with one of these. Absent if it doesn't matter. */
  readonly starts?: readonly string[]
  readonly ends?: readonly string[]
  /** At least and at most how many characters strings have. Absent if that is not known. */
  readonly shortest?: number
  readonly longest?: number
}

/** A few strings; or all but a few, of those that pass some tests. */
export type Strings =
  | { readonly only: ReadonlySet<string> }
  | { readonly without: ReadonlySet<string>; readonly tests: readonly TextFact[] }

/** Values that are no arrays. */
export type Values = {
  readonly atoms: ReadonlySet<Atom>
  readonly numbers: readonly Interval[]
  readonly strings: Strings
  /** `some`: which ones is not known, and there may be none. */
  readonly objects: 'none' | 'some' | 'all'
}

const NO_STRINGS: Strings = { only: new Set() }
const ALL_STRINGS: Strings = { without: new Set(), tests: [] }
const ALL_NUMBERS: Interval = {
  from: Number.NEGATIVE_INFINITY,
  to: Number.POSITIVE_INFINITY,
  fromOpen: false,
  toOpen: false,
}

export const NOTHING: Values = { atoms: new Set(), numbers: [], strings: NO_STRINGS, objects: 'none' }
export const EVERYTHING: Values = {
  atoms: new Set(ATOMS),
  numbers: [ALL_NUMBERS],
  strings: ALL_STRINGS,
  objects: 'all',
}

/** Everything but objects and a missing member. */
export const ANY_SCALAR: Values = { ...EVERYTHING, atoms: new Set(['null', 'true', 'false']), objects: 'none' }

/** The values in a list, of those that are neither objects nor arrays. */
export function valuesOf(list: readonly unknown[]): Values {
  return {
    atoms: new Set((['null', 'true', 'false'] as const).filter(atom => list.includes(JSON.parse(atom)))),
    numbers: pointsOf(list.filter(value => typeof value === 'number')),
    strings: { only: new Set(list.filter(value => typeof value === 'string')) },
    objects: 'none',
  }
}

export function valuesInRange(bounds: Bounds): Values {
  const { least: from, most: to } = boundsOf(bounds)
  const interval = { from, to, fromOpen: bounds.gt === from, toOpen: bounds.lt === to }
  return { ...NOTHING, numbers: commonNumbers([interval], EVERYTHING.numbers) }
}

export const isEmpty = ({ atoms, numbers, strings, objects }: Values): boolean =>
  atoms.size === 0 && numbers.length === 0 && isWithoutStrings(strings) && objects === 'none'

export const isComplete = (values: Values): boolean => isEmpty(complement(values))

const isWithoutStrings = (strings: Strings): boolean => 'only' in strings && strings.only.size === 0

export function complement({ atoms, numbers, strings, objects }: Values): Values {
  return {
    atoms: new Set(ATOMS.filter(atom => !atoms.has(atom))),
    numbers: otherNumbers(numbers),
    strings: otherStrings(strings),
    objects: objects === 'some' ? 'some' : objects === 'all' ? 'none' : 'all',
  }
}

export function intersect(a: Values, b: Values): Values {
  const isNone = a.objects === 'none' || b.objects === 'none'
  return {
    atoms: new Set([...a.atoms].filter(atom => b.atoms.has(atom))),
    numbers: commonNumbers(a.numbers, b.numbers),
    strings: commonStrings(a.strings, b.strings),
    objects: isNone ? 'none' : a.objects === 'all' ? b.objects : a.objects,
  }
}

export const unite = (a: Values, b: Values): Values => complement(intersect(complement(a), complement(b)))

// Numbers

function otherNumbers(intervals: readonly Interval[]): Interval[] {
  const others: Interval[] = []
  let { from, fromOpen } = ALL_NUMBERS
  for (const each of intervals) {
    others.push({ from, fromOpen, to: each.from, toOpen: !each.fromOpen })
    from = each.to
    fromOpen = !each.toOpen
  }
  others.push({ from, fromOpen, to: ALL_NUMBERS.to, toOpen: false })
  return others.filter(hasNumbers)
}

export const hasNumbers = ({ from, to, fromOpen, toOpen }: Interval): boolean =>
  from < to || (from === to && !fromOpen && !toOpen)

function commonNumbers(a: readonly Interval[], b: readonly Interval[]): Interval[] {
  const common: Interval[] = []
  let [atA, atB] = [0, 0]
  while (atA < a.length && atB < b.length) {
    const [one, other] = [a[atA]!, b[atB]!]
    const from = Math.max(one.from, other.from)
    const to = Math.min(one.to, other.to)
    const fromOpen = (one.from === from && one.fromOpen) || (other.from === from && other.fromOpen)
    const toOpen = (one.to === to && one.toOpen) || (other.to === to && other.toOpen)
    common.push({ from, to, fromOpen, toOpen })
    const endsFirst = one.to === other.to ? one.toOpen : one.to < other.to
    if (endsFirst) atA++
    else atB++
  }
  return common.filter(hasNumbers)
}

/** The numbers of a list. */
const pointsOf = (numbers: readonly number[]): Interval[] =>
  [...new Set(numbers)].sort((a, b) => a - b).map(at => ({ from: at, to: at, fromOpen: false, toOpen: false }))

// Strings

function otherStrings(strings: Strings): Strings {
  if ('only' in strings) return { without: strings.only, tests: [] }
  const { without, tests } = strings
  const [only] = tests
  if (only === undefined) return { only: without }
  if (tests.length === 1 && without.size === 0) return { without, tests: [opposite(only)] }
  const fits = (value: string) => without.has(value) || !tests.every(test => test.fits(value))
  return { without: new Set(), tests: [{ key: '', fits }] }
}

function opposite({ key, fits }: TextFact): TextFact {
  const opposite = key === '' ? '' : key.startsWith('!') ? key.slice(1) : `!${key}`
  return { key: opposite, fits: value => !fits(value) }
}

function commonStrings(a: Strings, b: Strings): Strings {
  if ('only' in a) return { only: new Set([...a.only].filter(value => has(b, value))) }
  if ('only' in b) return commonStrings(b, a)
  const tests = [...a.tests, ...b.tests]
  return areContrary(tests) ? NO_STRINGS : { without: new Set([...a.without, ...b.without]), tests }
}

const has = (strings: Strings, value: string): boolean =>
  'only' in strings
    ? strings.only.has(value)
    : !strings.without.has(value) && strings.tests.every(({ fits }) => fits(value))

/** Whether no string can pass all of the tests, as far as two of them show. */
function areContrary(tests: readonly TextFact[]): boolean {
  const keys = new Set(tests.map(({ key }) => key))
  if (tests.some(({ key }) => key !== '' && keys.has(`!${key}`))) return true
  return tests.some((one, index) =>
    tests
      .slice(index + 1)
      .some(
        other =>
          areApart(one.starts, other.starts, (long, short) => long.startsWith(short)) ||
          areApart(one.ends, other.ends, (long, short) => long.endsWith(short)),
      ),
  )
}

function areApart(
  some: readonly string[] | undefined,
  others: readonly string[] | undefined,
  goTogether: (long: string, short: string) => boolean,
): boolean {
  if (some === undefined || others === undefined) return false
  return !some.some(a => others.some(b => (a.length < b.length ? goTogether(b, a) : goTogether(a, b))))
}
