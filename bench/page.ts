/**
 * Generates the results page. `docs/benchmarks/<id>.json` holds the last run of each bench, its charts are next to it,
 * and `docs/benchmarks.md` shows all of them with the goals. What the figures don't show (where the time goes and what
 * further savings would cost) is written manually in `docs/benchmarks/floor.md`.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { drawBars } from './chart.ts'
import { type BenchResult, isReached, type Latency, type Measure, type ProcessCost, round } from './result.ts'

/** A result as it is stored in its file. */
export type StoredResult = BenchResult & {
  readonly short: boolean
  readonly machine: string
  readonly versions: string
  readonly command: string
}

const DOCS = fileURLToPath(new URL('../docs/', import.meta.url))

/** Saves a result and regenerates the page. `ids`: all benches, in the order of the page. */
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
    '# Benchmarks: what a delivery costs',
    '',
    'This page shows what a delivery costs, for operators who plan capacity and developers who change the hot path. It',
    'compares Posthorn with the bare HTTP request and with the usual alternatives, and says which goals are reached.',
    '',
    "It is generated, so don't edit it: `npm run bench -- <name> --write` replaces the results of one bench.",
    '',
    'Everything ran on one machine, with publishers, Posthorn, databases and receivers in separate processes. Receivers',
    'use TLS 1.3 and keep-alive connections. Posthorn runs with its defaults: it records attempts, signs, validates,',
    'checks addresses, verifies TLS, and responds 202 only once the events are on disk. Because the receivers are on the',
    "same machine and have the bench's own certificates, it also gets `--dev` and `--extra-ca`; so no names are looked up,",
    'and the address check is immediate.',
    '',
    'The **bare loop** makes the same POSTs but stores nothing and leaves out the two signature headers. It sends with',
    "undici's `dispatch`, unless B1 or B2 find another way cheaper. Runs of the sides that are compared alternate; a",
    "**ratio of paired runs** compares each run with the other side's in the same round.",
    '',
    '| | measure | goal | measured | |',
    '| --- | --- | --- | --- | --- |',
    ...results.flatMap(result => result.measures.map(measure => goalRow(result, measure))),
    ...results.flatMap(renderResult),
    '',
    '## Next',
    '',
    '- [Where the time goes](benchmarks/floor.md): profiles, what was tried, and what further savings would cost',
    '- [Scaling](scaling.md): what several nodes on PostgreSQL can handle',
    '- [Architecture](architecture.md): how a delivery moves through the server',
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
    `\`${result.command}\` on ${result.machine}; ${result.versions}${result.short ? '; short form' : ''}.`,
    ...bars.flatMap(({ name }, index) => ['', `![${name}](benchmarks/${chartName(id, index)})`]),
    ...latencyTable(latencies),
    ...processTable(processes),
    '',
    `Setup: ${Object.entries(setup)
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
  return ['', '| process | µs per event | peak MB |', '| --- | --- | --- |', ...processes.map(row)]
}
