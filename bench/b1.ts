/**
 * B1 and B2: processor time of the whole server per delivered event, batches of 100, one busy receiver over TLS 1.3,
 * divided by that of the bare loop per request; B1 on the embedded store, B2 on PostgreSQL, whose own time counts too.
 * Runs of both in turn, so that what else the machine does falls on both.
 */
import { randomBytes } from 'node:crypto'
import { createAuthority, type Postgres, startPostgres } from '@posthorn/testkit'
import type { BareLoopCommand } from './bare-loop.ts'
import { Child } from './child.ts'
import { EVENT_TYPE } from './events.ts'
import { makeKeys, type Posthorn, startPosthorn } from './posthorn.ts'
import { familyMicros, processorMicros } from './processor-time.ts'
import type { PublishCommand } from './publisher.ts'
import type { ReceiverAnswer, ReceiverCommand } from './receiver.ts'
import { type Summary, summarise } from './statistics.ts'

export type B1Options = { readonly short: boolean; readonly profileFolder?: string }

export type B1Result = {
  readonly id: 'B1' | 'B2'
  /** Median of the server's by median of the bare loop's. */
  readonly value: number
  readonly goal: number
  /** Microseconds of processor time an event or request. */
  readonly posthornMicros: Summary
  /** Of that, PostgreSQL's own. */
  readonly databaseMicros: Summary
  readonly eventsPerSecond: Summary
  readonly bareMicros: Summary
  /** Of a run of one and the run of the other that follows it. */
  readonly ratio: Summary
  readonly runs: number
  readonly eventsPerRun: number
  readonly warmUpEvents: number
}

/** Microseconds an event, by process; `rate`: events a second by the clock on the wall. */
type Run = {
  readonly sender: number
  /** Of the sender's, what is the database's. */
  readonly database: number
  readonly publisher: number
  readonly receiver: number
  readonly rate: number
}

const GOALS = { B1: 2, B2: 3 }
const TENANT = 'bench'
const BATCH_SIZE = 100
const BATCHES_IN_FLIGHT = 4
/** Posthorn's default `laneWindow`, which it reaches within the first requests of the warm-up. */
const REQUESTS_IN_FLIGHT = 32
const RUN_TIMEOUT_MS = 180_000
const LOOK_EVERY_MS = 20

/** The bare loop is so quick that as many requests as events would be over within a few ticks of the account. */
const REQUESTS_PER_EVENT = 3

const FULL = { runs: 7, eventsPerRun: 40_000, warmUpEvents: 60_000 }
const SHORT = { runs: 5, eventsPerRun: 15_000, warmUpEvents: 30_000 }

type Say = (line: string) => void

export const runB1 = (options: B1Options, say: Say): Promise<B1Result> => compare('B1', options, say)
export const runB2 = (options: B1Options, say: Say): Promise<B1Result> => compare('B2', options, say)

async function compare(id: 'B1' | 'B2', options: B1Options, say: Say): Promise<B1Result> {
  const { runs, eventsPerRun, warmUpEvents } = options.short ? SHORT : FULL
  const setting = await startAll(id === 'B2', options.profileFolder)
  try {
    say(
      `${id}: batches of ${BATCH_SIZE}, ${BATCHES_IN_FLIGHT} under way, one endpoint, ${REQUESTS_IN_FLIGHT} requests at once`,
    )
    await runPosthorn(setting, warmUpEvents)
    await runBareLoop(setting, warmUpEvents)
    say(
      `warm after ${warmUpEvents} events each; ${runs} runs in turn, of ${eventsPerRun} events and ${eventsPerRun * REQUESTS_PER_EVENT} requests`,
    )
    say(HEAD)
    const posthorn: Run[] = []
    const bare: Run[] = []
    for (let run = 1; run <= runs; run++) {
      posthorn.push(await runPosthorn(setting, eventsPerRun))
      say(formatRun(run, 'Posthorn', posthorn.at(-1)!))
      bare.push(await runBareLoop(setting, eventsPerRun * REQUESTS_PER_EVENT))
      say(formatRun(run, 'bare loop', bare.at(-1)!))
    }
    const posthornMicros = summarise(posthorn.map(({ sender }) => sender))
    const bareMicros = summarise(bare.map(({ sender }) => sender))
    const ratio = summarise(posthorn.map(({ sender }, index) => sender / bare[index]!.sender))
    const value = Math.round((posthornMicros.median / bareMicros.median) * 100) / 100
    say(`Posthorn   ${formatSummary(posthornMicros)} µs a delivered event`)
    say(`bare loop  ${formatSummary(bareMicros)} µs a request`)
    const databaseMicros = summarise(posthorn.map(({ database }) => database))
    const eventsPerSecond = summarise(posthorn.map(({ rate }) => rate))
    if (id === 'B2') say(`PostgreSQL ${formatSummary(databaseMicros)} µs of that`)
    say(`ratio      ${value} (of neighbouring runs ${formatSummary(ratio)}); goal: at most ${GOALS[id]}`)
    const micros = { posthornMicros, databaseMicros, bareMicros }
    return { id, value, goal: GOALS[id], ...micros, ratio, eventsPerSecond, runs, eventsPerRun, warmUpEvents }
  } finally {
    await setting.end()
  }
}

type Setting = {
  readonly posthorn: Posthorn
  readonly postgres: Postgres | undefined
  readonly publisher: Child<PublishCommand, number>
  readonly receiver: Child<ReceiverCommand, ReceiverAnswer>
  readonly bareLoop: Child<BareLoopCommand, number>
  readonly bareCommand: Omit<BareLoopCommand, 'requests'>
  /** Requests that the receiver should have had by now. */
  received: number
  end(): Promise<void>
}

async function startAll(isShared: boolean, profileFolder: string | undefined): Promise<Setting> {
  const authority = await createAuthority('Posthorn bench authority')
  const { certPem, keyPem } = await authority.issue({ names: [], ips: ['127.0.0.1'] })
  const publisher = new Child<PublishCommand, number>('publisher.ts')
  const receiver = new Child<ReceiverCommand, ReceiverAnswer>('receiver.ts')
  const bareLoop = new Child<BareLoopCommand, number>('bare-loop.ts')
  const endChildren = () => {
    for (const child of [publisher, receiver, bareLoop]) child.end()
  }
  let posthorn: Posthorn | undefined
  const postgres = isShared ? await startPostgres() : undefined
  try {
    const origin = `https://127.0.0.1:${(await receiver.ask({ kind: 'listen', certPem, keyPem })).value}`
    const shared = postgres === undefined ? {} : { shared: { ...makeKeys(), databaseUrl: postgres.url() } }
    posthorn = await startPosthorn({ caPem: authority.caPem, profileFolder, ...shared })
    const clientSecret = randomBytes(24).toString('base64url')
    await posthorn.call('PUT', `tenants/${TENANT}`, {})
    const endpoint = { url: `${origin}/hooks`, clientSecret, types: [EVENT_TYPE] }
    await posthorn.call('POST', `tenants/${TENANT}/endpoints`, endpoint)
    const headers = ['Content-Type', 'application/json', 'Authorization', `Bearer ${clientSecret}`]
    headers.push('X-APIVersion', '3.0', 'User-Agent', 'Posthorn/0.1.0')
    const server = posthorn
    return {
      ...{ posthorn, postgres, publisher, receiver, bareLoop, received: 0 },
      bareCommand: { origin, caPem: authority.caPem, path: '/hooks', headers, inFlight: REQUESTS_IN_FLIGHT },
      async end() {
        endChildren()
        await server.end()
        await postgres?.stop()
      },
    }
  } catch (error) {
    endChildren()
    await posthorn?.end()
    await postgres?.stop()
    throw error
  }
}

/** From the first batch until every event is delivered and that is stored. */
function runPosthorn(setting: Setting, events: number): Promise<Run> {
  const { posthorn, publisher } = setting
  return measure(setting, posthorn.pid, setting.postgres?.pid, events, async () => {
    const { url, apiKey } = posthorn
    const batches = events / BATCH_SIZE
    await publisher.ask({ url, apiKey, tenant: TENANT, batches, batchSize: BATCH_SIZE, inFlight: BATCHES_IN_FLIGHT })
    await allReceived(setting, events)
    while (await isPending(posthorn)) await new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS))
  })
}

function runBareLoop(setting: Setting, requests: number): Promise<Run> {
  return measure(setting, setting.bareLoop.pid, undefined, requests, async () => {
    await setting.bareLoop.ask({ ...setting.bareCommand, requests })
    await allReceived(setting, requests)
  })
}

async function allReceived(setting: Setting, requests: number): Promise<void> {
  const { receiver } = setting
  setting.received += requests
  const { value } = await receiver.ask({ kind: 'waitFor', total: setting.received, timeoutMs: RUN_TIMEOUT_MS })
  // At least once is allowed in the world, but nothing fails here: more would mean that something else was measured.
  if (value !== setting.received) throw new Error(`The receiver had ${value} requests instead of ${setting.received}.`)
}

async function isPending(posthorn: Posthorn): Promise<boolean> {
  const path = `tenants/${TENANT}/deliveries?state=pending&limit=1`
  const { data } = await posthorn.call<{ data: unknown[] }>('GET', path)
  return data.length > 0
}

async function measure(
  setting: Setting,
  senderPid: number,
  databasePid: number | undefined,
  events: number,
  run: () => Promise<void>,
): Promise<Run> {
  const pids = [senderPid, setting.publisher.pid, setting.receiver.pid]
  const spent = () => [...pids.map(processorMicros), databasePid === undefined ? 0 : familyMicros(databasePid)]
  const before = spent()
  const startedAtMs = performance.now()
  await run()
  const seconds = (performance.now() - startedAtMs) / 1_000
  const [node, publisher, receiver, database] = spent().map((micros, index) => (micros - before[index]!) / events)
  const sender = node! + database!
  return { sender, database: database!, publisher: publisher!, receiver: receiver!, rate: events / seconds }
}

const HEAD = 'run  sender     sender µs  publisher µs  receiver µs  events/s'

function formatRun(run: number, name: string, { sender, publisher, receiver, rate }: Run): string {
  const cells = [String(run).padStart(3), name.padEnd(9), sender.toFixed(1).padStart(10)]
  cells.push(publisher.toFixed(1).padStart(12), receiver.toFixed(1).padStart(11), rate.toFixed(0).padStart(8))
  return cells.join('  ')
}

function formatSummary({ median, min, max }: Summary): string {
  return `${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`
}
