import type { Clock } from '../base/clock.ts'
import type { Output } from '../base/output.ts'

/** The outputs and the clock of a command that ends by itself. */
export type CommandIo = { readonly stdout: Output; readonly stderr: Output; readonly clock: Clock }
