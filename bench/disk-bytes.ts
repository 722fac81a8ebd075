/**
 * B10: bytes on disk per delivered event with a payload of 200 bytes, indexes included. Events are published to the real
 * server and delivered to a real receiver; then it is stopped, and what the store takes is compared with what it takes
 * without a single event. The measure is after `vacuum` on SQLite; what is left without, after a checkpoint, is shown beside
 * it. On PostgreSQL it is what the second half of the events adds, after plain vacuums before and after: the room that
 * the indexes of live deliveries took at their most is kept by then, and used again however many events follow. What all of
 * them took, and what `vacuum full` leaves of it, is shown beside it.
 */
import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { databaseFile } from '../packages/server/src/store/sqlite/driver.ts'
import type { Bench, RunOptions, Say } from './definition.ts'
import { makePayload } from './events.ts'
import type { BenchResult } from './result.ts'
import { BATCH_SIZE, deliverBatches, startSetting } from './setting.ts'
import { summarise } from './statistics.ts'
import { temporaryFolder } from './temporary.ts'

const GOALS = { SQLite: 600, PostgreSQL: 900 }
const FULL_EVENTS = 50_000
const SHORT_EVENTS = 10_000

/** Bytes, in all and by table and index. */
type Sizes = { readonly total: number; readonly of: ReadonlyMap<string, number> }
/** After a checkpoint or a plain vacuum, and written anew. */
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
  say(`${diskBytes.id}: ${events} events with a payload of ${payloadBytes} bytes, delivered; one endpoint`)
  const storeSqlite = (count: number) => storeInSqlite(count, profileFolder)
  const sqlite = perEvent(events, await storeSqlite(0), await storeSqlite(events))
  sayParts(say, 'SQLite', sqlite)
  const [empty, filled] = [await storeInPostgres(0), await storeInPostgres(events)]
  const postgres = perEvent(events, empty, filled)
  sayParts(say, 'PostgreSQL', postgres)
  const further = (filled.kept.total - filled.firstHalf.total) / (events / 2)
  say(`PostgreSQL: each event of the second half added ${further.toFixed(0)} bytes, plain vacuums before and after`)
  return {
    id: diskBytes.id,
    title: 'Bytes on disk per delivered event, indexes included',
    measures: [
      toMeasure('SQLite', 'SQLite, after vacuum', sqlite.rewritten.total),
      toMeasure('PostgreSQL', 'PostgreSQL, what a further event adds', further),
    ],
    bars: [
      bars('In all', {
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
      'The measure on SQLite is after vacuum; after a checkpoint alone some pages are less full. The measure on PostgreSQL is what each event of the second half adds, after plain vacuums: the room that the indexes of live deliveries took at their most is kept, and used again, so that it is not taken once more.',
      "The answers are a status and the receiver's three headers: what a receiver says beside that is stored too, and comes on top.",
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
    `${engine}: ${kept.total.toFixed(0)} bytes an event after a checkpoint or plain vacuum, ${rewritten.total.toFixed(0)} written anew`,
  )
  for (const [name, bytes] of kept.of) say(`  ${name.padEnd(32)}${bytes.toFixed(0).padStart(6)}`)
}

/** What so many events add to an empty store, divided by their number; the parts that matter, largest first. */
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

/** And what the first half of the events took of it, after a plain vacuum. */
async function storeInPostgres(events: number): Promise<Taken & { readonly firstHalf: Sizes }> {
  const setting = await startSetting({ isShared: true })
  try {
    const client = new pg.Client({ connectionString: setting.postgres!.url() })
    await client.connect()
    const afterVacuum = async (full = '') => {
      // Pages of an index that a first one empties are free for use after the next.
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

/** Tables with what belongs to them (long values, maps of free space), and indexes; days of history are added up. */
async function postgresSizes(client: pg.Client): Promise<Sizes> {
  const { rows } = await client.query<{ name: string; bytes: string }>(
    `select regexp_replace(relname, '_\\d{8}', '') as name,
       sum(case when relkind = 'i' then pg_relation_size(oid) else pg_table_size(oid) end) as bytes
     from pg_class where relnamespace = 'posthorn'::regnamespace and relkind in ('r', 'i') group by 1`,
  )
  const of = new Map(rows.map(({ name, bytes }) => [name, Number(bytes)]))
  return { total: [...of.values()].reduce((sum, bytes) => sum + bytes, 0), of }
}
