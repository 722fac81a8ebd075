/**
 * Measures publishing from SQL on two nodes: the time from the commit to the first byte at the receiver, and how many
 * events a second go through. Prints a line of JSON. Run it manually: npx node bench/from-sql.ts
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { publish } from '@posthorn/client'
import { createAuthority, type Receiver, startPostgres, startReceiver } from '@posthorn/testkit'
import pg from 'pg'
import { makeKeys, type Posthorn, startPosthorn } from './posthorn.ts'
import { summarise } from './statistics.ts'

const EVENTS = 200
const WARM_UP_EVENTS = 20
/** Random pause between two events, so that they don't fall in step with the nodes' polling of the inbox. */
const MAX_PAUSE_MS = 150
const BULK_EVENTS = 50_000
/** Each has one endpoint, so about half of the events are sent by the other node. */
const TENANTS = 16
const TYPE = 'COVER_REFERENCE'

const aPayload = () => `{"CoverId":"564200aa-7128-4a26-83a8-${randomBytes(6).toString('hex')}"}`

/** Returns the milliseconds from the commit to the event's request. */
async function measureOne(sql: pg.Client, receiver: Receiver, tenant: string): Promise<number> {
  await sql.query('begin')
  const { id } = await publish(sql, { tenant, type: TYPE, payload: aPayload() })
  await sql.query('commit')
  const committedAtMs = performance.now()
  const first = () => receiver.requests.find(({ headers }) => headers['webhook-id'] === id)
  await receiver.waitFor(() => first() !== undefined, { timeoutMs: 30_000 })
  return first()!.receivedMonotonicMs - committedAtMs
}

/** Returns rates in events a second: of publishing up to the commit, and of storing the deliveries after it. */
async function measureBulk(sql: pg.Client): Promise<{ publishedPerSecond: number; storedPerSecond: number }> {
  const startedAtMs = performance.now()
  const call = `posthorn.publish('bulk', '${TYPE}', '${aPayload()}', 'bulk-' || n)`
  await sql.query(`select count(${call}) from generate_series(1, ${BULK_EVENTS}) n`)
  const committedAtMs = performance.now()
  const isEmpty = async () => (await sql.query('select 1 from posthorn.inbox limit 1')).rowCount === 0
  while (!(await isEmpty())) await sleep(20)
  const perSecond = (ms: number) => Math.round((BULK_EVENTS / ms) * 1_000)
  return {
    publishedPerSecond: perSecond(committedAtMs - startedAtMs),
    storedPerSecond: perSecond(performance.now() - committedAtMs),
  }
}

/** Returns the milliseconds that polling the empty inbox takes, right after many rows have passed through it. */
async function measureLook(sql: pg.Client): Promise<number> {
  const look = `select tenant from posthorn.inbox
    where claimed_until_ms <= (extract(epoch from clock_timestamp()) * 1000)::bigint order by tenant, id limit 1`
  const times: number[] = []
  for (let run = 0; run < 20; run++) {
    const { rows } = await sql.query(`explain (analyze, buffers, format json) ${look}`)
    times.push(rows[0]['QUERY PLAN'][0]['Execution Time'])
  }
  return summarise(times).median
}

async function register(node: Posthorn, receiver: Receiver): Promise<void> {
  await node.call('PUT', 'tenants/bulk', {})
  for (let at = 0; at < TENANTS; at++) {
    await node.call('PUT', `tenants/tenant-${at}`, {})
    const body = { url: `${receiver.url}/${at}`, clientSecret: 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw==' }
    await node.call('POST', `tenants/tenant-${at}/endpoints`, body)
  }
}

const closing: (() => Promise<unknown>)[] = []
try {
  const [authority, server] = await Promise.all([createAuthority(), startPostgres()])
  closing.push(() => server.stop())
  const url = await server.createDatabase('from_sql')
  const receiver = await startReceiver({ authority, names: ['localhost'] })
  closing.push(() => receiver.close())
  const shared = { databaseUrl: url, ...makeKeys() }
  const nodes: Posthorn[] = []
  for (let at = 0; at < 2; at++) {
    const node = await startPosthorn({ caPem: authority.caPem, shared })
    nodes.push(node)
    closing.push(() => node.end())
  }
  const sql = new pg.Client({ connectionString: url })
  await sql.connect()
  closing.push(() => sql.end())
  await register(nodes[0]!, receiver)
  const times: number[] = []
  for (let at = 0; at < WARM_UP_EVENTS + EVENTS; at++) {
    await sleep(Math.random() * MAX_PAUSE_MS)
    const ms = await measureOne(sql, receiver, `tenant-${at % TENANTS}`)
    if (at >= WARM_UP_EVENTS) times.push(ms)
  }
  times.sort((a, b) => a - b)
  const { median, max } = summarise(times)
  const latencyMs = {
    median: Math.round(median),
    p95: Math.round(times[Math.floor(EVENTS * 0.95)]!),
    max: Math.round(max),
  }
  const bulk = await measureBulk(sql)
  const emptyLookMs = await measureLook(sql)
  process.stdout.write(`${JSON.stringify({ events: EVENTS, latencyMs, ...bulk, emptyLookMs })}\n`)
} finally {
  for (const close of closing.reverse()) await close()
}
