import { existsSync, mkdirSync, opendirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Creates a folder with its missing parents, readable by this user only. Node's own recursive creation never returns
 * where a parent exists that takes no new folders, such as /proc.
 */
export function makeFolder(path: string): void {
  const missing: string[] = []
  for (let folder = resolve(path); !existsSync(folder); folder = dirname(folder)) missing.unshift(folder)
  for (const folder of missing) {
    try {
      mkdirSync(folder, { mode: 0o700 })
    } catch (error) {
      // Another process may have created it in the meantime.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
  // Throws if the path is a file.
  opendirSync(path).closeSync()
}
