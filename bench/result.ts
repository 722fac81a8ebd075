/** What a bench found, in one shape for all: the line of JSON, the page and the comparison with the goals read it. */
import type { Summary } from './statistics.ts'

export type BenchResult = {
  readonly id: string
  /** One sentence: what was done. */
  readonly title: string
  /** In the order of the table of goals. */
  readonly measures: readonly Measure[]
  /** What the measures are made of, to be drawn beside each other. Default: none. */
  readonly bars?: readonly Bars[]
  readonly latencies?: readonly Latency[]
  /** What every process took. */
  readonly processes?: readonly ProcessCost[]
  /** How it was set up: counts, sizes, runs. */
  readonly setup: Readonly<Record<string, number | string>>
  /** What a reader must know to read the numbers rightly. Default: nothing. */
  readonly notes?: readonly string[]
}

export type Measure = {
  readonly name: string
  /** Empty for a ratio. */
  readonly unit: '' | 'ms' | 's' | 'MB' | 'bytes'
  readonly value: number
  readonly goal: number
  readonly bound: 'atMost' | 'atLeast'
}

export type Bars = {
  readonly name: string
  /** Of all of them, such as `µs a request`. */
  readonly unit: string
  readonly bars: readonly { readonly name: string; readonly summary: Summary }[]
}

/** Milliseconds, of all runs together. */
export type Latency = {
  readonly name: string
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

export type ProcessCost = {
  readonly name: string
  /** Microseconds of processor time an event (or request). */
  readonly micros: Summary
  /** The most that was resident, in 2^20 bytes. */
  readonly peakMegabytes?: number
}

export const isReached = ({ value, goal, bound }: Measure) => (bound === 'atMost' ? value <= goal : value >= goal)

/** The line that a run ends with: `value` and `goal` are numbers, or lists where a bench has several measures. */
export function toLine(result: BenchResult, surroundings: object): string {
  const { id, measures, ...rest } = result
  const list = (values: readonly number[]) => (values.length === 1 ? values[0] : values)
  const [value, goal] = [list(measures.map(each => each.value)), list(measures.map(each => each.goal))]
  return JSON.stringify({ id, value, goal, measures, ...rest, ...surroundings }, rounded)
}

export function formatMeasure(measure: Measure): string {
  const { name, unit, value, goal, bound } = measure
  const [shown, wanted] = [round(value), round(goal)].map(each => (unit === '' ? String(each) : `${each} ${unit}`))
  const word = isReached(measure) ? 'reached' : 'not reached'
  return `${name}: ${shown} (goal: at ${bound === 'atMost' ? 'most' : 'least'} ${wanted}, ${word})`
}

export const round = (value: number) => (Math.abs(value) >= 1_000 ? Math.round(value) : Math.round(value * 100) / 100)

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? round(value) : value
}
