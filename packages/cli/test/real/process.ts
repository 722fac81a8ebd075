/** Runs `posthorn` as a process of its own, also on a real terminal. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { expect, onTestFinished, vi } from 'vitest'

/** Each line starts a process or two, which takes seconds where many tests run at the same time. */
export const MOST_MS = 120_000
vi.setConfig({ testTimeout: 2 * MOST_MS })

const CLI = fileURLToPath(new URL('../../../server/src/cli.ts', import.meta.url))

/** Whether a program is installed. */
export const hasProgram = (name: string, flag = '--version'): boolean =>
  spawnSync(name, [flag], { stdio: 'ignore' }).error === undefined

/** `script` of util-linux gives a command a terminal. The one of macOS has other flags. */
export const HAS_TERMINALS = process.platform === 'linux' && hasProgram('script')

/** A folder with an executable `posthorn`, for PATH. */
export function installPosthorn(): { readonly folder: string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-bin-'))
  const file = join(folder, 'posthorn')
  writeFileSync(file, `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`)
  chmodSync(file, 0o755)
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

export type OnTerminal = {
  /** All that was shown so far, escape sequences included. */
  readonly raw: () => string
  /** The same without them. */
  readonly shown: () => string
  /** Waits until a text is shown. */
  readonly until: (text: string) => Promise<void>
  /** Types keys, as they come from a keyboard: `\r`, `\t`, `\u0003`. */
  readonly type: (keys: string) => void
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>
}

/** Runs a command line of sh on a terminal of its own. */
export function onTerminal(command: string, { env = {}, columns = 80 }: TerminalOptions = {}): OnTerminal {
  const line = `stty cols ${columns} rows 24; ${command}`
  const child: ChildProcess = spawn('script', ['-qefc', line, '/dev/null'], {
    env: { PATH: process.env.PATH, HOME: '/nonexistent', TERM: 'xterm', SHELL: '/bin/sh', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let shown = ''
  child.stdout!.on('data', piece => {
    shown += piece
  })
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  // A test that fails leaves nothing behind.
  onTestFinished(() => void child.kill('SIGKILL'))
  return {
    raw: () => shown,
    shown: () => stripVTControlCharacters(shown),
    until: text => expect.poll(() => stripVTControlCharacters(shown), { timeout: MOST_MS }).toContain(text),
    type: keys => void child.stdin!.write(keys),
    ended,
  }
}

export type TerminalOptions = { readonly env?: Readonly<Record<string, string>>; readonly columns?: number }
