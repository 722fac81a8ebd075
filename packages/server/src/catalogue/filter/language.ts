/**
 * The words of the filter language, and how a name in a filter is read: as an operator or as a member of the payload.
 * `catalogue/filter.ts` describes the language as a whole.
 */
import type { PayloadFilter } from '../../base/model.ts'
import { nearest } from '../../base/nearest.ts'

/** Operators that test a string. Their value is a string or a list of strings, one of which has to fit. */
export const TEXT_OPERATORS = ['prefix', 'suffix', 'contains', 'equalsIgnoreCase', 'wildcard'] as const
export type TextOperator = (typeof TEXT_OPERATORS)[number]

export const RANGES = ['gt', 'gte', 'lt', 'lte'] as const
export type Range = (typeof RANGES)[number]

export type Operator = 'exists' | TextOperator | Range | 'anyOf' | 'not'

export const isTextOperator = (operator: Operator): operator is TextOperator =>
  (TEXT_OPERATORS as readonly Operator[]).includes(operator)

export const isRange = (operator: Operator): operator is Range => (RANGES as readonly Operator[]).includes(operator)

/** Operators of the first release, which need no `$`. `anyOf`, the only "or", is never written with one. */
const BARE: readonly Operator[] = ['exists', 'prefix', ...RANGES, 'anyOf']
const WITH_DOLLAR: readonly Operator[] = ['exists', ...TEXT_OPERATORS, ...RANGES, 'not']

/** A longer name is nothing mistyped, and would take long to compare. */
const MAX_NAME = 64

/** All operators as the documentation writes them. */
export const OPERATORS: readonly string[] = ['anyOf', ...WITH_DOLLAR.map(name => `$${name}`)]

/** Names that other languages use for what this one has, each with the operator to use here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  $or: 'anyOf',
  $anyOf: 'anyOf',
  $ne: '$not',
  $nin: '$not',
  $nor: '$not',
  $startsWith: '$prefix',
  $endsWith: '$suffix',
  $includes: '$contains',
  $like: '$wildcard',
  $glob: '$wildcard',
  $regex: '$wildcard',
}

export type Word =
  | { readonly kind: 'operator'; readonly operator: Operator }
  /** `name` is the payload's member. */
  | { readonly kind: 'member'; readonly name: string }
  /** Begins with one `$`, and is no operator, or none at the root. Read as a member, should it be stored. */
  | { readonly kind: 'unknown'; readonly name: string }

export const isObject = (value: unknown): value is PayloadFilter =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * How a name is read, given its value. An operator without `$` never has an object as its value, so such names are still
 * members there. At the root an operator would test the payload, always an object: there, all names without `$` but
 * `anyOf` are members.
 */
export function wordOf(name: string, value: unknown, isRoot: boolean): Word {
  if (name.startsWith('$$')) return { kind: 'member', name: name.slice(1) }
  if (name.startsWith('$')) {
    const operator = WITH_DOLLAR.find(each => each === name.slice(1))
    if (operator === undefined || (isRoot && operator !== 'not')) return { kind: 'unknown', name }
    return { kind: 'operator', operator }
  }
  const operator = BARE.find(each => each === name)
  const isOperator = isRoot ? operator === 'anyOf' && Array.isArray(value) : !isObject(value)
  return operator !== undefined && isOperator ? { kind: 'operator', operator } : { kind: 'member', name }
}

/** The operator that a mistyped name most likely meant, with or without its `$`. */
export function nearestOperator(name: string): string | undefined {
  if (name.length > MAX_NAME) return undefined
  const withDollar = `$${name.replace(/^\$/, '')}`
  if (Object.hasOwn(ELSEWHERE, withDollar)) return ELSEWHERE[withDollar]
  const found = nearest(withDollar, [...OPERATORS, '$anyOf'])
  return found === '$anyOf' ? 'anyOf' : found
}

/** A JSON Pointer to a member, however long its name is. */
export const pointerTo = (at: string, name: string): string =>
  `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`

/** The bounds in one object. Without a number, a bound is not in effect. */
export type Bounds = { readonly [Name in Range]?: unknown }

/** Several bounds: the narrowest of each side is in effect. */
export function boundsOf(bounds: Bounds): { least: number; most: number; isOpen: boolean } {
  const of = (name: Range, none: number) => {
    const bound = bounds[name]
    return typeof bound === 'number' ? bound : none
  }
  const least = Math.max(of('gt', Number.NEGATIVE_INFINITY), of('gte', Number.NEGATIVE_INFINITY))
  const most = Math.min(of('lt', Number.POSITIVE_INFINITY), of('lte', Number.POSITIVE_INFINITY))
  return { least, most, isOpen: bounds.gt === least || bounds.lt === most }
}
