/** Files that only the user who runs Posthorn can open, whatever the folder and the process's umask allow. */
import { chmodSync, closeSync, lstatSync, openSync, type Stats, statSync } from 'node:fs'

/** Rights of the group and of all other users. */
const OTHERS = 0o077
const PRIVATE_MODE = 0o600

/**
 * The mode of a file or folder, such as `0644`, if users other than its owner have any access to it. Null if they have
 * none, if there is no such file, or if the system has no such modes. Follows symbolic links.
 */
export function openMode(path: string): string | null {
  const found = statOf(() => statSync(path))
  if (process.platform === 'win32' || found === undefined || (found.mode & OTHERS) === 0) return null
  return `0${(found.mode & 0o777).toString(8)}`
}

/** Creates an empty file that only this user can open, unless there is a file already. */
export function createPrivate(path: string): void {
  try {
    // Never opens an existing one: closing it again would drop the locks that SQLite has on it in this process.
    closeSync(openSync(path, 'wx', PRIVATE_MODE))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/**
 * Closes a file to others, if it exists. Leaves a symbolic link alone, because the file behind it has its mode for a
 * reason of its own, and a file of another owner, because it can't be closed. `openMode` tells of both.
 */
export function closeToOthers(path: string): void {
  const found = statOf(() => lstatSync(path))
  if (found === undefined || !found.isFile() || (found.mode & OTHERS) === 0) return
  try {
    chmodSync(path, PRIVATE_MODE)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EPERM' && code !== 'EROFS' && code !== 'ENOENT') throw error
  }
}

function statOf(stat: () => Stats): Stats | undefined {
  try {
    return stat()
  } catch {
    return undefined
  }
}
