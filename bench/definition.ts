/** What the command line and the results page need to know of a bench. */
import type { BenchResult } from './result.ts'

export type Bench = {
  /** Names the bench and its results (docs/benchmarks). */
  readonly id: string
  /** What it measures, in up to three words; its file has the same name. The command line accepts this or the id. */
  readonly name: string
  /** What its numbers mean, for the help text. */
  readonly summary: string
  /** Whether a larger first measure is better, so that `--at-most` doesn't apply. Default: false. */
  readonly isLargerBetter?: boolean
  readonly run: (options: RunOptions, say: Say) => Promise<BenchResult>
}

/** Options that every bench receives. */
export type RunOptions = {
  /** Fewer and shorter runs: about a minute. */
  readonly short: boolean
  /** Where to write CPU profiles of the server, one per thread. Profiling slows it down: don't use the figures. */
  readonly profileFolder?: string
}

/** Prints a line of progress. */
export type Say = (line: string) => void
