/** Folders for what a bench looks at after the server has ended; they are gone when the bench ends, by Ctrl-C too. */
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

/** A server that is just ending may still write there: hence the retries. */
const remove = (path: string) => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
