/** `posthorn backup` and `posthorn restore`: copy and restore the embedded store, and say what to know about a copy. */
import { join } from 'node:path'
import { StartRefused } from '../base/start-refused.ts'
import type { Config } from '../config/config.ts'
import { findKeyring, KEY_FILE } from '../secrets/key-file.ts'
import { MIGRATIONS } from '../store/migrations/index.ts'
import { backUp, type Copied, CopyRefused, restore } from '../store/sqlite/backup.ts'
import { FolderInUse } from '../store/sqlite/driver.ts'
import { checkCopy } from '../store/sqlite/inspection.ts'
import type { CommandIo } from './command-io.ts'

const MEGABYTE = 1024 * 1024
const NAME_CHARACTERS = 8

/** The settings of a command on a copy of the store. */
export type CopyConfig = Pick<Config, 'data' | 'databaseUrl' | 'encryptionKey' | 'olderEncryptionKeys'> & {
  readonly file: string
}

const USE_POSTGRES =
  'Everything is in PostgreSQL: back it up with its own tools (pg_dump, or base backups and WAL; see docs/backup.md).'

/** Throws StartRefused. */
export async function backUpStore({ data, databaseUrl, file }: CopyConfig, io: CommandIo): Promise<void> {
  if (databaseUrl !== null) throw new StartRefused(USE_POSTGRES)
  const copied = refusing(() => backUp(data, file))
  io.stdout.write(`${file}: ${describe(copied)}\n`)
  io.stderr.write(
    `The backup does NOT contain the encryption key${nameOf(copied)}. Keep a copy of the key (${join(data, KEY_FILE)}, ` +
      'or POSTHORN_ENCRYPTION_KEY), separate from your backups: without the key, the secrets in the backup are lost; ' +
      'anyone who has both can read them.\n',
  )
}

/** Throws StartRefused. */
export async function restoreStore(config: CopyConfig, io: CommandIo): Promise<void> {
  const { data, databaseUrl, file } = config
  if (databaseUrl !== null) throw new StartRefused(USE_POSTGRES)
  const checked = checkCopy(file)
  if (!checked.ok) throw new StartRefused(`${file} cannot be used: ${checked.fault}.`)
  if (checked.schemaVersion > MIGRATIONS.length) {
    const versions = `${file} has schema version ${checked.schemaVersion}, but this Posthorn uses ${MIGRATIONS.length}`
    throw new StartRefused(`${versions}: restore it with the newer Posthorn that wrote it.`)
  }
  // Before anything is written: people would take a wrong key in the folder for the right one.
  const keyring = findKeyring(checked.keyFingerprint, config)
  const copied = refusing(() => restore(file, data))
  io.stdout.write(`${data}: ${describe(copied)}\n`)
  if (keyring === undefined && copied.keyFingerprint !== null) {
    io.stderr.write(
      `The encryption key of this data${nameOf(copied)} is missing: put it into ${join(data, KEY_FILE)} or ` +
        'POSTHORN_ENCRYPTION_KEY before you start serve.\n',
    )
  }
  io.stderr.write(
    'The restored data is as old as the backup. Deliveries that were pending then are sent again, even if they have ' +
      'been delivered since: receivers recognise them by their id. Events accepted since then are missing: publish ' +
      'them again. Tenants erased since then are back: erase them again.\n',
  )
}

const nameOf = ({ keyFingerprint }: Copied): string =>
  keyFingerprint === null ? '' : ` (fingerprint ${keyFingerprint.slice(0, NAME_CHARACTERS)}…)`

function describe({ bytes, schemaVersion }: Copied): string {
  return `complete and checked, ${(bytes / MEGABYTE).toFixed(1)} MiB, schema version ${schemaVersion}`
}

function refusing<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof CopyRefused || error instanceof FolderInUse) {
      throw new StartRefused(error.message, { cause: error })
    }
    throw error
  }
}
