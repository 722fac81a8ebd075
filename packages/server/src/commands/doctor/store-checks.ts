/** Is the store there, sound, durable, of this version, and is there room for it? */
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
import type { Config } from '../../config/config.ts'
import { MIGRATIONS } from '../../store/migrations/index.ts'
import { databaseFile } from '../../store/sqlite/driver.ts'
import { isServed } from '../../store/sqlite/inspection.ts'
import { type Finding, fail, ok, warn } from './findings.ts'
import type { LookedAt } from './looked-at.ts'

const MEBIBYTE = 1024 * 1024
const GIBIBYTE = 1024 * MEBIBYTE
/** Larger ones take minutes to read through: only if that is asked for. */
const QUICK_CHECK_BYTES = GIBIBYTE
const LITTLE_ROOM_BYTES = 2 * GIBIBYTE
const NO_ROOM_BYTES = 200 * MEBIBYTE
const OTHERS = 0o077

/** Why the folder can't be read though it may be there; undefined: it can, or isn't there. */
function refusalOf(folder: string): string | undefined {
  try {
    accessSync(folder, constants.R_OK | constants.X_OK)
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? undefined : code
  }
}

/** Before anything is opened. Ends with a failure if there is nothing to be opened. */
export function checkFolder({ data }: Config): Finding[] {
  const file = databaseFile(data)
  const unreadable = refusalOf(data)
  if (unreadable !== undefined) {
    return [fail('folder', `${data} can't be looked into (${unreadable})`, 'run this as the user that serve runs as')]
  }
  if (!existsSync(file)) {
    const remedy = 'name the folder that serve is run on with --data; a new one is made by serve itself'
    return [fail('store', `there is no Posthorn in ${data}`, remedy)]
  }
  const findings = [checkRoom(data), ...checkWritable(data)]
  const { mode } = statSync(data)
  if ((mode & OTHERS) !== 0) {
    findings.push(warn('folder', `others can look into ${data}`, `chmod 700 ${data}`))
  }
  const served = isServed(data)
  findings.push(ok('server', served ? 'one is running on this folder' : 'none is running on this folder'))
  return findings
}

function checkWritable(data: string): Finding[] {
  const file = join(data, `doctor.${randomBytes(4).toString('hex')}`)
  try {
    const handle = openSync(file, 'wx', 0o600)
    writeSync(handle, 'written by posthorn doctor')
    fsyncSync(handle)
    closeSync(handle)
    rmSync(file)
    return [ok('folder', `${data} can be written to, and syncs`)]
  } catch (error) {
    const remedy = 'see to the disk, or to the rights of the user that serve runs as (run doctor as that user)'
    return [fail('folder', `${data} can not be written to (${(error as Error).message})`, remedy)]
  }
}

function checkRoom(data: string): Finding {
  const { bavail, bsize } = statfsSync(data)
  const free = bavail * bsize
  const says = `${(free / GIBIBYTE).toFixed(1)} GiB free`
  const remedy = 'make room: without any, nothing is accepted (503) and nothing is settled'
  if (free < NO_ROOM_BYTES) return fail('disk', says, remedy)
  if (free < LITTLE_ROOM_BYTES) return warn('disk', says, remedy)
  return ok('disk', says)
}

export async function checkStore(looked: LookedAt, config: Config, isFull: boolean): Promise<Finding[]> {
  const schema = await checkSchema(looked)
  if (looked.engine === 'sqlite') return [schema, ...checkSqlite(looked, config, isFull)]
  // Without tables there is nothing to write to.
  return schema.level === 'fail' ? [schema] : [schema, ...(await checkPostgres(looked))]
}

async function checkSchema({ read }: LookedAt): Promise<Finding> {
  const there = (await read('describeTables', {})).some(({ name }) => name === 'meta')
  const found = there ? Number((await read('readMeta', { key: 'schema_version' })) ?? 0) : 0
  const says = `schema version ${found}, this Posthorn has ${MIGRATIONS.length}`
  if (found === 0) return fail('schema', 'there is no schema yet', 'run posthorn migrate, or start serve once')
  if (found > MIGRATIONS.length) return fail('schema', says, 'use the newer Posthorn that wrote it')
  if (found < MIGRATIONS.length) return warn('schema', says, 'run posthorn migrate; serve does it at its start, too')
  return ok('schema', says)
}

function checkSqlite({ inspection }: LookedAt, { data }: Config, isFull: boolean): Finding[] {
  const file = databaseFile(data)
  const { size } = statSync(file)
  const findings: Finding[] = []
  const journal = inspection!.pragma('journal_mode')
  if (journal !== 'wal') {
    // Serve itself turns it on, where the disk lets it; a copy just restored hasn't it yet.
    findings.push(
      warn('durability', `the journal is ${journal}`, 'start serve once: it uses a write-ahead log, synced'),
    )
  } else findings.push(ok('durability', 'write-ahead log; serve syncs it at each commit'))
  if (size > QUICK_CHECK_BYTES && !isFull) {
    findings.push(ok('integrity', `not checked: ${(size / GIBIBYTE).toFixed(1)} GiB take a while (--full does it)`))
    return findings
  }
  const found = inspection!.pragma('quick_check(1)')
  const remedy = 'stop serve, keep the folder as it is, and restore the newest backup into another (docs/backup.md)'
  findings.push(found === 'ok' ? ok('integrity', 'every page is sound') : fail('integrity', found, remedy))
  return findings
}

async function checkPostgres({ store, read }: LookedAt): Promise<Finding[]> {
  const findings: Finding[] = []
  const { fsync, synchronous_commit: commit, full_page_writes: pages, ssl } = await store!.durability()
  const says = `fsync ${fsync}, synchronous_commit ${commit}, full_page_writes ${pages}`
  const isSafe = fsync === 'on' && commit !== 'off' && pages === 'on'
  findings.push(isSafe ? ok('durability', says) : fail('durability', says, 'turn each of them on: events can be lost'))
  if (ssl === 'off') {
    findings.push(warn('connection', 'it is not encrypted', 'use sslmode=verify-full, unless it stays on this machine'))
  }
  try {
    await store!.write('writeMeta', { key: 'doctor_ms', value: String(store!.now()) })
    findings.push(ok('writing', 'the database takes writes'))
  } catch (error) {
    findings.push(
      fail('writing', (error as Error).message, 'see that it is no standby, has room, and the role its rights'),
    )
  }
  const nodes = await read('countNodes', {})
  findings.push(ok('server', nodes === 0 ? 'no node sends just now' : `${nodes} nodes send`))
  return findings
}
