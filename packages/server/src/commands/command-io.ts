import type { Clock } from '../base/clock.ts'
import type { Output } from '../base/output.ts'

/** What a command that ends by itself speaks through. */
export type CommandIo = { readonly stdout: Output; readonly stderr: Output; readonly clock: Clock }
