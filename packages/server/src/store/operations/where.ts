import type { Value } from '../transaction.ts'

/** Conditions and their parameters, numbered as they come. */
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
