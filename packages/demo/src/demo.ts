/** `posthorn demo`: a complete Posthorn, real receivers over TLS, and every attempt on the screen. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Authority, createAuthority } from '@posthorn/testkit'
import { type Api, createApi, type PublishedEvent } from './api.ts'
import { ClusterDemo } from './cluster.ts'
import { Company } from './company/company.ts'
import { createLink } from './dashboard.ts'
import { readEvents } from './events.ts'
import { type DemoReceiver, startReceivers } from './receivers.ts'
import { type DemoServer, startServer } from './server.ts'
import { formatAttempt, tableHead } from './table.ts'

/** Ten retries as in C12, but with delays short enough to watch, in seconds. */
const SCHEDULE_SECONDS = [0.5, 1, 1, 2, 2, 2, 3, 3, 3, 3]
const REAL_SCHEDULE = '30, 60, 120, 240, 480, 960, 1,920, 3,840, 7,680 and 15,360 s'
const LOOK_EVERY_MS = 200
/** `--exit` promises to end within 30 seconds: deliveries not finished by then count as pending, and it ends anyway. */
const WAIT_UNTIL_MS = 23_000
const HARD_DEADLINE_MS = 28_000
const LAST_WAIT_MS = 2_500
const CLUSTER_HARD_DEADLINE_MS = 44_000

export type DemoOptions = {
  /** End once nothing is pending, with one line of JSON. */
  readonly exit: boolean
  /** Run three nodes on one PostgreSQL database, and kill one of them, instead of one node with the embedded store. */
  readonly cluster: boolean
}

/**
 * Builds the dashboard, which takes some seconds, or none if nothing has changed. Resolves with whether it is there, and
 * never rejects: the demo goes on without.
 */
export type Build = () => Promise<boolean>

type Demo = {
  readonly options: DemoOptions
  readonly folder: string
  readonly receivers: DemoReceiver[]
  /** Endpoint id → the receiver behind it. */
  readonly byEndpoint: Map<string, DemoReceiver>
  readonly timers: Set<NodeJS.Timeout>
  /** Whether attempts are shown: until the demo begins to end. */
  showing: boolean
  authority?: Authority
  server?: DemoServer
  /** More customers, who keep the dashboard busy. None with `--exit`. */
  company?: Company
}

const events = readEvents(new URL('./events.ndjson', import.meta.url))
const startedAtMs = performance.now()
const elapsedMs = () => performance.now() - startedAtMs
const say = (text: string) => process.stdout.write(`${text}\n`)

/**
 * Runs until a signal arrives, or as the options say, and ends the process.
 *
 * @param build builds the dashboard; see `Build`
 */
export async function runDemo(options: DemoOptions, build: Build): Promise<void> {
  process.stdout.on('error', () => {}) // the reader (such as `| head`) has ended
  await (options.cluster ? runCluster(options, build) : run(options, build))
}

async function runCluster({ exit }: DemoOptions, build: Build): Promise<void> {
  const demo = new ClusterDemo(say)
  let isEnding = false
  const stop = once(async (exitCode: number, lastLine?: string) => {
    isEnding = true
    const closed = demo.close()
    // Processes that are slow to end are left to their tethers.
    await (exit ? Promise.race([closed, new Promise(resolve => setTimeout(resolve, LAST_WAIT_MS))]) : closed)
    if (lastLine !== undefined) say(lastLine)
    process.exit(exitCode)
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(0))
  if (exit) {
    setTimeout(() => {
      process.stderr.write('The demo took too long.\n')
      process.exit(1)
    }, CLUSTER_HARD_DEADLINE_MS).unref()
  }
  const isBuilt = exit ? undefined : build()
  try {
    await demo.start()
    void isBuilt?.then(is => (is && !isEnding ? showDashboard(demo.connection) : undefined))
    const { isGood, lastLine } = await demo.run()
    if (exit) return await stop(isGood ? 0 : 1, lastLine)
    say(lastLine)
    await demo.publishFromSql()
    say(demo.explain())
  } catch (error) {
    if (isEnding) return // the demo is ending, which cut the call off
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    await stop(1)
  }
}

async function run(options: DemoOptions, build: Build): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-demo-'))
  const demo: Demo = { options, folder, receivers: [], byEndpoint: new Map(), timers: new Set(), showing: true }
  const stop = once(async (exitCode: number, lastLine?: string) => {
    await close(demo)
    if (lastLine !== undefined) say(lastLine)
    process.exit(exitCode)
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(0))
  if (options.exit) {
    later(demo, HARD_DEADLINE_MS, () => {
      process.stderr.write('The demo took too long.\n')
      process.exit(1)
    })
  }
  // `--exit` is for machines, which look at no page.
  const isBuilt = options.exit ? undefined : build()
  try {
    const api = await start(demo)
    void demo.server?.ended.then(words => {
      if (!demo.showing) return
      process.stderr.write(`${words}\n`)
      stop(1)
    })
    void isBuilt?.then(is => (is && demo.showing ? showDashboard(demo.server!) : undefined))
    const published = await publish(demo, api)
    const opening = options.exit ? undefined : openCompany(demo)
    await Promise.all([opening, waitUntilDone(api)])
    if (options.exit) return await stop(...(await summarise(demo, api, published)))
    explain(demo)
  } catch (error) {
    if (!demo.showing) return // the demo is ending, which cut the call off
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    await stop(1)
  }
}

/** Starts the receivers and the server, and creates the endpoints, in that order. */
async function start(demo: Demo): Promise<Api> {
  const authority = await createAuthority('Posthorn demo authority')
  demo.authority = authority
  const caFile = join(demo.folder, 'receivers-ca.pem')
  const dataFolder = join(demo.folder, 'data')
  mkdirSync(dataFolder, { mode: 0o700 })
  writeFileSync(caFile, authority.caPem)
  demo.receivers.push(...(await startReceivers(authority)))
  demo.server = await startServer({
    folder: demo.folder,
    dataFolder,
    caFile,
    scheduleSeconds: SCHEDULE_SECONDS,
    onLog: line => show(demo, line),
  })
  const api = createApi(demo.server.url, demo.server.apiKey, events.tenant)
  await api.putTenant()
  say('Posthorn is running with an embedded store in a temporary folder. Its receivers (TLS), one per starter type:\n')
  for (const receiver of demo.receivers) {
    demo.byEndpoint.set(await api.createEndpoint(receiver.url, receiver.secret, receiver.type), receiver)
    say(`  ${receiver.name.padEnd(8)}  ${receiver.type.padEnd(26)}  ${receiver.behaviour}`)
  }
  say(`\nFor this demo, retries follow after ${SCHEDULE_SECONDS.join(', ')} s.`)
  say(`The real delays (C12) are ${REAL_SCHEDULE}, each plus up to 10 %.\n`)
  return api
}

async function publish(demo: Demo, api: Api): Promise<readonly PublishedEvent[]> {
  for (const { receiver, downMs } of demo.receivers) {
    if (downMs === 0) continue
    await receiver.stop()
    later(demo, downMs, () => void receiver.start())
  }
  say(tableHead(process.stdout.columns))
  return api.publish(events.body)
}

async function openCompany(demo: Demo): Promise<void> {
  const { url, apiKey } = demo.server!
  demo.company = new Company()
  await demo.company.open(url, apiKey, demo.authority!)
}

function show(demo: Demo, line: Readonly<Record<string, unknown>>): void {
  // The company's attempts are for the dashboard: there would be some every second.
  if (line.msg !== 'attempt' || !demo.showing || line.tenant !== events.tenant) return
  const text = formatAttempt(
    {
      atMs: elapsedMs(),
      type: String(line.type),
      receiver: demo.byEndpoint.get(String(line.endpoint))?.name ?? '?',
      attempt: Number(line.attempt),
      status: typeof line.status === 'number' ? line.status : null,
      errorCode: typeof line.errorCode === 'string' ? line.errorCode : null,
      durationMs: Number(line.durationMs),
    },
    process.stdout.isTTY === true && process.stdout.hasColors(),
    process.stdout.columns,
  )
  say(text)
}

/** Polls the API, as any client would: it has no call that waits. */
async function waitUntilDone(api: Api): Promise<void> {
  while (elapsedMs() < WAIT_UNTIL_MS && (await api.isPending())) {
    await new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS))
  }
}

async function summarise(
  demo: Demo,
  api: Api,
  published: readonly PublishedEvent[],
): Promise<[exitCode: number, lastLine: string]> {
  const totals = await api.countDeliveries()
  const received = new Set<string>()
  let delivered = 0
  for (const { receiver } of demo.receivers) {
    delivered += receiver.distinct.size
    for (const key of receiver.distinct) received.add(key.slice(0, key.indexOf(' ')))
  }
  const lost = published.filter(event => !received.has(event.id)).length
  const wrongBearers = demo.receivers.reduce((sum, { receiver }) => sum + receiver.mismatches, 0)
  if (wrongBearers > 0) process.stderr.write(`${wrongBearers} requests had a wrong bearer token.\n`)
  const good = lost === 0 && totals.pending === 0 && wrongBearers === 0
  return [good ? 0 : 1, JSON.stringify({ published: published.length, delivered, ...totals, lost })]
}

function explain(demo: Demo): void {
  const { url, apiKey } = demo.server!
  const { tenants, endpoints } = demo.company!.counts
  say(`\nIn the background, ${tenants} more tenants with ${endpoints} endpoints get about two events a second. Some of`)
  say('their receivers are slow, down, hanging or refuse the token. Their attempts are not listed here.')
  say(`\nThe API is at ${url}/v1; ${url}/openapi.json describes it. To publish one more event:\n`)
  const event = '{"type":"COVER_REFERENCE","payload":{"CoverId":"564200aa-7128-4a26-83a8-cf0201903fcc"}}'
  const headers = `-H 'Authorization: Bearer ${apiKey}' -H 'Content-Type: application/json'`
  say(`curl -sS ${url}/v1/tenants/${events.tenant}/events ${headers} -d '${event}'`) // one line, to copy it whole
  say('\nCtrl-C ends the demo and removes its folder.')
}

async function showDashboard({ url, apiKey }: { readonly url: string; readonly apiKey: string }): Promise<void> {
  try {
    say(`\nDashboard: ${await createLink(url, apiKey)}\n(The link signs in once, within ten minutes.)\n`)
  } catch {
    // The demo has just ended.
  }
}

async function close(demo: Demo): Promise<void> {
  demo.showing = false
  for (const timer of demo.timers) clearTimeout(timer)
  const closed = demo.company?.close()
  const ended = demo.server?.end() ?? Promise.resolve()
  // With `--exit`, a server that is slow to end is left to its tether, which also removes the folder.
  await (demo.options.exit ? Promise.race([ended, new Promise(resolve => setTimeout(resolve, LAST_WAIT_MS))]) : ended)
  await Promise.all([closed, ...demo.receivers.map(({ receiver }) => receiver.close())])
  if (!demo.server) rmSync(demo.folder, { recursive: true, force: true })
}

function later(demo: Demo, delayMs: number, then: () => void): void {
  demo.timers.add(setTimeout(then, delayMs))
}

function once<Args extends unknown[]>(act: (...args: Args) => Promise<void>): (...args: Args) => Promise<void> {
  let acting: Promise<void> | undefined
  return (...args) => {
    acting ??= act(...args)
    return acting
  }
}
