/** Shows long output page by page, in the program that the user prefers. */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Writable } from 'node:stream'
import type { Environment } from './terminal.ts'

export type Pager = {
  /** Text for the pager. Writing to it after the user has left the pager does nothing. */
  readonly input: Writable
  /** Resolves when the user has left the pager. */
  readonly closed: Promise<void>
}

/** `-F` ends it if everything fits on the screen, `-R` shows colours, `-X` leaves the text on the screen. */
const DEFAULT = 'less -FRX'

/** The command line of the pager. Null if there is to be none: PAGER is empty or `cat`. */
export function pagerIn({ PAGER = DEFAULT }: Environment): string | null {
  return PAGER.trim() === '' || PAGER.trim() === 'cat' ? null : PAGER
}

/** Starts the pager on the process's own terminal. Null if there is to be none. */
export function startPager(env: Environment, fallback: Writable): Pager | null {
  const command = pagerIn(env)
  if (command === null) return null
  const child: ChildProcess = spawn(command, {
    shell: true,
    stdio: ['pipe', 'inherit', 'inherit'],
    // For a pager with options of its own (`PAGER=less`), as git does.
    env: { LESS: 'FRX', LV: '-c', ...env },
  })
  const input = child.stdin!
  // The user has left the pager before the end.
  input.on('error', () => {})
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  child.once('error', () => resolve())
  // A shell that doesn't find the program ends with 127.
  child.once('close', code => {
    if (code === 127)
      fallback.write(`The pager ${JSON.stringify(command)} was not found: set PAGER, or use --no-pager.\n`)
    resolve()
  })
  return { input, closed }
}
