/** `posthorn backup` and `posthorn restore`: copy and restore the embedded store, and say what to know about a copy. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { formatBytes, Progress } from '@posthorn/cli/progress'
import { ownCommand } from '@posthorn/cli/shell'
import type { Timer } from '../base/clock.ts'
import { StartRefused } from '../base/start-refused.ts'
import type { Config } from '../config/config.ts'
import { findKeyring, KEY_FILE } from '../secrets/key-file.ts'
import { MIGRATIONS } from '../store/migrations/index.ts'
import { type Copied, CopyRefused } from '../store/sqlite/backup.ts'
import type { CopyJob } from '../store/sqlite/copy-worker.ts'
import { Copying } from '../store/sqlite/copying.ts'
import { type LongWorkIo, onInterrupt } from './long-work.ts'

const MEGABYTE = 1024 * 1024
const NAME_CHARACTERS = 8
const LOOK_EVERY_MS = 200

/** The settings of a command on a copy of the store. */
export type CopyConfig = Pick<Config, 'data' | 'databaseUrl' | 'encryptionKey' | 'olderEncryptionKeys'> & {
  readonly file: string
}

const USE_POSTGRES =
  'Everything is in PostgreSQL: back it up with its own tools (pg_dump, or base backups and WAL; see docs/backup.md).'

/** Throws StartRefused. */
export async function backUpStore({ data, databaseUrl, file }: CopyConfig, io: LongWorkIo): Promise<void> {
  if (databaseUrl !== null) throw new StartRefused(USE_POSTGRES)
  const command = ownCommand(['backup', file, '--data', data], io.env)
  using work = new ShownCopy(io, `Stopped: there is no backup, and nothing is left of it. Start again:\n  ${command}\n`)
  const copied = await work.run({ does: 'back up', folder: data, file })
  work.end()
  io.stdout.write(`${file}: ${describe(copied)}\n`)
  io.stderr.write(
    `The backup does NOT contain the encryption key${nameOf(copied)}. Keep a copy of the key (${join(data, KEY_FILE)}, ` +
      'or POSTHORN_ENCRYPTION_KEY), separate from your backups: without the key, the secrets in the backup are lost; ' +
      'anyone who has both can read them.\n',
  )
}

/** Throws StartRefused. */
export async function restoreStore(config: CopyConfig, io: LongWorkIo): Promise<void> {
  const { data, databaseUrl, file } = config
  if (databaseUrl !== null) throw new StartRefused(USE_POSTGRES)
  const command = ownCommand(['restore', file, '--data', data], io.env)
  using work = new ShownCopy(io, `Stopped: nothing is restored. Start again:\n  ${command}\n`)
  const checked = await work.run({ does: 'check', file })
  if (checked.schemaVersion > MIGRATIONS.length) {
    const versions = `${file} has schema version ${checked.schemaVersion}, but this Posthorn uses ${MIGRATIONS.length}`
    throw new StartRefused(`${versions}: restore it with the newer Posthorn that wrote it.`)
  }
  // Before anything is written: people would take a wrong key in the folder for the right one.
  const keyring = findKeyring(checked.keyFingerprint, config)
  const copied = await work.run({ does: 'restore', folder: data, file, copy: checked })
  work.end()
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

/** A copy whose progress is shown, by the size of the file that is written. */
class ShownCopy {
  readonly #copying = new Copying()
  readonly #progress: Progress
  readonly #io: LongWorkIo

  /** @param stopped what to say if it is interrupted */
  constructor(io: LongWorkIo, stopped: string) {
    this.#io = io
    this.#progress = new Progress({ output: io.stderr, clock: io.clock, label: 'Starting', unit: 'bytes' })
    onInterrupt(io, this.#progress, () => {
      this.#copying.removeDraft()
      return stopped
    })
  }

  /** Throws StartRefused. */
  async run(job: CopyJob): Promise<Copied> {
    let looking: Timer | undefined
    const look = (file: string) => {
      looking = this.#io.clock.after(LOOK_EVERY_MS, () => {
        this.#progress.reach(statSync(file, { throwIfNoEntry: false })?.size ?? 0)
        look(file)
      })
    }
    try {
      return await this.#copying.run(job, ({ does, file, bytes }) => {
        looking?.cancel()
        if (does === 'checking') return this.#progress.step(`Checking all of the ${formatBytes(bytes)}`)
        this.#progress.step('Copying', bytes)
        look(file)
      })
    } catch (error) {
      if (error instanceof CopyRefused) throw new StartRefused(error.message, { cause: error })
      throw error
    } finally {
      looking?.cancel()
    }
  }

  end(): void {
    this.#progress.end()
  }

  [Symbol.dispose](): void {
    this.end()
  }
}
