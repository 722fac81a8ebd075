/**
 * B10: bytes on disk per delivered event with a payload of 200 bytes, including indexes. Events are published to the
 * real server and delivered to a real receiver; then the server is stopped, and the store's size is compared with that
 * of a store without events. On SQLite the measure is the size after `vacuum`; the size after only a checkpoint is
 * shown as well. On PostgreSQL it is what the second half of the events adds, with plain vacuums before and after: by
 * then the indexes of live deliveries have reached their peak size, and that space is reused however many events
 * follow. The size of all events, and what `vacuum full` leaves of it, is shown as well.
 */
import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { databaseFile } from '../packages/server/src/store/sqlite/private-store.ts'
import type { Bench, RunOptions, Say } from './definition.ts'
import { makePayload } from './events.ts'
import type { BenchResult } from './result.ts'
import { BATCH_SIZE, deliverBatches, startSetting } from './setting.ts'
import { summarise } from './statistics.ts'
import { temporaryFolder } from './temporary.ts'

const GOALS = { SQLite: 600, PostgreSQL: 900 }
const FULL_EVENTS = 50_000
const SHORT_EVENTS = 10_000

/** Bytes, in total and by table and index. */
type Sizes = { readonly total: number; readonly of: ReadonlyMap<string, number> }
/** Sizes after a checkpoint or plain vacuum (`kept`), and after `vacuum` or `vacuum full` rewrote the store. */
type Taken = { readonly kept: Sizes; readonly rewritten: Sizes }
type Engine = keyof typeof GOALS

export const diskBytes: Bench = {
  id: 'B10',
  name: 'disk-bytes',
  summary: 'bytes on disk per delivered event, on SQLite and on PostgreSQL',
  run: runBench,
}

async function runBench({ short, profileFolder }: RunOptions, say: Say): Promise<BenchResult> {
  const events = short ? SHORT_EVENTS : FULL_EVENTS
  const payloadBytes = Buffer.byteLength(makePayload(0))
  say(`${diskBytes.id}: ${events} events with a payload of ${payloadBytes} bytes, delivered to one endpoint`)
  const storeSqlite = (count: number) => storeInSqlite(count, profileFolder)
  const sqlite = perEvent(events, await storeSqlite(0), await storeSqlite(events))
  sayParts(say, 'SQLite', sqlite)
  const [empty, filled] = [await storeInPostgres(0), await storeInPostgres(events)]
  const postgres = perEvent(events, empty, filled)
  sayParts(say, 'PostgreSQL', postgres)
  const further = (filled.kept.total - filled.firstHalf.total) / (events / 2)
  say(`PostgreSQL: each event of the second half added ${further.toFixed(0)} bytes (plain vacuum before and after)`)
  return {
    id: diskBytes.id,
    title: 'Bytes on disk per delivered event, including indexes',
    measures: [
      toMeasure('SQLite', 'SQLite, after vacuum', sqlite.rewritten.total),
      toMeasure('PostgreSQL', 'PostgreSQL, per additional event', further),
    ],
    bars: [
      bars('Total', {
        'SQLite, vacuum': sqlite.rewritten.total,
        'SQLite, checkpoint': sqlite.kept.total,
        'PostgreSQL, second half, vacuum': further,
        'PostgreSQL, all, vacuum': postgres.kept.total,
        'PostgreSQL, all, vacuum full': postgres.rewritten.total,
      }),
      bars('SQLite, after vacuum', Object.fromEntries(sqlite.rewritten.of)),
      bars('PostgreSQL, after vacuum', Object.fromEntries(postgres.kept.of)),
    ],
    setup: { events, payloadBytes, batchSize: BATCH_SIZE, endpoints: 1 },
    notes: [
      'On SQLite the measure is the size after vacuum; after only a checkpoint some pages are less full. On PostgreSQL it is what each event of the second half adds, after plain vacuums: the peak space of the indexes of live deliveries stays allocated and is reused, so later events do not need it again.',
      "The recorded responses are a status and the receiver's three headers. Anything else that a receiver sends is stored too and adds to these figures.",
    ],
  }
}

const toMeasure = (engine: Engine, name: string, value: number) =>
  ({ name, unit: 'bytes', value, goal: GOALS[engine], bound: 'atMost' }) as const

const bars = (name: string, values: Record<string, number>) => ({
  name,
  unit: 'bytes an event',
  bars: Object.entries(values).map(([barName, value]) => ({ name: barName, summary: summarise([value]) })),
})

function sayParts(say: Say, engine: Engine, { kept, rewritten }: Taken): void {
  say(
    `${engine}: ${kept.total.toFixed(0)} bytes an event after a checkpoint or plain vacuum, ${rewritten.total.toFixed(0)} when rewritten`,
  )
  for (const [name, bytes] of kept.of) say(`  ${name.padEnd(32)}${bytes.toFixed(0).padStart(6)}`)
}

/** What the events add to an empty store, per event. Keeps parts of at least one byte, largest first. */
function perEvent(events: number, empty: Taken, filled: Taken): Taken {
  const share = (which: keyof Taken): Sizes => {
    const [before, after] = [empty[which], filled[which]]
    const parts = [...after.of].map(([name, bytes]) => [name, (bytes - (before.of.get(name) ?? 0)) / events] as const)
    const of = new Map(parts.filter(([, bytes]) => bytes >= 1).toSorted((a, b) => b[1] - a[1]))
    return { total: (after.total - before.total) / events, of }
  }
  return { kept: share('kept'), rewritten: share('rewritten') }
}

async function storeInSqlite(events: number, profileFolder: string | undefined): Promise<Taken> {
  const folder = temporaryFolder()
  const data = folder.path
  try {
    const setting = await startSetting({ data, profileFolder })
    try {
      if (events > 0) await deliverBatches(setting, events)
    } finally {
      await setting.end()
    }
    const file = databaseFile(data)
    const database = new DatabaseSync(file)
    try {
      database.exec('pragma wal_checkpoint(truncate)')
      const kept = sqliteSizes(database, file)
      database.exec('vacuum; pragma wal_checkpoint(truncate)')
      return { kept, rewritten: sqliteSizes(database, file) }
    } finally {
      database.close()
    }
  } finally {
    folder.remove()
  }
}

function sqliteSizes(database: DatabaseSync, file: string): Sizes {
  const rows = database.prepare('select name, sum(pgsize) as bytes from dbstat group by name').all()
  return { total: statSync(file).size, of: new Map(rows.map(({ name, bytes }) => [String(name), Number(bytes)])) }
}

/** Also measures, after a plain vacuum, what the first half of the events took. */
async function storeInPostgres(events: number): Promise<Taken & { readonly firstHalf: Sizes }> {
  const setting = await startSetting({ isShared: true })
  try {
    const client = new pg.Client({ connectionString: setting.postgres!.url() })
    await client.connect()
    const afterVacuum = async (full = '') => {
      // Index pages that the first vacuum empties become reusable only after the second.
      for (let times = 0; times < 2; times++) await client.query(`vacuum ${full}`)
      return postgresSizes(client)
    }
    try {
      if (events > 0) await deliverBatches(setting, events / 2)
      const firstHalf = await afterVacuum()
      if (events > 0) await deliverBatches(setting, events / 2)
      await setting.posthorn.end()
      const kept = await afterVacuum()
      return { firstHalf, kept, rewritten: await afterVacuum('full') }
    } finally {
      await client.end()
    }
  } finally {
    await setting.end()
  }
}

/** Sizes of tables (with TOAST and free space map) and indexes. Daily history partitions are added up. */
async function postgresSizes(client: pg.Client): Promise<Sizes> {
  const { rows } = await client.query<{ name: string; bytes: string }>(
    `select regexp_replace(relname, '_\\d{8}', '') as name,
       sum(case when relkind = 'i' then pg_relation_size(oid) else pg_table_size(oid) end) as bytes
     from pg_class where relnamespace = 'posthorn'::regnamespace and relkind in ('r', 'i') group by 1`,
  )
  const of = new Map(rows.map(({ name, bytes }) => [name, Number(bytes)]))
  return { total: [...of.values()].reduce((sum, bytes) => sum + bytes, 0), of }
}
