/**
 * B8: time from starting the process to the first request at a receiver, with millions of deliveries pending in the
 * store. The delivery is in the store already: it is due, its endpoint is healthy, and its partition is read last. The
 * measured startups find the file dropped from the page cache, as after a reboot; startups with a warm cache are shown
 * as well.
 */
import { DatabaseSync } from 'node:sqlite'
import { systemClock } from '../packages/server/src/base/clock.ts'
import { newId } from '../packages/server/src/base/ids.ts'
import { PARTITION_COUNT } from '../packages/server/src/base/model.ts'
import { openSqlite } from '../packages/server/src/store/sqlite/driver.ts'
import { databaseFile } from '../packages/server/src/store/sqlite/private-store.ts'
import { Store } from '../packages/server/src/store/store.ts'
import type { Bench, RunOptions, Say } from './definition.ts'
import { EVENT_TYPE, makePayload } from './events.ts'
import { copyStore, dropFromCache, PENDING_ENDPOINTS, PENDING_ROWS, pendingStore } from './pending.ts'
import { makeKeys, startPosthorn } from './posthorn.ts'
import type { BenchResult } from './result.ts'
import { type Setting, startSetting, TENANT } from './setting.ts'
import { type Summary, summarise } from './statistics.ts'
import { temporaryFolder } from './temporary.ts'

const GOAL_SECONDS = 3
const STARTS = { full: 7, short: 5 }
const LAST_PARTITION = PARTITION_COUNT - 1

type Cache = 'cold' | 'warm'

export const startWithBacklog: Bench = {
  id: 'B8',
  name: 'start-with-backlog',
  summary: 'time to the first delivery after a startup with 5,000,000 pending',
  run: runBench,
}

async function runBench({ short }: RunOptions, say: Say): Promise<BenchResult> {
  const starts = short ? STARTS.short : STARTS.full
  const pending = short ? PENDING_ROWS.short : PENDING_ROWS.full
  const filled = await pendingStore(pending, say)
  const folder = temporaryFolder()
  const data = folder.path
  copyStore(filled, data)
  const keys = makeKeys()
  const setting = await startSetting({ data, keys })
  try {
    await setting.posthorn.end()
    moveToLastPartition(data)
    const canBeCold = dropFromCache(data)
    say(
      `${startWithBacklog.id}: ${pending} pending for ${PENDING_ENDPOINTS} endpoints; ${starts} startups each with a cold and a warm page cache`,
    )
    const seconds: Record<Cache, number[]> = { cold: [], warm: [] }
    for (let start = 1; start <= starts; start++) {
      for (const cache of canBeCold ? (['cold', 'warm'] as const) : (['warm'] as const)) {
        await leaveOneDue(data)
        if (cache === 'cold') dropFromCache(data)
        seconds[cache].push(await timeStart(setting, data, keys))
        say(`${start}  ${cache}  ${seconds[cache].at(-1)!.toFixed(2).padStart(6)} s`)
      }
    }
    return conclude(seconds, { starts, pending, endpointsDown: PENDING_ENDPOINTS, partition: LAST_PARTITION })
  } finally {
    await setting.end()
    folder.remove()
  }
}

function moveToLastPartition(data: string): void {
  const database = new DatabaseSync(databaseFile(data))
  try {
    database.prepare('update endpoint set partition = ? where tenant = ?').run(LAST_PARTITION, TENANT)
  } finally {
    database.close()
  }
}

/** Stores a delivery that is due, as an earlier process would have left it. */
async function leaveOneDue(data: string): Promise<void> {
  const store = new Store(await openSqlite(data, systemClock), systemClock)
  try {
    const nowMs = Date.now()
    const tenantVersion = (await store.read('readTenantConfiguration', { tenant: TENANT }))!.version
    const catalogueVersion = (await store.read('readCatalogue', {})).version
    const any = { states: null, health: null, uid: null, url: null, text: null }
    const find = { ...any, tenant: TENANT, before: null, rows: 1, limit: 1, maxBytes: 1, nowMs }
    const [endpoint] = (await store.read('findEndpoints', find)).items
    const place = { endpoint: endpoint!.id, partition: LAST_PARTITION, held: false, ordered: false }
    const { kind } = await store.publish({
      tenant: TENANT,
      tenantVersion,
      catalogueVersion,
      nowMs,
      keyExpiresAtMs: nowMs,
      events: [
        {
          id: newId('evt', nowMs),
          type: EVENT_TYPE,
          key: null,
          hash: null,
          test: false,
          notSent: {},
          payload: Buffer.from(makePayload(nowMs)),
          deliveries: [{ id: newId('dlv', nowMs), ...place }],
        },
      ],
    })
    if (kind !== 'stored') throw new Error(`The event could not be stored: ${kind}.`)
  } finally {
    await store.close()
  }
}

/** Returns the seconds from starting the process to the first request. */
async function timeStart(setting: Setting, data: string, keys: ReturnType<typeof makeKeys>): Promise<number> {
  const { caPem } = setting.authority
  const startedAtMs = performance.now()
  const starting = startPosthorn({ caPem, data, keys })
  try {
    await setting.receives(1)
    return (performance.now() - startedAtMs) / 1_000
  } finally {
    await (await starting).end()
  }
}

function conclude(seconds: Readonly<Record<Cache, number[]>>, setup: BenchResult['setup']): BenchResult {
  const [cold, warm] = [seconds.cold, seconds.warm].map(of => (of.length === 0 ? undefined : summarise(of)))
  const known = { 'cold page cache': cold, 'warm page cache': warm }
  const shown = Object.entries(known).filter((each): each is [string, Summary] => each[1] !== undefined)
  return {
    id: startWithBacklog.id,
    title: 'Time to the first delivery after a startup with millions of deliveries pending',
    measures: [
      {
        name: 'startup to first request',
        unit: 's',
        value: (cold ?? warm)!.median,
        goal: GOAL_SECONDS,
        bound: 'atMost',
      },
    ],
    bars: [{ name: 'Startup to first request', unit: 's', bars: shown.map(([name, summary]) => ({ name, summary })) }],
    setup,
    notes: [
      'The delivery was already in the store: it is due, its endpoint is healthy, and its partition is read last.',
      cold === undefined
        ? 'The page cache was warm: on this machine the file cannot be dropped from it.'
        : "The measure is of startups with a cold page cache for the store's file (but not for Node itself).",
    ],
  }
}
