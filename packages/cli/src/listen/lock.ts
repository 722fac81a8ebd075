import { chmodSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'

/** SQLite's code for a lock that another has. */
const BUSY = 5

/** Another process on this machine listens under the same name. */
export class NameInUse extends Error {}

/**
 * Locks a file, as the server locks its folder. The kernel drops the lock with the process, however that ends: nothing
 * has to be cleaned up, as a file with a process id would have to be. Throws NameInUse. Returns what unlocks it.
 */
export function lock(file: string): () => void {
  const held = openQuietly(file)
  try {
    chmodSync(file, 0o600)
    held.exec('pragma busy_timeout = 0')
    held.exec('begin exclusive')
    return () => held.close()
  } catch (error) {
    held.close()
    if (((error as { errcode?: number }).errcode ?? 0) % 256 === BUSY) throw new NameInUse()
    throw error
  }
}

/** Older releases of Node 24 warn that SQLite is experimental, which is for us to know. */
function openQuietly(file: string): DatabaseSync {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    const { DatabaseSync } = process.getBuiltinModule('node:sqlite')
    return new DatabaseSync(file)
  } finally {
    process.emitWarning = emitWarning
  }
}
