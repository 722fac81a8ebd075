/** What it means that standard output takes no more. */
import { EXIT } from '../exit.ts'
import { FILE_REASONS } from '../problem.ts'

/**
 * Returns the exit code of a command whose output can't be written, and the line for standard error. A reader that has
 * enough, such as `head`, is no error, and needs no line.
 */
export function outputError({ code, message }: NodeJS.ErrnoException): {
  readonly exitCode: number
  readonly line: string | null
} {
  if (code === 'EPIPE') return { exitCode: EXIT.ok, line: null }
  const reason = FILE_REASONS[code ?? ''] ?? code ?? message
  return {
    exitCode: EXIT.refused,
    line: `posthorn: Standard output cannot be written: ${reason}. The output is incomplete.\n`,
  }
}
