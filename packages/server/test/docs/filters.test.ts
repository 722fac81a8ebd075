import { describe, expect, it } from 'vitest'
import type { FieldError } from '../../src/base/errors.ts'
import { OPERATORS } from '../../src/catalogue/filter/language.ts'
import { checkFilter, compileFilter } from '../../src/catalogue/filter.ts'
import { readPage } from './pages.ts'

const section = readPage('docs/event-types.md').split('\n## Filters\n')[1]!.split('\n## ')[0]!

/** The JSON in code spans. */
const spansOf = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(match => JSON.parse(match[1]!))

const rows = [...section.matchAll(/^\| ([^|\n]+) \| (`\{[^|\n]+`) \| ([^|\n]+) \| ([^|\n]+) \|$/gm)].map(
  ([, condition, filter, through, back]) => ({
    condition: condition!,
    filter: filter!,
    through: through!,
    back: back!,
  }),
)

const faultsOf = (filter: unknown) => {
  const faults: FieldError[] = []
  checkFilter(filter, '', faults)
  return faults
}

describe('the table of filters in event-types.md', () => {
  it.each(rows)('$condition: $filter', ({ filter: text, through, back }) => {
    const [filter] = spansOf(text)
    expect(faultsOf(filter)).toEqual([])
    const passes = compileFilter(filter)
    const [passing, others] = [spansOf(through), spansOf(back)]
    expect(Math.min(passing.length, others.length)).toBeGreaterThan(0)
    for (const payload of passing) expect(passes(payload), JSON.stringify(payload)).toBe(true)
    for (const payload of others) expect(passes(payload), JSON.stringify(payload)).toBe(false)
  })

  it('has every row that the page has, and names every operator', () => {
    const lines = section.split('\n').filter(line => line.startsWith('| ') && !line.startsWith('| ---'))
    expect(rows).toHaveLength(lines.length - 1)
    const conditions = rows.map(({ condition }) => condition).join()
    for (const operator of OPERATORS) expect(conditions).toContain(`\`${operator}\``)
  })

  it('stands below examples that are accepted', () => {
    const blocks = [...section.matchAll(/^```json\n([\s\S]*?)^```/gm)].map(match => JSON.parse(match[1]!))
    expect(blocks.length).toBeGreaterThan(0)
    for (const block of blocks) expect(faultsOf(block)).toEqual([])
  })
})
