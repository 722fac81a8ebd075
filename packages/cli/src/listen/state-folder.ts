import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Environment } from '../terminal/index.ts'

/** Where listeners keep what they resume with: `posthorn/listen` in XDG_STATE_HOME, `~/.local/state`, or LOCALAPPDATA. */
export function stateFolder(env: Environment): string {
  const folder = nonEmpty(env.XDG_STATE_HOME) ?? (process.platform === 'win32' ? nonEmpty(env.LOCALAPPDATA) : undefined)
  return join(folder ?? join(nonEmpty(env.HOME) ?? homedir(), '.local', 'state'), 'posthorn', 'listen')
}

const nonEmpty = (value: string | undefined): string | undefined => (value === '' ? undefined : value)
