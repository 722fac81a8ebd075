/**
 * Measures retention under load, on the embedded store: the time from publishing to the receiver, alternately without
 * retention and while it removes old events, each on a fresh copy of the same file. Prints a line of JSON. Run
 * manually: npx node bench/retention.ts [--short] [--rate <events a second; default: half of what the machine can
 * handle>]
 */
import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAuthority } from '@posthorn/testkit'
import { systemClock } from '../packages/server/src/base/clock.ts'
import { DAY_MS } from '../packages/server/src/base/durations.ts'
import { firstIdAt, idBytes, idText } from '../packages/server/src/base/ids.ts'
import { packHeaders } from '../packages/server/src/store/operations/deliveries/answer-headers.ts'
import { openSqlite } from '../packages/server/src/store/sqlite/driver.ts'
import { Store } from '../packages/server/src/store/store.ts'
import { EVENT_TYPE } from './events.ts'
import { anEndpoint } from './filling.ts'
import { type Posthorn, startPosthorn } from './posthorn.ts'
import { summarise } from './statistics.ts'

const isShort = process.argv.includes('--short')
const rateAt = process.argv.indexOf('--rate')
const givenRate = rateAt < 0 ? undefined : Number(process.argv[rateAt + 1])
const OLD_EVENTS = isShort ? 100_000 : 400_000
const ROUNDS = isShort ? 3 : 5
const WARM_UP_MS = isShort ? 8_000 : 15_000
const RUN_MS = isShort ? 20_000 : 60_000
/** Share of the machine's capacity to use as load. */
const LOAD = 0.5
const CAPACITY_EVENTS = 15_000
const BATCH_SIZE = 20
const OLD_DAYS = 40
const OLD_SINCE_MS = Date.now() - OLD_DAYS * DAY_MS
const TENANT = 'bench'
const OLD = 'old'

/** Returns an id from long ago; ids ascend with `index`. */
function oldId(prefix: 'evt' | 'dlv' | 'ep', index: number): string {
  const bytes = idBytes(firstIdAt(prefix, OLD_SINCE_MS + index))
  bytes.set(randomBytes(8), 8)
  return idText(prefix, bytes)
}

/** Fills a store with a large number of events that were delivered long ago. */
async function fillStore(folder: string): Promise<void> {
  const store = new Store(await openSqlite(folder, systemClock), systemClock)
  await store.write('migrate', {})
  const endpoint = anEndpoint({ id: oldId('ep', 0), tenant: OLD, partition: 7 })
  await store.write('putTenant', { id: OLD, name: null, metadata: {}, nowMs: 1 })
  await store.write('createEndpoint', { endpoint })
  const { version: tenantVersion } = (await store.read('readTenantConfiguration', { tenant: OLD }))!
  const { version: catalogueVersion } = await store.read('readCatalogue', {})
  const payload = new Uint8Array(Buffer.from(makePayload()))
  const nowMs = OLD_SINCE_MS
  const headers = packHeaders(['server', 'nginx'])
  const answer = { status: 200, error: null, address: '192.0.2.1:443', headers }
  for (let at = 0; at < OLD_EVENTS; at += 500) {
    const events = Array.from({ length: 500 }, (_, index) => ({
      id: oldId('evt', at + index),
      type: EVENT_TYPE,
      key: null,
      hash: null,
      payload,
      test: false,
      notSent: {},
      deliveries: [{ id: oldId('dlv', at + index), endpoint: endpoint.id, partition: 7, held: false, ordered: false }],
    }))
    const versions = { tenantVersion, catalogueVersion }
    const { kind } = await store.publish({ tenant: OLD, ...versions, nowMs, keyExpiresAtMs: nowMs, events })
    if (kind !== 'stored') throw new Error(`The old events could not be stored: ${kind}.`)
    await Promise.all(
      events.map(({ id: event, deliveries: [delivery] }) =>
        store.settle({
          tenant: OLD,
          event,
          delivery: delivery!.id,
          endpoint: endpoint.id,
          partition: 7,
          epoch: 0,
          gone: false,
          replay: false,
          attempt: {
            number: 1,
            startedAtMs: nowMs,
            durationMs: 20,
            outcome: 'success',
            ...answer,
            responseBody: new Uint8Array(Buffer.from('{"ok":true}')),
            responseTruncated: false,
            requestVersion: 1,
            sender: 1,
          },
          step: { kind: 'delivered' },
          dueAtMs: nowMs,
          endedAtMs: nowMs,
        }),
      ),
    )
  }
  await store.scrub()
  await store.close()
}

/** Contains the current time, from which the receiver calculates the latency. */
const makePayload = (): string =>
  `{"coverId":"5db7873e-16a2-41e4-acf0-${randomBytes(6).toString('hex')}","status":"Expired",` +
  `"notificationId":"382e7554-b150-4037-9b1a-${randomBytes(6).toString('hex')}",` +
  `"notificationTimestamp":"${new Date().toISOString()}"}`

type Receiver = { readonly url: string; readonly latenciesMs: number[]; received: number; close(): void }

async function startReceiver(certPem: string, keyPem: string): Promise<Receiver> {
  const server = createServer({ cert: certPem, key: keyPem, minVersion: 'TLSv1.3', keepAliveTimeout: 60_000 })
  const receiver: Receiver = { url: '', latenciesMs: [], received: 0, close: () => void server.close() }
  server.on('request', (request, response) => {
    let body = ''
    request.on('data', chunk => {
      body += chunk
    })
    request.on('end', () => {
      receiver.latenciesMs.push(Date.now() - Date.parse(/"notificationTimestamp":"([^"]+)"/.exec(body)![1]!))
      receiver.received++
      response.writeHead(204)
      response.end()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(receiver, { url: `https://127.0.0.1:${port}/hooks` })
}

async function publishBatch({ url, apiKey }: Posthorn): Promise<void> {
  const events = Array.from({ length: BATCH_SIZE }, () => `{"type":"${EVENT_TYPE}","payload":${makePayload()}}`)
  const response = await fetch(`${url}/v1/tenants/${TENANT}/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: `[${events.join(',')}]`,
  })
  if (response.status !== 202) throw new Error(`Publishing returned ${response.status}: ${await response.text()}`)
  await response.arrayBuffer()
}

/** Publishes batches on a fixed schedule. Waiting for each response first would hide latency (coordinated omission). */
async function publishAtRate(posthorn: Posthorn, perSecond: number, forMs: number): Promise<void> {
  const startedAtMs = performance.now()
  const underWay = new Set<Promise<void>>()
  for (let batch = 0; ; batch++) {
    const dueMs = startedAtMs + (batch * BATCH_SIZE * 1_000) / perSecond
    if (dueMs - startedAtMs >= forMs) break
    if (dueMs > performance.now()) await sleep(dueMs - performance.now())
    const published: Promise<void> = publishBatch(posthorn).finally(() => underWay.delete(published))
    underWay.add(published)
  }
  await Promise.all(underWay)
}

async function untilReceived(receiver: Receiver, count: number): Promise<void> {
  const endMs = performance.now() + 120_000
  while (receiver.received < count) {
    if (performance.now() > endMs) throw new Error(`${receiver.received} of ${count} requests arrived in time.`)
    await sleep(20)
  }
}

type Run = { readonly p50: number; readonly p99: number; readonly max: number; readonly removedPerSecond: number }

const percentile = (sorted: readonly number[], part: number): number => sorted[Math.floor((sorted.length - 1) * part)]!

type Setting = { readonly caPem: string; readonly receiver: Receiver; readonly filled: string }

async function withServer<T>(
  { caPem, receiver, filled }: Setting,
  days: number,
  use: (posthorn: Posthorn) => Promise<T>,
) {
  const posthorn = await startPosthorn({
    caPem,
    flags: ['--retention-days', String(days)],
    prepare: data => copyFileSync(join(filled, 'posthorn.db'), join(data, 'posthorn.db')),
  })
  try {
    await posthorn.call('PUT', `tenants/${TENANT}`, {})
    const secret = randomBytes(24).toString('base64url')
    await posthorn.call('POST', `tenants/${TENANT}/endpoints`, { url: receiver.url, clientSecret: secret })
    return await use(posthorn)
  } finally {
    await posthorn.end()
  }
}

/** Returns the events a second at full speed. */
function measureCapacity(setting: Setting): Promise<number> {
  return withServer(setting, 0, async posthorn => {
    const { receiver } = setting
    let rate = 0
    for (const count of [CAPACITY_EVENTS, CAPACITY_EVENTS]) {
      const startedAtMs = performance.now()
      const wanted = receiver.received + count
      let left = count / BATCH_SIZE
      const keepPublishing = async () => {
        while (left-- > 0) await publishBatch(posthorn)
      }
      await Promise.all(Array.from({ length: 8 }, keepPublishing))
      await untilReceived(receiver, wanted)
      rate = (count * 1_000) / (performance.now() - startedAtMs)
    }
    return rate
  })
}

/** Counts the removed events by bisection: the oldest go first, and their times are a millisecond apart. */
async function countRemoved(posthorn: Posthorn): Promise<number> {
  let [removed, most] = [0, OLD_EVENTS]
  while (removed < most) {
    const middle = (removed + most) >> 1
    const to = new Date(OLD_SINCE_MS + middle + 1).toISOString()
    const { data } = await posthorn.call<{ data: unknown[] }>('GET', `tenants/${OLD}/events?limit=1&to=${to}`)
    if (data.length > 0) most = middle
    else removed = middle + 1
  }
  return removed
}

async function measure(setting: Setting, days: number, perSecond: number): Promise<Run> {
  return withServer(setting, days, async posthorn => {
    const { receiver } = setting
    await publishAtRate(posthorn, perSecond, WARM_UP_MS)
    receiver.latenciesMs.length = 0
    const removedBefore = await countRemoved(posthorn)
    const startedAtMs = performance.now()
    await publishAtRate(posthorn, perSecond, RUN_MS)
    const seconds = (performance.now() - startedAtMs) / 1_000
    const removed = (await countRemoved(posthorn)) - removedBefore
    const sorted = receiver.latenciesMs.toSorted((a, b) => a - b)
    const [p50, p99, max] = [0.5, 0.99, 1].map(part => percentile(sorted, part))
    return { p50: p50!, p99: p99!, max: max!, removedPerSecond: Math.round(removed / seconds) }
  })
}

const say = (line: string) => void process.stderr.write(`${line}\n`)
const filled = mkdtempSync(join(tmpdir(), 'posthorn-retention-'))
const authority = await createAuthority('Posthorn bench authority')
const { certPem, keyPem } = await authority.issue({ names: [], ips: ['127.0.0.1'] })
const receiver = await startReceiver(certPem, keyPem)
try {
  await fillStore(filled)
  const megabytes = Math.round(statSync(join(filled, 'posthorn.db')).size / 2 ** 20)
  say(`${OLD_EVENTS} events from ${OLD_DAYS} days ago, ${megabytes} MiB`)
  const setting = { caPem: authority.caPem, receiver, filled }
  const capacity = await measureCapacity(setting)
  const perSecond = givenRate ?? Math.round((capacity * LOAD) / BATCH_SIZE) * BATCH_SIZE
  say(`${Math.round(capacity)} events/s at full speed; now ${perSecond} a second, in batches of ${BATCH_SIZE}`)
  say('round  retention  p50 ms  p99 ms  max ms  removed events/s')
  const runs: Record<'without' | 'during', Run[]> = { without: [], during: [] }
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [name, days] of [
      ['without', 0],
      ['during', 30],
    ] as const) {
      const run = await measure(setting, days, perSecond)
      runs[name].push(run)
      const cells = [String(round).padStart(5), name.padEnd(9)]
      cells.push(...[run.p50, run.p99, run.max].map(ms => ms.toFixed(0).padStart(6)), String(run.removedPerSecond))
      say(cells.join('  '))
    }
  }
  const p99 = (name: keyof typeof runs) => summarise(runs[name].map(run => run.p99))
  const ratio = p99('during').median / p99('without').median
  const removedPerSecond = summarise(runs.during.map(run => run.removedPerSecond)).median
  const result = { id: 'retention', ratio, p99WithoutMs: p99('without'), p99DuringMs: p99('during'), removedPerSecond }
  process.stdout.write(`${JSON.stringify({ ...result, perSecond, capacity: Math.round(capacity), short: isShort })}\n`)
} finally {
  receiver.close()
  rmSync(filled, { recursive: true, force: true })
}
