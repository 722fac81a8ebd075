/** Checks that the store exists, is intact and durable, has this version's schema, and has free disk space. */
import { randomBytes } from 'node:crypto'
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { openMode } from '../../base/private-files.ts'
import type { Config } from '../../config/config.ts'
import { MIGRATIONS } from '../../store/migrations/index.ts'
import { isServed } from '../../store/sqlite/inspection.ts'
import { databaseFile, storeFiles } from '../../store/sqlite/private-store.ts'
import { type Finding, fail, ok, warn } from './findings.ts'
import type { LookedAt } from './looked-at.ts'

const MEBIBYTE = 1024 * 1024
const GIBIBYTE = 1024 * MEBIBYTE
/** Larger stores take minutes to read, so they are read only with --full. */
const QUICK_CHECK_BYTES = GIBIBYTE
const LITTLE_ROOM_BYTES = 2 * GIBIBYTE
const NO_ROOM_BYTES = 200 * MEBIBYTE

/** Returns the error code if the folder exists but cannot be read; undefined if it can, or doesn't exist. */
function refusalOf(folder: string): string | undefined {
  try {
    accessSync(folder, constants.R_OK | constants.X_OK)
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? undefined : code
  }
}

/** Checks the folder before the store is opened. Returns a failure if there is nothing to open. */
export function checkFolder({ data }: Config): Finding[] {
  const file = databaseFile(data)
  const unreadable = refusalOf(data)
  if (unreadable !== undefined) {
    return [fail('folder', `${data} cannot be read (${unreadable})`, 'run doctor as the user that serve runs as')]
  }
  if (!existsSync(file)) {
    const remedy = "specify serve's data folder with --data (serve creates it at the first startup)"
    return [fail('store', `${data} contains no Posthorn store`, remedy)]
  }
  const findings = [checkRoom(data), ...checkWritable(data)]
  findings.push(...checkExposure(data))
  const served = isServed(data)
  findings.push(ok('server', served ? 'a server is using this folder' : 'no server is using this folder'))
  return findings
}

/** The key file has a check of its own. */
function checkExposure(data: string): Finding[] {
  const open = [['folder', data] as const, ...storeFiles(data).map(file => ['store file', file] as const)]
  return open.flatMap(([part, path]) => {
    const mode = openMode(path)
    if (mode === null) return []
    const advice = part === 'folder' ? `chmod 700 ${path}` : `chmod 600 ${path}; serve does it at startup`
    return [warn(part, `other users have access to ${path} (mode ${mode})`, advice)]
  })
}

function checkWritable(data: string): Finding[] {
  const file = join(data, `doctor.${randomBytes(4).toString('hex')}`)
  try {
    const handle = openSync(file, 'wx', 0o600)
    writeSync(handle, 'written by posthorn doctor')
    fsyncSync(handle)
    closeSync(handle)
    rmSync(file)
    return [ok('folder', `${data} can be written to and synced`)]
  } catch (error) {
    const remedy = 'check the disk, and the permissions of the user that serve runs as (run doctor as that user)'
    return [fail('folder', `${data} cannot be written to (${(error as Error).message})`, remedy)]
  }
}

function checkRoom(data: string): Finding {
  const { bavail, bsize } = statfsSync(data)
  const free = bavail * bsize
  const says = `${(free / GIBIBYTE).toFixed(1)} GiB free`
  const remedy = 'free some space: on a full disk, no event is accepted (503) and no delivery is settled'
  if (free < NO_ROOM_BYTES) return fail('disk', says, remedy)
  if (free < LITTLE_ROOM_BYTES) return warn('disk', says, remedy)
  return ok('disk', says)
}

export async function checkStore(looked: LookedAt, config: Config, isFull: boolean): Promise<Finding[]> {
  const schema = await checkSchema(looked)
  if (looked.engine === 'sqlite') return [schema, ...checkSqlite(looked, config, isFull)]
  // Without tables, there is nothing to write to.
  return schema.level === 'fail' ? [schema] : [schema, ...(await checkPostgres(looked))]
}

async function checkSchema({ read }: LookedAt): Promise<Finding> {
  const there = (await read('describeTables', {})).some(({ name }) => name === 'meta')
  const found = there ? Number((await read('readMeta', { key: 'schema_version' })) ?? 0) : 0
  const says = `schema version ${found}; this Posthorn uses ${MIGRATIONS.length}`
  if (found === 0) return fail('schema', 'no schema yet', 'run posthorn migrate, or start serve once')
  if (found > MIGRATIONS.length) return fail('schema', says, 'use the newer Posthorn that wrote it')
  if (found < MIGRATIONS.length) return warn('schema', says, 'run posthorn migrate; serve also does this at startup')
  return ok('schema', says)
}

function checkSqlite({ inspection }: LookedAt, { data }: Config, isFull: boolean): Finding[] {
  const file = databaseFile(data)
  const { size } = statSync(file)
  const findings: Finding[] = []
  const journal = inspection!.pragma('journal_mode')
  if (journal !== 'wal') {
    // Serve turns WAL on, if the file system allows it.
    findings.push(
      warn('durability', `the journal mode is ${journal}`, 'start serve once: it turns on a synced write-ahead log'),
    )
  } else findings.push(ok('durability', 'write-ahead log; serve syncs it at each commit'))
  if (size > QUICK_CHECK_BYTES && !isFull) {
    findings.push(
      ok('integrity', `not checked: reading ${(size / GIBIBYTE).toFixed(1)} GiB takes a while (use --full)`),
    )
    return findings
  }
  const found = inspection!.pragma('quick_check(1)')
  const remedy = 'stop serve, keep the folder as it is, and restore the latest backup into another one (docs/backup.md)'
  findings.push(found === 'ok' ? ok('integrity', 'all pages are intact') : fail('integrity', found, remedy))
  return findings
}

async function checkPostgres({ store, read }: LookedAt): Promise<Finding[]> {
  const findings: Finding[] = []
  const { fsync, synchronous_commit: commit, full_page_writes: pages, ssl } = await store!.durability()
  const says = `fsync ${fsync}, synchronous_commit ${commit}, full_page_writes ${pages}`
  const isSafe = fsync === 'on' && commit !== 'off' && pages === 'on'
  findings.push(
    isSafe ? ok('durability', says) : fail('durability', says, 'turn all of them on: otherwise events can be lost'),
  )
  if (ssl === 'off') {
    findings.push(
      warn('connection', 'not encrypted', 'use sslmode=verify-full, unless the connection stays on this machine'),
    )
  }
  try {
    await store!.write('writeMeta', { key: 'doctor_ms', value: String(store!.now()) })
    findings.push(ok('writing', 'the database accepts writes'))
  } catch (error) {
    findings.push(
      fail(
        'writing',
        (error as Error).message,
        'check that it is not a standby, has free space, and grants the role access',
      ),
    )
  }
  const nodes = await read('countNodes', {})
  findings.push(ok('server', nodes === 0 ? 'no node is sending' : `nodes sending: ${nodes}`))
  return findings
}
