import { expect, it } from 'vitest'
import { type Column, painter, Table, widthOf } from '../../src/terminal/index.ts'

type Row = { readonly id: string; readonly name: string; readonly count: number }

const COLUMNS: readonly Column<Row>[] = [
  { title: 'ID', text: ({ id }) => id },
  { title: 'NAME', text: ({ name }) => name, canBeCut: true },
  { title: 'COUNT', text: ({ count }) => String(count), align: 'right', extra: 1 },
]

const linesOf = (rows: readonly Row[], width: number, hasColours = false) =>
  new Table(COLUMNS, { show: { time: String }, paint: painter(hasColours), width }).lines(rows)

const ROWS = [
  { id: 'ep_1', name: 'a warehouse in Rotterdam', count: 7 },
  { id: 'ep_22', name: '倉庫', count: 1200 },
]

it('aligns columns by their width on the screen', () => {
  expect(linesOf(ROWS, Infinity)).toEqual([
    'ID     NAME                      COUNT',
    'ep_1   a warehouse in Rotterdam      7',
    'ep_22  倉庫                       1200',
  ])
})

it.each([80, 40, 30, 24, 20])('fits %d columns', width => {
  for (const line of linesOf(ROWS, width)) expect(widthOf(line)).toBeLessThanOrEqual(width)
})

it('cuts what can be cut, then leaves out what is extra, and never cuts an id', () => {
  expect(linesOf(ROWS, 24)[1]).toBe(`ep_1   ${'a warehouse'.slice(0, 9)}…      7`)
  expect(linesOf(ROWS, 20)).toEqual(['ID     NAME', 'ep_1   a warehouse …', 'ep_22  倉庫'])
})

it('shows one field a line where nothing fits', () => {
  expect(linesOf(ROWS, 10)).toEqual([
    'ID: ep_1',
    'NAME: a warehouse in Rotterdam',
    'COUNT: 7',
    '',
    'ID: ep_22',
    'NAME: 倉庫',
    'COUNT: 1200',
  ])
})

it('shows control characters that others wrote as escapes', () => {
  const [, line] = linesOf([{ id: 'a', name: '\u001b[2J\u202eevil\n', count: 1 }], 80, true)
  expect(line).toContain('\\u{1b}[2J\\u{202e}evil\\n')
})
