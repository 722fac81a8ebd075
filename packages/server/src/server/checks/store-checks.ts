/** Checks that the store exists, is intact and durable, has this version's schema, and has free disk space. */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, open, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { type Finding, fail, ok, warn } from '../../base/findings.ts'
import { openMode } from '../../base/private-files.ts'
import type { Config } from '../../config/config.ts'
import { MIGRATIONS } from '../../store/migrations/index.ts'
import { databaseFile, storeFiles } from '../../store/sqlite/private-store.ts'
import { closeFile, closeFolder, onStore, turnOn } from './commands.ts'
import type { CheckedStore, Installation } from './installation.ts'

const MEBIBYTE = 1024 * 1024
const GIBIBYTE = 1024 * MEBIBYTE
const LITTLE_ROOM_BYTES = 2 * GIBIBYTE
const NO_ROOM_BYTES = 200 * MEBIBYTE

/** Checks the folder before the store is opened. Returns a failure of the part `store` if there is nothing to open. */
export async function checkFolder({ data }: Config): Promise<Finding[]> {
  const unreadable = await refusalOf(data, constants.R_OK | constants.X_OK)
  if (unreadable !== undefined && unreadable !== 'ENOENT') {
    return [fail('folder', `${data} cannot be read (${unreadable})`, 'run doctor as the user that serve runs as')]
  }
  if ((await refusalOf(databaseFile(data), constants.F_OK)) !== undefined) {
    const remedy = "specify serve's data folder with --data (serve creates it at the first startup)"
    return [fail('store', `${data} contains no Posthorn store`, remedy)]
  }
  return [await checkRoom(data), ...(await checkWritable(data)), ...checkExposure(data)]
}

/** The error code if the file or folder can't be used in this way. Undefined if it can. */
async function refusalOf(path: string, mode: number): Promise<string | undefined> {
  try {
    await access(path, mode)
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

/** The key file has a check of its own. */
function checkExposure(data: string): Finding[] {
  const open = [['folder', data] as const, ...storeFiles(data).map(file => ['store file', file] as const)]
  return open.flatMap(([part, path]) => {
    const mode = openMode(path)
    if (mode === null) return []
    const [advice, command] =
      part === 'folder'
        ? [`chmod 700 ${path}`, closeFolder(path)]
        : [`chmod 600 ${path}; serve does it at startup`, closeFile(path)]
    return [warn(part, `other users have access to ${path} (mode ${mode})`, advice, command)]
  })
}

async function checkWritable(data: string): Promise<Finding[]> {
  const file = join(data, `doctor.${randomBytes(4).toString('hex')}`)
  try {
    await writeSynced(file, 'written by posthorn doctor')
    return [ok('folder', `${data} can be written to and synced`)]
  } catch (error) {
    const remedy = 'check the disk, and the permissions of the user that serve runs as (run doctor as that user)'
    return [fail('folder', `${data} cannot be written to (${(error as Error).message})`, remedy)]
  }
}

/** Writes a file and removes it again, even if it can't be written to the end. */
async function writeSynced(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
    await rm(file)
  }
}

async function checkRoom(data: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(data)
  const free = bavail * bsize
  const says = `${(free / GIBIBYTE).toFixed(1)} GiB free`
  const remedy = 'free some space: on a full disk, no event is accepted (503) and no delivery is settled'
  if (free < NO_ROOM_BYTES) return fail('disk', says, remedy)
  if (free < LITTLE_ROOM_BYTES) return warn('disk', says, remedy)
  return ok('disk', says)
}

export async function checkSchema({ store: { read }, config }: Installation): Promise<Finding> {
  const there = (await read('describeTables', {})).some(({ name }) => name === 'meta')
  const found = there ? Number((await read('readMeta', { key: 'schema_version' })) ?? 0) : 0
  const says = `schema version ${found}; this Posthorn uses ${MIGRATIONS.length}`
  const migrate = onStore(['migrate'], config)
  if (found === 0) return fail('schema', 'no schema yet', 'run posthorn migrate, or start serve once', migrate)
  if (found > MIGRATIONS.length) return fail('schema', says, 'use the newer Posthorn that wrote it')
  if (found < MIGRATIONS.length)
    return warn('schema', says, 'run posthorn migrate; serve also does this at startup', migrate)
  return ok('schema', says)
}

export function checkDurability({ store, config }: Installation): Promise<Finding[]> {
  return store.engine === 'sqlite' ? checkJournal(store, config) : checkSyncing(store)
}

async function checkJournal(store: CheckedStore, config: Config): Promise<Finding[]> {
  const { journal_mode: journal } = await store.durability()
  if (journal === 'wal') return [ok('durability', 'write-ahead log; serve syncs it at each commit')]
  // Serve turns WAL on, if the file system allows it.
  const remedy = 'start serve once: it turns on a synced write-ahead log'
  return [warn('durability', `the journal mode is ${journal}`, remedy, onStore(['serve'], config))]
}

async function checkSyncing(store: CheckedStore): Promise<Finding[]> {
  const { fsync, synchronous_commit: commit, full_page_writes: pages, ssl } = await store.durability()
  const says = `fsync ${fsync}, synchronous_commit ${commit}, full_page_writes ${pages}`
  const remedy = 'turn all of them on: otherwise events can be lost'
  const off = [
    ...(fsync === 'on' ? [] : ['fsync']),
    ...(commit === 'off' ? ['synchronous_commit'] : []),
    ...(pages === 'on' ? [] : ['full_page_writes']),
  ]
  const isSafe = off.length === 0
  const findings = [isSafe ? ok('durability', says) : fail('durability', says, remedy, turnOn(off))]
  if (ssl === 'off') {
    findings.push(
      warn('connection', 'not encrypted', 'use sslmode=verify-full, unless the connection stays on this machine'),
    )
  }
  return findings
}

/** PostgreSQL checks its pages itself, if it was created with checksums. */
export async function checkIntegrity(installation: Installation): Promise<Finding[]> {
  const { store, config, isFull, maxPagesBytes } = installation
  if (store.engine === 'postgres') return []
  const { size } = await stat(databaseFile(config.data))
  if (size > maxPagesBytes && !isFull) {
    const how = 'use posthorn doctor --full'
    return [ok('integrity', `not checked: reading ${(size / GIBIBYTE).toFixed(1)} GiB takes a while (${how})`)]
  }
  const found = await store.checkPages()
  const remedy = 'stop serve, keep the folder as it is, and restore the latest backup into another one (docs/backup.md)'
  return [found === 'ok' ? ok('integrity', 'all pages are intact') : fail('integrity', found, remedy)]
}

/** An embedded store is tried by writing to its folder. */
export async function checkWriting({ store }: Installation): Promise<Finding[]> {
  if (store.engine === 'sqlite') return []
  try {
    await store.tryWriting()
    return [ok('writing', 'the database accepts writes')]
  } catch (error) {
    const remedy = 'check that it is not a standby, has free space, and grants the role access'
    return [fail('writing', (error as Error).message, remedy)]
  }
}
