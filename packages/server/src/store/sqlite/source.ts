/** An embedded store that is read to be moved elsewhere. Its folder stays locked, so that nothing in it changes. */
import { existsSync } from 'node:fs'
import { MIGRATIONS } from '../migrations/index.ts'
import { type MoveSource, sourceDigest } from '../move.ts'
import { listMeta } from '../operations/meta.ts'
import { behindKey, countRows, describeTables, MoveRefused, type TableShape } from '../operations/move.ts'
import type { Row, Transaction, Value } from '../transaction.ts'
import { SqliteConnection } from './connection.ts'
import { sqliteDialect } from './dialect.ts'
import { lockFolder } from './driver.ts'
import { databaseFile } from './private-store.ts'

/** Throws MoveRefused, FolderInUse, StoreUnavailable. */
export function openSource(folder: string): MoveSource {
  const file = databaseFile(folder)
  // Before the lock, which would leave its file in a folder that isn't ours.
  if (!existsSync(file)) {
    throw new MoveRefused(
      `There is no Posthorn store in ${folder} (${file} does not exist): specify the data folder that serve used.`,
    )
  }
  const lock = lockFolder(folder)
  let connection: SqliteConnection | undefined
  try {
    connection = new SqliteConnection(file, true)
    return readingFrom(connection, folder, () => {
      connection?.close()
      lock.close()
    })
  } catch (error) {
    connection?.close()
    lock.close()
    throw error
  }
}

function readingFrom(connection: SqliteConnection, folder: string, close: () => void): MoveSource {
  const read = <Result>(run: () => Transaction<Result>): Result => connection.transact('begin', run)
  const tables = read(() => describeTables({}, sqliteDialect))
  const meta = tables.some(({ name }) => name === 'meta') ? read(listMeta) : []
  requireSchema(meta, folder)
  return {
    tables,
    meta,
    digest: read(() => sourceDigest(meta, tables)),
    *rows(table: TableShape, after: readonly Value[] | null): Generator<Row> {
      const behind = after === null ? '' : `where ${behindKey(table.key)}`
      const names = table.columns.map(([name]) => name).join(', ')
      const text = `select ${names} from ${table.name} ${behind} order by ${table.key.join(', ')}`
      yield* connection.stream(text, after ?? [])
    },
    count: (table, after, limit) => read(() => countRows({ table: table.name, key: table.key, after, limit })),
    close,
  }
}

function requireSchema(meta: MoveSource['meta'], folder: string): void {
  const found = Number(meta.find(({ key }) => key === 'schema_version')?.value ?? 0)
  if (found === MIGRATIONS.length) return
  const remedy =
    found < MIGRATIONS.length
      ? `migrate it with \`posthorn migrate --data ${folder}\` first`
      : 'move it with the newer Posthorn that wrote it'
  throw new MoveRefused(
    `${folder} has schema version ${found}, but this Posthorn needs version ${MIGRATIONS.length}: ${remedy}.`,
  )
}
