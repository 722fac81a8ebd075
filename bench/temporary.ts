/**
 * Folders for data that a bench reads after the server has ended. They are removed when the bench ends, even by Ctrl-C.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folders = new Set<string>()
process.once('exit', () => {
  for (const path of folders) remove(path)
})

export type TemporaryFolder = { readonly path: string; remove(): void }

export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), 'posthorn-bench-'))
  folders.add(path)
  return {
    path,
    remove() {
      folders.delete(path)
      remove(path)
    },
  }
}

/** Retries, because a server that is shutting down can still write there. */
const remove = (path: string) => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
