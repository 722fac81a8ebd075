import { idBytes } from '../base/ids.ts'
import type { Value } from './transaction.ts'

/** A period, in milliseconds since 1970. Null: open at that end. The end itself is excluded. */
export type Range = { readonly fromMs: number | null; readonly toMs: number | null }

export const idOrNull = (id: string | null): Uint8Array | null => (id === null ? null : idBytes(id))

/** Conditions and their parameters, numbered in the order in which they are added. */
export class Where {
  readonly params: Value[] = []
  readonly conditions: string[] = []

  add(condition: string, value: Value): this {
    this.params.push(value)
    this.conditions.push(condition.replace('?', `$${this.params.length}`))
    return this
  }

  addIf(condition: string, value: Value | undefined): this {
    return value === null || value === undefined ? this : this.add(condition, value)
  }

  get text(): string {
    return this.conditions.join(' and ')
  }
}
