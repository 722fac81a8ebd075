/**
 * The result of a bench, in one shape for all: used by the line of JSON, the page and the comparison with the goals.
 */
import type { Summary } from './statistics.ts'

export type BenchResult = {
  readonly id: string
  /** What was measured, in one sentence. */
  readonly title: string
  /** In the order of the table of goals. */
  readonly measures: readonly Measure[]
  /** Charts of the values that the measures are derived from. Default: none. */
  readonly bars?: readonly Bars[]
  readonly latencies?: readonly Latency[]
  /** The cost of each process. */
  readonly processes?: readonly ProcessCost[]
  /** Parameters of the bench: counts, sizes, runs. */
  readonly setup: Readonly<Record<string, number | string>>
  /** What readers must know to interpret the figures. Default: none. */
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
  /** The unit of all bars, such as `µs a request`. */
  readonly unit: string
  readonly bars: readonly { readonly name: string; readonly summary: Summary }[]
}

/** Latencies in milliseconds, over all runs. */
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
  /** Processor time per event (or request), in microseconds. */
  readonly micros: Summary
  /** Peak resident memory, in units of 2^20 bytes. */
  readonly peakMegabytes?: number
}

export const isReached = ({ value, goal, bound }: Measure) => (bound === 'atMost' ? value <= goal : value >= goal)

/** Returns the last line of a run. `value` and `goal` are numbers, or lists if the bench has several measures. */
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

/** Rounds to integers from 1,000 on, to hundredths from 0.1 on, and to ten thousandths below that. */
export function round(value: number): number {
  const size = Math.abs(value)
  const steps = size >= 1_000 ? 1 : size >= 0.1 ? 100 : 10_000
  return Math.round(value * steps) / steps
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? round(value) : value
}
