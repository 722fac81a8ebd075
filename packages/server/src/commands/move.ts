/** `posthorn move`. */
import { join } from 'node:path'
import { StartRefused } from '../base/start-refused.ts'
import type { Config } from '../config/config.ts'
import { findKeyring, KEY_FILE, KEY_FINGERPRINT } from '../secrets/key-file.ts'
import { openDatabase } from '../server/database-opening.ts'
import { openKeyring } from '../server/instance-keys.ts'
import { type MoveProgress, type MoveSource, moveStore } from '../store/move.ts'
import { openSource } from '../store/sqlite/source.ts'
import type { CommandIo } from './command-io.ts'

/** `data` is moved to `databaseUrl`. The key is the configured one, or else the one in the folder. */
export type MoveConfig = Pick<Config, 'data' | 'encryptionKey' | 'olderEncryptionKeys'> & {
  readonly databaseUrl: Secret
}
type Secret = NonNullable<Config['databaseUrl']>

/** Moves an installation from its data folder to PostgreSQL (store/move.ts). Throws StartRefused. */
export async function moveInstallation(config: MoveConfig, io: CommandIo): Promise<void> {
  const folder = config.data
  const source = refusing(() => openSource(folder))
  try {
    const known = source.meta.find(({ key }) => key === KEY_FINGERPRINT)?.value ?? null
    // Before anything is moved: secrets that no key can decrypt would be useless there.
    const keyring = known === null ? undefined : findKeyring(known, config)
    await moveTo(source, config, io, keyring !== undefined)
    const keysInFolder = config.encryptionKey === null ? (keyring?.fingerprints.length ?? 0) : 0
    io.stderr.write(whatIsLeft(folder, known !== null, keysInFolder))
  } finally {
    source.close()
  }
}

async function moveTo(source: MoveSource, config: MoveConfig, io: CommandIo, hasKey: boolean): Promise<void> {
  const target = await openDatabase(config.databaseUrl, io.clock)
  try {
    await moveStore(source, target, progressLines(io))
    // The same check of the moved data that serve makes.
    if (hasKey) await openKeyring(target, config)
  } catch (error) {
    throw moveRefusal(error)
  } finally {
    await target.close()
  }
}

/** How often progress is reported within a table. */
const TELL_EVERY_MS = 2_000

function progressLines({ stdout, stderr, clock }: CommandIo): (progress: MoveProgress) => void {
  let toldAtMs = clock.monotonicMs()
  return progress => {
    if (progress.kind === 'resumed') return void stderr.write('Resuming a move that was started before.\n')
    const { table, rows } = progress
    if (progress.kind === 'counted') {
      return void stdout.write(`${table}: ${rows} rows in the folder, ${rows} in the database\n`)
    }
    // The end of a table is told with its count, once.
    const nowMs = clock.monotonicMs()
    if (progress.isWhole || nowMs - toldAtMs < TELL_EVERY_MS) return
    toldAtMs = nowMs
    stderr.write(`${table}: ${rows} rows moved so far\n`)
  }
}

function whatIsLeft(folder: string, isKeyed: boolean, keysInFolder: number): string {
  const file = join(folder, KEY_FILE)
  const others = keysInFolder > 1 ? ' (its first line; put the others into POSTHORN_OLDER_ENCRYPTION_KEYS)' : ''
  const key =
    keysInFolder > 0
      ? `the content of ${file}${others}: without it, the moved secrets cannot be decrypted`
      : isKeyed
        ? 'the key that serve was run with on the folder: without it, the moved secrets cannot be decrypted'
        : 'a new key from `openssl rand -base64 32`'
  return (
    'Everything is in the database. Start `posthorn serve` with these variables, the same on every node:\n' +
    '  POSTHORN_DATABASE_URL    the URL of the database\n' +
    `  POSTHORN_ENCRYPTION_KEY  ${key}\n` +
    '  POSTHORN_API_KEY         the key that your callers use (the store has only its hash), or a new one\n' +
    `Don't start serve on ${folder} again: it would send all pending deliveries a second time.\n`
  )
}

const REFUSALS: ReadonlySet<string> = new Set(['MoveRefused', 'FolderInUse', 'StoreTooNew'])

function moveRefusal(error: unknown): unknown {
  const { name, message, cause } = error as Error
  if (REFUSALS.has(name)) return new StartRefused(message, { cause: error })
  if (name !== 'StoreUnavailable') return error
  const why = cause instanceof Error && cause.message !== '' ? `${message}: ${cause.message}` : message
  const remedy = 'the move is not finished: fix this, then run the same command again to resume it'
  return new StartRefused(`${why}; ${remedy}.`, { cause: error })
}

function refusing<T>(open: () => T): T {
  try {
    return open()
  } catch (error) {
    throw moveRefusal(error)
  }
}
