/**
 * B6 for the alternatives: as many receivers hang until the deadline as each alternative has workers, and keep getting
 * events, while healthy events are published at a modest, steady rate. Measures how the healthy events fare with
 * Posthorn (defaults, all endpoints of one tenant) and with each alternative. All are measured at the same time, since
 * none of them is busy; so load and machine are the same for all.
 */
import { randomBytes } from 'node:crypto'
import { LIBRARIES, type LibraryName, startAlternative } from './alternatives/alternatives.ts'
import { toJobId } from './alternatives/sending.ts'
import { Child } from './child.ts'
import type { Bench, RunOptions, Say } from './definition.ts'
import { EVENT_TYPE, makePayload } from './events.ts'
import { formatLatency, LATENCY_HEAD, Latencies } from './latencies.ts'
import { monotonicMs } from './monotonic.ts'
import type { ReceiverAnswer, ReceiverCommand } from './receiver.ts'
import type { BenchResult, Latency } from './result.ts'
import { bareHeaders, type Setting, startSetting, TENANT } from './setting.ts'

const WORKERS = 64
/** The shortest deadline anyone would choose; also Posthorn's default `responseTimeoutMs`. */
const DEADLINE_MS = 15_000
/** Each hanging receiver has its own event type, so that an event goes to exactly one of them. */
const hangingType = (index: number) => `HANGING_${index}`
const HEALTHY_PER_SECOND = 20
/**
 * How often each hanging receiver gets an event, in rotation. Each event occupies a worker for three times as long, so
 * that workers never recover.
 */
const HANGING_EVERY_MS = 5_000
/** A healthy event that arrives within this time is in time by any standard. */
const IN_TIME_MS = 2_000
/** Minimum share of healthy events that must arrive in time. */
const GOAL = 0.99

const FULL = { warmUpSeconds: 5, quietSeconds: 15, hangingSeconds: 45 }
const SHORT = { warmUpSeconds: 3, quietSeconds: 5, hangingSeconds: 20 }

type Receiver = Child<ReceiverCommand, ReceiverAnswer>

export type Sender = {
  readonly name: string
  readonly receiver: Receiver
  /** Returns the id that the receiver sees. */
  publishHealthy(): Promise<string>
  /** Publishes an event to one of the hanging receivers. */
  publishHanging(index: number): Promise<unknown>
  end(): unknown
}

export const hangingAlternatives: Bench = {
  id: 'B6-others',
  name: 'hanging-alternatives',
  summary: 'how healthy events fare while other receivers hang, compared with the alternatives',
  isLargerBetter: true,
  run: runBench,
}

async function runBench({ short }: RunOptions, say: Say): Promise<BenchResult> {
  const seconds = short ? SHORT : FULL
  const senders: Sender[] = []
  try {
    say(`${hangingAlternatives.id}: ${WORKERS} hanging receivers, ${HEALTHY_PER_SECOND} healthy events a second`)
    const missing = await startAll(senders)
    for (const { receiver } of senders) await receiver.ask({ kind: 'stamps' })
    await watch(senders, { name: 'warm-up', seconds: seconds.warmUpSeconds })
    const quiet = await watch(senders, { name: 'none hang', seconds: seconds.quietSeconds })
    say(LATENCY_HEAD)
    for (const { latency } of quiet) say(formatLatency(latency))
    const hanging = await watch(senders, { name: `${WORKERS} hang`, seconds: seconds.hangingSeconds, isHanging: true })
    for (const { latency } of hanging) say(formatLatency(latency))
    for (const { name, healthy, arrived, inTime } of hanging) {
      say(`${name}: ${arrived} of ${healthy} arrived during the run, ${inTime} within two seconds`)
    }
    return conclude(quiet, hanging, missing, seconds)
  } finally {
    for (const { end } of senders.toReversed()) await end()
  }
}

/** Adds to the list as it goes, so that the caller can end those started if a later one fails. Returns the missing. */
async function startAll(senders: Sender[]): Promise<LibraryName[]> {
  const setting = await startSetting()
  const urls = await startPosthornSender(senders, 'Posthorn, SQLite', setting)
  await startPosthornSender(senders, 'Posthorn, PostgreSQL', await startSetting({ isShared: true }))
  const missing: LibraryName[] = []
  for (const library of LIBRARIES) {
    const sender = await startAlternativeSender(library, setting, urls)
    if (sender === undefined) missing.push(library)
    else senders.push(sender)
  }
  return missing
}

/** Returns the URLs of the hanging receivers. */
async function startPosthornSender(senders: Sender[], name: string, setting: Setting): Promise<string[]> {
  const { posthorn, receiver } = setting
  let serial = 0
  const publish = async (type: string) => {
    const event = { type, payload: JSON.parse(makePayload(serial++)) as unknown }
    return (await posthorn.call<{ id: string }>('POST', `tenants/${TENANT}/events`, event)).id
  }
  const hung: Receiver = new Child('receiver.ts')
  senders.push({
    name,
    receiver,
    publishHealthy: () => publish(EVENT_TYPE),
    publishHanging: index => publish(hangingType(index)),
    async end() {
      await hung.end() // first, so that nothing is in flight when the sender ends
      await setting.end()
    },
  })
  const urls = await listenAndHang(hung, setting)
  const { schema, example } = await posthorn.call<Record<string, unknown>>('GET', `event-types/${EVENT_TYPE}`)
  for (const [index, url] of urls.entries()) {
    const type = { group: 'Bench', description: 'For a receiver that hangs.', schema, example }
    await posthorn.call('PUT', `event-types/${hangingType(index)}`, type)
    const clientSecret = randomBytes(24).toString('base64url')
    await posthorn.call('POST', `tenants/${TENANT}/endpoints`, { url, clientSecret, types: [hangingType(index)] })
  }
  return urls
}

/** Opens a port for each, so that each counts as a separate host. */
async function listenAndHang(hung: Receiver, { authority }: Setting): Promise<string[]> {
  const { certPem, keyPem } = await authority.issue({ names: [], ips: ['127.0.0.1'] })
  const urls: string[] = []
  while (urls.length < WORKERS) {
    const { value } = await hung.ask({ kind: 'listen', certPem, keyPem, isHanging: true })
    urls.push(`https://127.0.0.1:${value}/hooks`)
  }
  return urls
}

async function startAlternativeSender(
  library: LibraryName,
  { authority, clientSecret, origin }: Setting,
  hangingUrls: readonly string[],
): Promise<Sender | undefined> {
  const alternative = await startAlternative(library, {
    requester: 'undici',
    caPem: authority.caPem,
    headers: bareHeaders(clientSecret),
    requests: WORKERS,
    deadlineMs: DEADLINE_MS,
  })
  if (alternative === undefined) return undefined
  // Each alternative needs its own receiver, because the ids of each start from 0.
  const receiver: Receiver = new Child('receiver.ts')
  const { certPem, keyPem } = await authority.issue({ names: [], ips: ['127.0.0.1'] })
  const { value: port } = await receiver.ask({ kind: 'listen', certPem, keyPem })
  let serial = 0
  const publish = async (url: string) => {
    const firstSerial = serial++
    await alternative.publish({ url, firstSerial, batches: 1, batchSize: 1, inFlight: 1 })
    return toJobId(firstSerial)
  }
  return {
    name: library,
    receiver,
    publishHealthy: () => publish(`${origin.replace(/\d+$/, String(port))}/hooks`),
    publishHanging: index => publish(hangingUrls[index]!),
    async end() {
      await receiver.end()
      await alternative.end()
    },
  }
}

type Watched = {
  readonly name: string
  readonly latency: Latency
  readonly healthy: number
  readonly arrived: number
  readonly inTime: number
}

type Situation = { readonly name: string; readonly seconds: number; readonly isHanging?: boolean }

/** Publishes on a fixed schedule, however long each call takes, and records when the healthy events arrive. */
async function watch(senders: readonly Sender[], { name: situation, seconds, isHanging }: Situation) {
  const plans = senders.map(() => new Map<string, number>())
  const publishHealthy = (plannedAtMs: number) =>
    senders.map(async (sender, index) => void plans[index]!.set(await sender.publishHealthy(), plannedAtMs))
  let turn = 0
  const publishHanging = () => {
    const index = turn++ % WORKERS
    return senders.map(sender => sender.publishHanging(index))
  }
  const hangingEveryMs = HANGING_EVERY_MS / WORKERS
  // One event for each: from here on all of them hang.
  if (isHanging) await publishSteadily(HANGING_EVERY_MS, hangingEveryMs, publishHanging)
  await Promise.all([
    publishSteadily(seconds * 1_000, 1_000 / HEALTHY_PER_SECOND, publishHealthy),
    ...(isHanging ? [publishSteadily(seconds * 1_000, hangingEveryMs, publishHanging)] : []),
  ])
  // Give the last events the time that counts as in time.
  await new Promise(resolve => setTimeout(resolve, IN_TIME_MS))
  const overAtMs = monotonicMs()
  return Promise.all(
    senders.map(async ({ name, receiver }, index): Promise<Watched> => {
      const { stamps } = await receiver.ask({ kind: 'stamps' })
      return { name, ...summariseArrivals(`${name}, ${situation}`, plans[index]!, new Map(stamps), overAtMs) }
    }),
  )
}

async function publishSteadily(
  forMs: number,
  everyMs: number,
  publish: (plannedAtMs: number) => readonly Promise<unknown>[],
): Promise<void> {
  const underWay: Promise<unknown>[] = []
  const startedAtMs = monotonicMs()
  for (let plannedAtMs = startedAtMs; plannedAtMs < startedAtMs + forMs; plannedAtMs += everyMs) {
    await new Promise(resolve => setTimeout(resolve, Math.max(0, plannedAtMs - monotonicMs())))
    underWay.push(...publish(plannedAtMs))
  }
  await Promise.all(underWay)
}

/**
 * Summarises the time from an event's scheduled publication to its arrival. An event that hasn't arrived counts as if
 * it had arrived at the end of the run: leaving out the most delayed events would flatter the result.
 */
export function summariseArrivals(
  name: string,
  plannedAtMs: ReadonlyMap<string, number>,
  arrivedAtMs: ReadonlyMap<string, number>,
  overAtMs: number,
): Omit<Watched, 'name'> {
  const latencies = new Latencies()
  let arrived = 0
  let inTime = 0
  for (const [id, plannedMs] of plannedAtMs) {
    const at = arrivedAtMs.get(id)
    const waitedMs = (at ?? overAtMs) - plannedMs
    latencies.record(waitedMs)
    if (at === undefined) continue
    arrived++
    if (waitedMs <= IN_TIME_MS) inTime++
  }
  return { latency: latencies.summary(name), healthy: plannedAtMs.size, arrived, inTime }
}

function conclude(
  quiet: readonly Watched[],
  hanging: readonly Watched[],
  missing: readonly LibraryName[],
  seconds: BenchResult['setup'],
): BenchResult {
  const shares = (count: (each: Watched) => number) =>
    hanging.map(each => {
      const share = count(each) / each.healthy
      return { name: each.name, summary: { median: share, min: share, max: share } }
    })
  const inTime = shares(each => each.inTime)
  return {
    id: hangingAlternatives.id,
    title: `How healthy events fare while ${WORKERS} receivers hang, as many as the alternatives have workers`,
    measures: inTime
      .filter(({ name }) => name.startsWith('Posthorn'))
      .map(({ name, summary }) => ({
        name: `${name}: share of healthy events within two seconds`,
        unit: '' as const,
        value: summary.median,
        goal: GOAL,
        bound: 'atLeast' as const,
      })),
    bars: [
      { name: 'Share of healthy events that arrived within two seconds', unit: '', bars: inTime },
      { name: 'Share of healthy events that arrived during the run', unit: '', bars: shares(each => each.arrived) },
    ],
    latencies: [...quiet, ...hanging].map(({ latency }) => latency),
    setup: {
      ...seconds,
      hanging: WORKERS,
      deadlineMs: DEADLINE_MS,
      healthyPerSecond: HEALTHY_PER_SECOND,
      hangingEveryMs: HANGING_EVERY_MS,
      workers: WORKERS,
    },
    notes: [
      'When the clock starts, each hanging receiver already has an event; it gets another every five seconds. A healthy event that had not arrived by the end of the run counts as if it had arrived then.',
      'pg-boss has 4 workers with batches of 100 here: a batch ends when its slowest job does.',
      ...missing.map(
        name => `${name} is missing: neither redis-server nor valkey-server is installed on this machine.`,
      ),
    ],
  }
}
