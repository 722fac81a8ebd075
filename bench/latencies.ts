import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import type { Latency } from './result.ts'

const MICROS_A_MS = 1_000

/**
 * A histogram of latencies with three significant digits. Record latencies from each request's scheduled time, not from
 * when it was made, so that a stall counts for every request that it delayed and not only for the first.
 */
export class Latencies {
  readonly #histogram: RecordableHistogram = createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 3 })

  record(ms: number): void {
    this.#histogram.record(Math.max(1, Math.round(ms * MICROS_A_MS)))
  }

  quantile(percent: number): number {
    return this.#histogram.percentile(percent) / MICROS_A_MS
  }

  summary(name: string): Latency {
    const { count, max } = this.#histogram
    const [p50, p99, p999] = [this.quantile(50), this.quantile(99), this.quantile(99.9)]
    return { name, count, p50, p99, p999, max: max / MICROS_A_MS }
  }
}

export function formatLatency({ name, count, p50, p99, p999, max }: Latency): string {
  const cells = [p50, p99, p999, max].map(ms => ms.toFixed(1).padStart(9))
  return `${name.padEnd(24)}${String(count).padStart(9)}${cells.join('')}`
}

export const LATENCY_HEAD = `${'milliseconds'.padEnd(24)}${'count'.padStart(9)}      p50      p99    p99.9      max`
