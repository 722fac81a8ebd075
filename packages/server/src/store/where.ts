import { idBytes } from '../base/ids.ts'
import type { Value } from './transaction.ts'

/** A period, in milliseconds since 1970. Null: open at that end. The end itself is excluded. */
export type Range = { readonly fromMs: number | null; readonly toMs: number | null }

/**
 * Where a page of a list begins, and in which direction it is read: with `before` from greater ids to smaller ones, with
 * `after` from smaller to greater. The id itself is not part of the page; null stands for that end of the list. Rows
 * are returned in the order in which they are read: those nearest to the id come first.
 */
export type Place<Id extends string = string> =
  | { readonly before: Id | null; readonly after?: never }
  | { readonly after: Id | null; readonly before?: never }

/** The pattern of `like … escape '!'` that finds a part of a text. */
export const patternOf = (part: string): string => `%${part.replaceAll(/[!%_]/g, '!$&')}%`

/** Conditions and their parameters, numbered in the order in which they are added. */
export class Where {
  readonly params: Value[]
  readonly conditions: string[] = []

  /** @param params of the other parts of a statement that has several; those of this part are added */
  constructor(params: Value[] = []) {
    this.params = params
  }

  add(condition: string, value: Value): this {
    this.params.push(value)
    this.conditions.push(condition.replace('?', `$${this.params.length}`))
    return this
  }

  addIf(condition: string, value: Value | undefined): this {
    return value === null || value === undefined ? this : this.add(condition, value)
  }

  /**
   * Selects rows with one of some values, at least one. The last value is repeated until their number is a power of
   * two, so that there are few different statements to prepare.
   */
  addIn(column: string, values: readonly Value[]): this {
    const list = Array.from({ length: 2 ** Math.ceil(Math.log2(values.length)) }, (_, index) => {
      this.params.push(values[Math.min(index, values.length - 1)]!)
      return `$${this.params.length}`
    })
    this.conditions.push(`${column} in (${list.join(', ')})`)
    return this
  }

  /** Selects what lies behind a place, and returns the order in which to read it. */
  behind(place: Place, column = 'id', toValue: (id: string) => Value = idBytes): string {
    const { before, after } = place
    if (after === undefined) {
      this.addIf(`${column} < ?`, before === null || before === undefined ? null : toValue(before))
      return `order by ${column} desc`
    }
    this.addIf(`${column} > ?`, after === null ? null : toValue(after))
    return `order by ${column}`
  }

  /** A limit, as a parameter: lists have very many different ones. */
  limit(rows: number): string {
    this.params.push(rows)
    return `limit $${this.params.length}`
  }

  /** The clause, or nothing if there are no conditions. */
  get clause(): string {
    return this.conditions.length === 0 ? '' : `where ${this.text}`
  }

  get text(): string {
    return this.conditions.join(' and ')
  }
}
