import { expect } from 'vitest'
import type { FieldError } from '../../../src/base/errors.ts'
import type { PayloadFilter } from '../../../src/base/model.ts'
import { checkFilter, compileFilter } from '../../../src/catalogue/filter.ts'

/** Whether a filter that is accepted lets a payload through. */
export const passes = (filter: PayloadFilter, payload: unknown) => {
  expect(faultsOf(filter), JSON.stringify(filter)).toEqual([])
  return compileFilter(filter)(payload)
}

export const faultsOf = (filter: unknown): FieldError[] => {
  const faults: FieldError[] = []
  checkFilter(filter, '/filter', faults)
  return faults
}

export const fieldsOf = (filter: unknown) => faultsOf(filter).map(({ field }) => field)

/** Takes steps to their end. */
export function resultOf<Result>(steps: Generator<void, Result>): Result {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}
