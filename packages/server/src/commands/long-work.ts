/** What commands that work for long have in common: they show how far they are, and say where to continue. */
import type { Progress } from '@posthorn/cli/progress'
import type { Environment } from '../config/config.ts'
import type { CommandIo } from './command-io.ts'
import type { StopSignal } from './processes.ts'

export type LongWorkIo = CommandIo & {
  readonly env: Environment
  readonly onSignal: (signal: StopSignal, handle: () => void) => void
  /** Ends the process as the signal would have, whatever its threads are doing. */
  readonly endBySignal: (signal: StopSignal) => void
}

/**
 * Lets Ctrl-C (or SIGTERM) end the process at once, after saying what to do.
 *
 * @param leave tidies up, and returns what to say
 */
export function onInterrupt(io: LongWorkIo, progress: Progress, leave: () => string): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    io.onSignal(signal, () => {
      progress.end()
      io.stderr.write(leave())
      io.endBySignal(signal)
    })
  }
}
