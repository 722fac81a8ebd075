/**
 * The page of results, made from what was measured: `docs/benchmarks/<id>.json` holds the last run of each bench, the
 * charts lie beside it, and `docs/benchmarks.md` shows them with the goals. What can't be read from the numbers (where
 * the time goes, what a further step would cost) is written by hand in `docs/benchmarks/floor.md`.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { drawBars } from './chart.ts'
import { type BenchResult, isReached, type Latency, type Measure, type ProcessCost, round } from './result.ts'

/** A result as its file has it. */
export type StoredResult = BenchResult & {
  readonly short: boolean
  readonly machine: string
  readonly versions: string
  readonly command: string
}

const DOCS = fileURLToPath(new URL('../docs/', import.meta.url))

/** Keeps a result, and makes the page anew with it. `ids`: the benches there are, in the order of the page. */
export function writeResult(result: StoredResult, ids: readonly string[], docs = DOCS): void {
  const folder = `${docs}benchmarks/`
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}${result.id}.json`, `${JSON.stringify(result, rounded, 2)}\n`)
  for (const [index, bars] of (result.bars ?? []).entries()) {
    writeFileSync(`${folder}${chartName(result.id, index)}`, drawBars(bars))
  }
  const results = ids.filter(id => existsSync(`${folder}${id}.json`)).map(id => read(`${folder}${id}.json`))
  writeFileSync(`${docs}benchmarks.md`, renderPage(results))
}

const read = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as StoredResult
const chartName = (id: string, index: number) => `${id}-${index + 1}.svg`

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? round(value) : value
}

export function renderPage(results: readonly StoredResult[]): string {
  return [
    '# What a delivery costs, measured',
    '',
    'Made by `npm run bench -- <name> --write`, bench by bench, so don’t edit it. Everything ran on one machine: publishers,',
    'Posthorn, databases and receivers in processes of their own; receivers over TLS 1.3 with kept connections. Posthorn runs',
    'with its defaults: it records, signs, validates, guards, verifies TLS, and answers 202 only for what is on the disk.',
    'Since receivers are on this machine and have certificates of the bench’s own, it is given `--dev` and `--extra-ca`; so',
    'the guard knows their address at once, and no name is looked up. The bare loop is the same POSTs with nothing stored, and',
    'without the two headers of the signature: by undici’s `dispatch`, or where B1 and B2 find another way cheaper, by that.',
    'Where the time goes, and what a further step would cost: [the floor](benchmarks/floor.md).',
    '',
    '| | measure | goal | measured | |',
    '| --- | --- | --- | --- | --- |',
    ...results.flatMap(result => result.measures.map(measure => goalRow(result, measure))),
    ...results.flatMap(renderResult),
    '',
  ].join('\n')
}

function goalRow({ id, short }: StoredResult, measure: Measure): string {
  const { name, unit, value, goal, bound } = measure
  const withUnit = (number: number) => (unit === '' ? `${round(number)}` : `${round(number)} ${unit}`)
  const sign = bound === 'atMost' ? '≤' : '≥'
  return `| ${id}${short ? ', short form' : ''} | ${name} | ${sign} ${withUnit(goal)} | ${withUnit(value)} | ${isReached(measure) ? 'reached' : 'not reached'} |`
}

function renderResult(result: StoredResult): string[] {
  const { id, title, bars = [], latencies = [], processes = [], setup, notes = [] } = result
  return [
    '',
    `## ${id}: ${title}`,
    '',
    `\`${result.command}\` on ${result.machine}; ${result.versions}${result.short ? '; the short form' : ''}.`,
    ...bars.flatMap(({ name }, index) => ['', `![${name}](benchmarks/${chartName(id, index)})`]),
    ...latencyTable(latencies),
    ...processTable(processes),
    '',
    `Set-up: ${Object.entries(setup)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ')}.`,
    ...notes.flatMap(note => ['', note]),
  ]
}

function latencyTable(latencies: readonly Latency[]): string[] {
  if (latencies.length === 0) return []
  const row = ({ name, count, p50, p99, p999, max }: Latency) =>
    `| ${[name, count, ...[p50, p99, p999, max].map(round)].join(' | ')} |`
  return [
    '',
    '| ms | count | p50 | p99 | p99.9 | max |',
    '| --- | --- | --- | --- | --- | --- |',
    ...latencies.map(row),
  ]
}

function processTable(processes: readonly ProcessCost[]): string[] {
  if (processes.length === 0) return []
  const row = ({ name, micros: { median, min, max }, peakMegabytes }: ProcessCost) =>
    `| ${name} | ${round(median)} (${round(min)} to ${round(max)}) | ${peakMegabytes === undefined ? '' : round(peakMegabytes)} |`
  return ['', '| process | µs an event | peak MB |', '| --- | --- | --- |', ...processes.map(row)]
}
