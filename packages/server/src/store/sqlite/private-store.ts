import { join } from 'node:path'
import { closeToOthers, createPrivate } from '../../base/private-files.ts'

/** The path of the embedded store in its folder. */
export const databaseFile = (folder: string): string => join(folder, 'posthorn.db')

/** The file whose lock says that a process uses the folder. */
export const lockFile = (folder: string): string => join(folder, 'lock.db')

/** The file, and those that SQLite keeps next to it: each gets the file's mode when SQLite creates it. */
const withSides = (file: string): string[] => [file, `${file}-wal`, `${file}-shm`, `${file}-journal`]

/** Paths of all files that the store can have in its folder. */
export const storeFiles = (folder: string): string[] => [
  ...withSides(databaseFile(folder)),
  ...withSides(lockFile(folder)),
]

/**
 * Creates the store's file for this user only, before SQLite would create one that the umask leaves open, and closes
 * those that exist.
 */
export function makeStorePrivate(folder: string): void {
  createPrivate(databaseFile(folder))
  for (const file of storeFiles(folder)) closeToOthers(file)
}
