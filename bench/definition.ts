/** What a bench is, to the command line and the page. */
import type { BenchResult } from './result.ts'

export type Bench = {
  /** By which its results are kept (docs/benchmarks) and spoken of. */
  readonly id: string
  /** What it measures, in a word or three; its file is called the same. Either is taken at the command line. */
  readonly name: string
  /** What its numbers are, for the help. */
  readonly summary: string
  /** Its first measure is the better the larger it is, so `--at-most` is not for it. Default: false. */
  readonly isLargerBetter?: boolean
  readonly run: (options: RunOptions, say: Say) => Promise<BenchResult>
}

/** What each bench is told. */
export type RunOptions = {
  /** Less of everything: about a minute. */
  readonly short: boolean
  /** Where to write processor profiles of the server (one a thread). They slow it down: its numbers don't count then. */
  readonly profileFolder?: string
}

/** Shows a line to whoever watches. */
export type Say = (line: string) => void
