/** What other users of the machine can open in the data folder, and how to close it. */
import { join } from 'node:path'
import { closeToOthers, openMode } from '../base/private-files.ts'
import { KEY_FILE } from '../secrets/key-file.ts'
import { storeFiles } from '../store/sqlite/private-store.ts'

/** Something that other users have access to, and its mode, such as `0644`. */
export type Exposed = { readonly path: string; readonly mode: string; readonly isFolder: boolean }

export function findExposed(folder: string): Exposed[] {
  const files = [...storeFiles(folder), join(folder, KEY_FILE)]
  return [folder, ...files].flatMap((path, index) => {
    const mode = openMode(path)
    return mode === null ? [] : [{ path, mode, isFolder: index === 0 }]
  })
}

/** Closes what is a file. The folder's mode is the operator's choice. Returns whether it is closed now. */
export function closeExposed({ path, isFolder }: Exposed): boolean {
  if (!isFolder) closeToOthers(path)
  return openMode(path) === null
}
