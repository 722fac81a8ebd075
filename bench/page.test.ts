import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { drawBars } from './chart.ts'
import { type StoredResult, writeResult } from './page.ts'
import { formatMeasure, toLine } from './result.ts'

const result = (id: string, value: number): StoredResult => ({
  id,
  title: 'What <it> costs',
  measures: [
    { name: 'Posthorn ÷ bare loop', unit: '', value, goal: 2, bound: 'atMost' },
    { name: 'rate', unit: 'MB', value: 0.95, goal: 0.9, bound: 'atLeast' },
  ],
  bars: [{ name: 'Time', unit: 'µs', bars: [{ name: 'a & b', summary: { median: 2, min: 1, max: 4 } }] }],
  latencies: [{ name: 'healthy', count: 3, p50: 1.234, p99: 2, p999: 3, max: 4 }],
  processes: [{ name: 'Posthorn', micros: { median: 50, min: 40, max: 60 }, peakMegabytes: 120 }],
  setup: { runs: 5 },
  notes: ['Read it with care.'],
  short: true,
  machine: 'a machine',
  versions: 'Node 24',
  command: 'npm run bench',
})

it('ends a run with a line of JSON that has id, value and goal, as lists if there are several measures', () => {
  const line = JSON.parse(toLine(result('B1', 1.23456), { short: true }))
  expect(line).toMatchObject({ id: 'B1', value: [1.23, 0.95], goal: [2, 0.9], short: true })
  const { measures, ...rest } = result('B1', 3)
  expect(JSON.parse(toLine({ ...rest, measures: measures.slice(0, 1) }, {}))).toMatchObject({ value: 3, goal: 2 })
})

it('reports whether a measure reaches its goal', () => {
  const [below, above] = result('B1', 2.5).measures
  expect(formatMeasure(below!)).toBe('Posthorn ÷ bare loop: 2.5 (goal: at most 2, not reached)')
  expect(formatMeasure(above!)).toBe('rate: 0.95 MB (goal: at least 0.9 MB, reached)')
})

it('saves the last result of each bench and shows all saved results', () => {
  const docs = `${mkdtempSync(join(tmpdir(), 'posthorn-page-'))}/`
  try {
    writeResult(result('B2', 9), ['B1', 'B2'], docs)
    writeResult(result('B2', 1.5), ['B1', 'B2'], docs)
    writeResult(result('B1', 2.5), ['B1', 'B2'], docs)
    expect(readdirSync(`${docs}benchmarks`).sort()).toEqual(['B1-1.svg', 'B1.json', 'B2-1.svg', 'B2.json'])
    const page = readFileSync(`${docs}benchmarks.md`, 'utf8')
    expect(page.indexOf('## B1')).toBeLessThan(page.indexOf('## B2'))
    expect(page).toContain('| B1, short form | Posthorn ÷ bare loop | ≤ 2 | 2.5 | not reached |')
    expect(page).toContain('| B2, short form | Posthorn ÷ bare loop | ≤ 2 | 1.5 | reached |')
    expect(page).not.toContain('| 9 |')
    for (const part of ['Read it with care.', '| Posthorn | 50 (40 to 60) | 120 |', '| healthy | 3 | 1.23 |']) {
      expect(page).toContain(part)
    }
  } finally {
    rmSync(docs, { recursive: true })
  }
})

it('escapes names, draws bars in proportion to their medians, and keeps everything within the picture', () => {
  const name = 'a & <b>, which has a name of quite some length'
  const svg = drawBars({
    name: 'Time',
    unit: 'bytes an event',
    bars: [
      { name, summary: { median: 2_000, min: 1_000, max: 4_000 } },
      { name: 'half of it', summary: { median: 1_000, min: 0, max: 1_000 } },
      { name: 'nothing', summary: { median: 0, min: 0, max: 0 } },
    ],
  })
  expect(svg).toContain('a &amp; &lt;b&gt;')
  const [whole, half, none] = [...svg.matchAll(/class="bar" [^>]*width="([\d.]+)"/g)].map(found => Number(found[1]))
  expect(none).toBe(0)
  expect(whole! / half!).toBeCloseTo(2, 1)
  const texts = [...svg.matchAll(/<text x="([\d.]+)" y="\d+"( text-anchor="end")?>([^<]+)</g)]
  // A letter of this size is about 6.5 pixels wide.
  const edges = texts.map(
    ([, x, isRight, text]) => Number(x) + (isRight ? -1 : 1) * text!.replaceAll(/&\w+;/g, 'x').length * 6.5,
  )
  expect(texts).toHaveLength(6)
  for (const edge of edges) expect(edge).toSatisfy((at: number) => at >= 0 && at <= 720)
})
