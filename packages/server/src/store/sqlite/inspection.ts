/** Read-only access to an embedded store, even while a server is running on it. */
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { OperationCall } from '../driver.ts'
import type { Arguments, ReadName, Result } from '../operations/index.ts'
import { runOperation } from '../run-operation.ts'
import { SqliteConnection } from './connection.ts'
import { sqliteDialect } from './dialect.ts'
import { FolderInUse, lockFolder } from './driver.ts'

export type Inspection = {
  read<Name extends ReadName>(name: Name, args: Arguments<Name>): Promise<Result<Name>>
  pragma(name: string): string
  close(): void
}

/** Throws StoreUnavailable. */
export function inspect(file: string): Inspection {
  const connection = new SqliteConnection(file, true)
  return {
    async read<Name extends ReadName>(name: Name, args: Arguments<Name>) {
      return connection.transact('begin', () =>
        runOperation({ name, args } as OperationCall, sqliteDialect),
      ) as Result<Name>
    },
    pragma: name => connection.pragma(name),
    close: () => connection.close(),
  }
}

/** Whether a process holds the folder. Finds out by taking the lock for a moment. */
export function isServed(folder: string): boolean {
  try {
    lockFolder(folder).close()
    return false
  } catch (error) {
    if (error instanceof FolderInUse) return true
    throw error
  }
}

/** The result of checking a file that should be a complete copy of a store. `fault` says in a clause what is wrong. */
export type CheckedCopy =
  | {
      readonly ok: true
      readonly schemaVersion: number
      /** The encryption key's fingerprint. Null: nothing has been encrypted yet. */
      readonly keyFingerprint: string | null
    }
  | { readonly ok: false; readonly fault: string }

/** Reads the whole file: checks every page, and every index against its table. */
export function checkCopy(file: string): CheckedCopy {
  if (!existsSync(file)) return { ok: false, fault: 'it does not exist' }
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { readOnly: true })
    const faults = database.prepare('pragma integrity_check(3)').all()
    const [first] = faults.map(row => String(row.integrity_check))
    if (first !== 'ok') return { ok: false, fault: `it is damaged (${first})` }
    const meta = new Map(
      database
        .prepare('select key, value from meta')
        .all()
        .map(row => [String(row.key), String(row.value)]),
    )
    const schemaVersion = Number(meta.get('schema_version') ?? 0)
    if (schemaVersion === 0) return { ok: false, fault: 'it is not a Posthorn store' }
    return { ok: true, schemaVersion, keyFingerprint: meta.get('encryption_key_fingerprint') ?? null }
  } catch (error) {
    return { ok: false, fault: `it is not a complete Posthorn store (${(error as Error).message})` }
  } finally {
    database?.close()
  }
}
