/** `posthorn move`. */
import { join } from 'node:path'
import { Progress } from '@posthorn/cli/progress'
import { ownCommand } from '@posthorn/cli/shell'
import { StartRefused } from '../base/start-refused.ts'
import type { Config } from '../config/config.ts'
import { findKeyring, KEY_FILE, KEY_FINGERPRINT } from '../secrets/key-file.ts'
import { openDatabase } from '../server/database-opening.ts'
import { openKeyring } from '../server/instance-keys.ts'
import { type MoveProgress, type MoveSource, moveStore } from '../store/move.ts'
import { openSource } from '../store/sqlite/source.ts'
import { type LongWorkIo, onInterrupt } from './long-work.ts'

/** `data` is moved to `databaseUrl`. The key is the configured one, or else the one in the folder. */
export type MoveConfig = Pick<Config, 'data' | 'encryptionKey' | 'olderEncryptionKeys'> & {
  readonly databaseUrl: Secret
  /** Whether the URL was given by a flag, so that it has to be given again to resume. */
  readonly hasUrlFlag: boolean
}
type Secret = NonNullable<Config['databaseUrl']>

/** Moves an installation from its data folder to PostgreSQL (store/move.ts). Throws StartRefused. */
export async function moveInstallation(config: MoveConfig, io: LongWorkIo): Promise<void> {
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

async function moveTo(source: MoveSource, config: MoveConfig, io: LongWorkIo, hasKey: boolean): Promise<void> {
  const target = await openDatabase(config.databaseUrl, io.clock)
  using progress = new Progress({ output: io.stderr, clock: io.clock, label: 'Counting', unit: 'rows' })
  onInterrupt(io, progress, () => howToResume(config, io))
  try {
    await moveStore(source, target, tellProgress(progress, io))
    // The same check of the moved data that serve makes.
    if (hasKey) await openKeyring(target, config)
  } catch (error) {
    throw moveRefusal(error)
  } finally {
    await target.close()
  }
}

/** Shows how far the move has come. The counts that it is checked by are its result. */
function tellProgress(progress: Progress, { stdout, stderr }: LongWorkIo): (told: MoveProgress) => void {
  return told => {
    if (told.kind === 'resumed') progress.say('Resuming a move that was started before.')
    else if (told.kind === 'begun') progress.step('Moving', told.rows, told.moved)
    else if (told.kind === 'moved') progress.reach(told.rows)
    else if (told.kind === 'counting') progress.step('Counting what was moved', progress.done)
    else {
      progress.advance(told.rows)
      const line = `${told.table}: ${told.rows} rows in the folder, ${told.rows} in the database`
      if (stdout.isTTY === true && stderr.isTTY === true) progress.hide()
      stdout.write(`${line}\n`)
    }
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

/** Without the database's URL, which has a password in it. */
function howToResume({ data, hasUrlFlag }: MoveConfig, { env }: LongWorkIo): string {
  const command = ownCommand(['move', '--from', data], env)
  const to = hasUrlFlag ? ' --to …' : ''
  return `Stopped. The folder is unchanged, and what is in the database stays. Continue:\n  ${command}${to}\n`
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
