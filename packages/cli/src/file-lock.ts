import { closeSync, existsSync, openSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'

/** SQLite's code for a lock that another has. */
const BUSY = 5

/** Another process on this machine has the lock. */
export class FileInUse extends Error {}

/**
 * Locks a file, as the server locks its folder. The kernel drops the lock with the process, however that ends: nothing
 * has to be cleaned up, as a file with a process id would have to be. Returns what unlocks it.
 *
 * @param waitMs how long to wait for another process. Blocks this one. Default: 0
 * @throws FileInUse, and the system's error if the file can't be created
 */
export function lock(file: string, waitMs = 0): () => void {
  // SQLite's own error names no file. One that is there is left alone: to close it would drop a lock of this process.
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600))
  const held = openQuietly(file)
  try {
    held.exec(`pragma busy_timeout = ${waitMs}`)
    held.exec('begin exclusive')
    return () => held.close()
  } catch (error) {
    held.close()
    if (((error as { errcode?: number }).errcode ?? 0) % 256 === BUSY) throw new FileInUse()
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
