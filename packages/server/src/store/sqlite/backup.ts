/**
 * Backups of an embedded store: created while it is in use, and restored. A copy gets its name once it is complete and
 * on disk, so a file with that name is a usable copy; what a crash leaves behind has another name.
 */
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { lockFolder } from './driver.ts'
import { type CheckedCopy, checkCopy } from './inspection.ts'
import { makeFolder } from './make-folder.ts'
import { databaseFile } from './private-store.ts'

/** The copy can't be created or restored as things stand. The message is for the operator. */
export class CopyRefused extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CopyRefused'
  }
}

/** What is being done with a file. Its size, in bytes, is about `bytes` in the end. */
export type CopyStep = { readonly does: 'copying' | 'checking'; readonly file: string; readonly bytes: number }
export type TellStep = (step: CopyStep) => void

export type Copied = Extract<CheckedCopy, { ok: true }> & { readonly bytes: number }

/**
 * Copies the store in a folder to a new file, as it is at one moment, whatever is written in the meantime. The server
 * keeps running. The copy is checked before it gets its name. Throws CopyRefused.
 */
export function backUp(folder: string, file: string, tell: TellStep): Copied {
  const source = databaseFile(folder)
  if (!existsSync(source)) {
    throw new CopyRefused(
      `There is no Posthorn store in ${folder} (${source} does not exist): specify the data folder with --data.`,
    )
  }
  requireFree(file)
  return withDraft(file, draft => {
    // One statement, so one snapshot. Copying page by page would start over at each commit of the server.
    const database = new DatabaseSync(source, { readOnly: true })
    try {
      database.exec('pragma busy_timeout = 5000')
      tell({ does: 'copying', file: draft, bytes: sizeOfContent(database) })
      database.prepare('vacuum into ?').run(draft)
    } finally {
      database.close()
    }
    return checkWhole(draft, tell)
  })
}

/**
 * Puts a copy into a folder that has no store. Clears nodes and leases, so that the server that was running when the
 * copy was created is not taken for one that crashed. Throws CopyRefused, FolderInUse.
 *
 * @param copy what `checkWhole` has found
 */
export function restore(file: string, folder: string, copy: Copied, tell: TellStep): Copied {
  makeFolder(folder)
  const target = databaseFile(folder)
  const lock = lockFolder(folder)
  try {
    for (const each of [target, `${target}-wal`]) {
      if (!existsSync(each)) continue
      throw new CopyRefused(`${folder} already contains a store (${each}): move the store, or choose another folder.`)
    }
    return withDraft(target, draft => {
      tell({ does: 'copying', file: draft, bytes: copy.bytes })
      copyFileSync(file, draft)
      chmodSync(draft, 0o600)
      const database = new DatabaseSync(draft)
      try {
        database.exec('update partition_lease set owner = null, expires_ms = 0; delete from node')
        // As serve leaves it: a copy has no write-ahead log, whatever the store had that it was made from.
        database.exec('pragma journal_mode = wal')
      } finally {
        database.close()
      }
      return copy
    })
  } finally {
    lock.close()
  }
}

function requireFree(file: string): void {
  if (existsSync(file)) throw new CopyRefused(`${file} already exists: choose another file name, or move the file.`)
}

/** Reads a whole copy. Throws CopyRefused if it can't be used. */
export function checkWhole(file: string, tell: TellStep): Copied {
  const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  tell({ does: 'checking', file, bytes })
  const checked = checkCopy(file)
  if (!checked.ok) throw new CopyRefused(`${file} cannot be used: ${checked.fault}.`)
  return { ...checked, bytes }
}

/** A copy has no free pages. */
function sizeOfContent(database: DatabaseSync): number {
  const [pages, free, size] = ['page_count', 'freelist_count', 'page_size'].map(name =>
    Number(Object.values(database.prepare(`pragma ${name}`).get()!)[0]),
  )
  return (pages! - free!) * size!
}

/** Fills a file under another name, syncs it to disk, and gives it its name unless that has been taken by then. */
function withDraft(file: string, fill: (draft: string) => Copied): Copied {
  const draft = `${file}.${randomBytes(4).toString('hex')}.unfinished`
  try {
    closeSync(openSync(draft, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600))
    const copied = fill(draft)
    sync(draft)
    // Unlike a rename, it fails if the name is taken.
    linkSync(draft, file)
    rmSync(draft)
    sync(dirname(file))
    return copied
  } catch (error) {
    rmSync(draft, { force: true })
    if (error instanceof CopyRefused) throw error
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') requireFree(file)
    throw new CopyRefused(
      `The copy ${file} could not be created (${(error as Error).message}): fix the cause and try again.`,
      {
        cause: error,
      },
    )
  }
}

function sync(path: string): void {
  const handle = openSync(path, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
