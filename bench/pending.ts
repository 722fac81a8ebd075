/**
 * A store with a very large backlog: deliveries to endpoints that are down, each attempted five times and due in some
 * days. It is filled once, kept for later runs, and copied for each run, since a run adds to it.
 *
 * It is in a subfolder of the system's temporary folder, or of POSTHORN_BENCH_DATA. The subfolder's name contains the
 * number of rows and the schema; stores with another schema, and those that are too old, are deleted.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { constants, copyFileSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { systemClock } from '../packages/server/src/base/clock.ts'
import { DAY_MS } from '../packages/server/src/base/durations.ts'
import { newId } from '../packages/server/src/base/ids.ts'
import { PARTITION_COUNT } from '../packages/server/src/base/model.ts'
import { MIGRATIONS } from '../packages/server/src/store/migrations/index.ts'
import { openSqlite } from '../packages/server/src/store/sqlite/driver.ts'
import { databaseFile } from '../packages/server/src/store/sqlite/private-store.ts'
import { Store } from '../packages/server/src/store/store.ts'
import type { Say } from './definition.ts'
import { EVENT_TYPE, makePayload } from './events.ts'
import { anEndpoint } from './filling.ts'

export const PENDING_ROWS = { full: 5_000_000, short: 500_000 }
/** An event goes to all endpoints of its tenant; otherwise payloads would make the file three times as large. */
const ENDPOINTS_A_TENANT = 10
const TENANTS = 100
export const PENDING_ENDPOINTS = ENDPOINTS_A_TENANT * TENANTS

/** Far enough ahead that nothing becomes due while a filled store is in use. */
const DUE_IN_MS = 30 * DAY_MS
const KEPT_MS = 14 * DAY_MS
const PREFIX = 'posthorn-bench-pending-'

/** Returns the file of a store with this many rows pending; fills it if necessary. Treat the file as read-only. */
export async function pendingStore(rows: number, say: Say): Promise<string> {
  const parent = process.env.POSTHORN_BENCH_DATA ?? tmpdir()
  mkdirSync(parent, { recursive: true })
  const schema = createHash('sha256').update(JSON.stringify(MIGRATIONS)).digest('hex').slice(0, 12)
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(PREFIX)) continue
    const isUsable = name.endsWith(`-${schema}`) && Date.now() - statSync(join(parent, name)).mtimeMs < KEPT_MS
    if (!isUsable) rmSync(join(parent, name), { recursive: true, force: true })
  }
  const folder = join(parent, `${PREFIX}${rows}-${schema}`)
  const isThere = statSync(databaseFile(folder), { throwIfNoEntry: false }) !== undefined
  if (!isThere) {
    say(`filling a store with ${rows} pending deliveries (only once; it is kept in ${folder})`)
    const draft = `${folder}.unfinished`
    rmSync(draft, { recursive: true, force: true })
    const startedAtMs = performance.now()
    await fill(draft, rows)
    renameSync(draft, folder)
    say(`filled in ${Math.round((performance.now() - startedAtMs) / 1_000)} s: ${megabytesOf(folder)} MB`)
  }
  return databaseFile(folder)
}

export const megabytesOf = (folder: string): number => Math.round(statSync(databaseFile(folder)).size / 1e6)

/** Copies the store into a data folder, sharing blocks if the file system can. */
export function copyStore(file: string, data: string): void {
  copyFileSync(file, databaseFile(data), constants.COPYFILE_FICLONE)
}

/** Drops the file from the page cache, as after a reboot. Returns false if the system can't. */
export function dropFromCache(data: string): boolean {
  const file = databaseFile(data)
  try {
    // Pages that are not yet on disk can't be dropped.
    execFileSync('dd', [`of=${file}`, 'conv=notrunc,fdatasync', 'count=0'], { stdio: 'pipe' })
    execFileSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0'], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}

async function fill(folder: string, rows: number): Promise<void> {
  const store = new Store(await openSqlite(folder, systemClock), systemClock)
  try {
    await store.write('migrate', {})
    for (let tenant = 0; tenant < TENANTS; tenant++) {
      await store.write('putTenant', { id: tenantOf(tenant), name: null, metadata: {}, nowMs: 1 })
      const endpoints = Array.from({ length: ENDPOINTS_A_TENANT }, (_, at) => {
        const partition = ((tenant * ENDPOINTS_A_TENANT + at) * 7) % PARTITION_COUNT
        return anEndpoint({ id: newId('ep', Date.now()), tenant: tenantOf(tenant), partition })
      })
      await Promise.all(endpoints.map(endpoint => store.write('createEndpoint', { endpoint })))
    }
  } finally {
    await store.close()
  }
  const database = new DatabaseSync(databaseFile(folder))
  try {
    insertRows(database, rows / ENDPOINTS_A_TENANT)
  } finally {
    database.close()
  }
}

const tenantOf = (at: number): string => `down-${String(at).padStart(4, '0')}`

/** SQL for an id as `base/ids.ts` makes it, for the time `ms`; `tail` gives the last twelve digits. */
const idSql = (ms: number, tail: string): string => `unhex(printf('%012x70008000%012x', ${ms}, ${tail}))`

/**
 * Inserts in SQL and without indexes, which are rebuilt afterwards: row by row through the store takes half an hour.
 */
function insertRows(database: DatabaseSync, events: number): void {
  const nowMs = Date.now()
  const dueMs = nowMs + DUE_IN_MS
  const indexes = database
    .prepare(
      `select name, sql from sqlite_schema where type = 'index' and tbl_name = 'live_delivery' and sql is not null`,
    )
    .all()
  database.exec('pragma synchronous = off; pragma cache_size = -1000000; begin')
  for (const { name } of indexes) database.exec(`drop index ${name}`)
  // In key order: a tenant's events are next to each other.
  const each = `with recursive n(at) as (select 0 union all select at + 1 from n where at < ${events - 1})`
  database.exec(`create temp table made as ${each}
    select printf('down-%04d', at * ${TENANTS} / ${events}) as tenant, at, ${idSql(nowMs, 'at')} as event from n`)
  database
    .prepare(
      `insert into event (tenant, id, type, payload, test, deliveries, created_ms, tenant_version)
       select tenant, event, '${EVENT_TYPE}', cast($payload as blob), 0, ${ENDPOINTS_A_TENANT}, ${nowMs}, 1 from made`,
    )
    .run({ $payload: makePayload(0) })
  database.exec(`create temp table place as
    select id, tenant, partition, row_number() over (partition by tenant order by id) - 1 as at from endpoint`)
  database.exec(`create index temp.place_of on place (tenant, at)`)
  database.exec(
    `insert into live_delivery (tenant, id, endpoint, partition, event, type, state, due_ms, attempts, test, created_ms)
     select m.tenant, ${idSql(nowMs, `m.at * ${ENDPOINTS_A_TENANT} + p.at`)}, p.id, p.partition, m.event, '${EVENT_TYPE}',
       'pending', ${dueMs} + m.at % 1000000, 5, 0, ${nowMs}
     from made m cross join place p where p.tenant = m.tenant order by m.at, p.at`,
  )
  for (const { sql } of indexes) database.exec(String(sql))
  database.exec('commit; drop table temp.made; drop table temp.place; pragma wal_checkpoint(truncate)')
}
