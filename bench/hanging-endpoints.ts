/**
 * B6: how 50 endpoints that hang until their deadline and have 100,000 deliveries pending affect 200 healthy endpoints
 * of the same tenant. The measure is the p99 from an event's scheduled publication to its first byte at the receiver,
 * divided by the same on a Posthorn that has only the 200. Every endpoint has a host (a port) of its own, as in
 * practice: hanging endpoints are meant to use up the share of their own host, and the caps per host are there for
 * that.
 */
import { randomBytes } from 'node:crypto'
import { Child } from './child.ts'
import type { Bench, RunOptions, Say } from './definition.ts'
import { EVENT_TYPE, makeBatch } from './events.ts'
import { formatLatency, LATENCY_HEAD } from './latencies.ts'
import { createSeen, publishPlanned, type Seen, type Singles } from './planned-events.ts'
import { type Posthorn, startPosthorn } from './posthorn.ts'
import type { ReceiverAnswer, ReceiverCommand } from './receiver.ts'
import type { BenchResult } from './result.ts'
import { type Setting, startSetting } from './setting.ts'
import { type Summary, summarise } from './statistics.ts'

const GOAL = 1.2
const TENANT = 'healthy-and-hanging'
const HEALTHY = 200
const HANGING = 50
const PENDING = 100_000
const PENDING_EVENTS = PENDING / HANGING
/** Keeps the deliveries of one call below the number from which they are created later, from the inbox. */
const PENDING_BATCH = 50
/** Posthorn's default `responseTimeoutMs`. */
const DEADLINE_MS = 15_000

/** A modest rate, a small part of what the machine can handle: one event a second to each healthy endpoint. */
const PER_SECOND = HEALTHY
/** Many short runs, so that other load on the machine affects both sides. */
const FULL = { runs: 25, secondsPerRun: 6, warmUpSeconds: 40 }
const SHORT = { runs: 6, secondsPerRun: 3, warmUpSeconds: 6 }

type Hung = Child<ReceiverCommand, ReceiverAnswer>
type Side = { readonly name: string; readonly posthorn: Posthorn; readonly all: Seen; readonly p99s: number[] }

export const hangingEndpoints: Bench = {
  id: 'B6',
  name: 'hanging-endpoints',
  summary: 'p99 of healthy endpoints with others that hang and have a backlog, divided by p99 without them',
  run: runBench,
}

async function runBench({ short, profileFolder }: RunOptions, say: Say): Promise<BenchResult> {
  const { runs, secondsPerRun, warmUpSeconds } = short ? SHORT : FULL
  const setting = await startSetting({ profileFolder })
  const hung: Hung = new Child('receiver.ts')
  const single: Singles = new Child('single-publisher.ts')
  let other: Posthorn | undefined
  try {
    say(
      `${hangingEndpoints.id}: ${HEALTHY} healthy endpoints, ${PER_SECOND} events a second, without and with ${HANGING} that hang`,
    )
    other = await startPosthorn({ caPem: setting.authority.caPem })
    const urls = await listen(setting, setting.receiver, HEALTHY, false)
    for (const posthorn of [setting.posthorn, other]) await registerHealthy(posthorn, urls)
    await registerHanging(setting.posthorn, await listen(setting, hung, HANGING, true))
    await publishPending(setting.posthorn)
    say(`${PENDING} deliveries pending at the hanging endpoints; warming up both sides`)
    const createSide = (name: string, posthorn: Posthorn) => ({ name, posthorn, all: createSeen(), p99s: [] })
    const sides: Side[] = [createSide('without', other), createSide('with', setting.posthorn)]
    const plan = { tenant: TENANT, types: urls.map((_, index) => typeOf(index)), perSecond: PER_SECOND }
    for (const { posthorn } of sides) {
      await publishPlanned(setting, single, posthorn, { ...plan, seconds: warmUpSeconds }, createSeen())
    }
    say(`run  ${LATENCY_HEAD}`)
    for (let run = 1; run <= runs; run++) {
      for (const { name, posthorn, all, p99s } of sides) {
        const seen = await publishPlanned(setting, single, posthorn, { ...plan, seconds: secondsPerRun }, all)
        p99s.push(seen.fromPlanned.quantile(99))
        say(`${String(run).padStart(3)}  ${formatLatency(seen.fromPlanned.summary(name))}`)
      }
    }
    const { value: hungRequests } = await hung.ask({ kind: 'total' })
    say(`${hungRequests} requests hung during the runs`)
    for (const { name, all } of sides) say(`all  ${formatLatency(all.fromPlanned.summary(name))}`)
    const counts = { runs, secondsPerRun, perSecond: PER_SECOND, hungRequests }
    return conclude(sides, { ...counts, healthy: HEALTHY, hanging: HANGING, pending: PENDING })
  } finally {
    await single.end()
    await hung.end()
    await other?.end()
    await setting.end()
  }
}

function conclude(sides: readonly Side[], setup: BenchResult['setup']): BenchResult {
  const latencies = sides.map(({ name, all }) => all.fromPlanned.summary(name))
  const [without, with_] = sides.map(({ p99s }) => summarise(p99s))
  const bar = (name: string, summary: Summary) => ({ name, summary })
  const neighbours = sides[1]!.p99s.map((p99, index) => p99 / sides[0]!.p99s[index]!)
  return {
    id: hangingEndpoints.id,
    title: `Latency of ${HEALTHY} healthy endpoints while ${HANGING} hang until their deadline, with ${PENDING} deliveries pending`,
    measures: [
      { name: 'p99 with ÷ without', unit: '', value: with_!.median / without!.median, goal: GOAL, bound: 'atMost' },
    ],
    bars: [
      {
        name: 'p99 by run',
        unit: 'ms',
        bars: [bar('without', without!), bar('with', with_!)],
      },
      { name: 'Ratio of paired runs', unit: '', bars: [bar('with ÷ without', summarise(neighbours))] },
    ],
    latencies,
    setup: { ...setup, deadlineMs: DEADLINE_MS },
    notes: [
      "The measure is the ratio of the medians of the runs' p99: over all runs together, a single stall of the disk would decide the p99.",
      "Latency is measured from the event's scheduled publication to its first byte at the receiver. All endpoints belong to one tenant, each on a port of its own. Two servers alternate, each with the healthy endpoints; the hanging ones are on the second.",
    ],
  }
}

async function listen({ authority }: Setting, receiver: Hung, count: number, isHanging: boolean): Promise<string[]> {
  const { certPem, keyPem } = await authority.issue({ names: [], ips: ['127.0.0.1'] })
  const urls: string[] = []
  while (urls.length < count) {
    const { value } = await receiver.ask({ kind: 'listen', certPem, keyPem, isHanging })
    urls.push(`https://127.0.0.1:${value}/hooks`)
  }
  return urls
}

const typeOf = (index: number) => `HEALTHY_${index}`

/** Registers each endpoint with its own event type, so that an event goes to exactly one of them. */
async function registerHealthy(posthorn: Posthorn, urls: readonly string[]): Promise<void> {
  await posthorn.call('PUT', `tenants/${TENANT}`, {})
  const { schema, example } = await posthorn.call<Record<string, unknown>>('GET', `event-types/${EVENT_TYPE}`)
  for (const [index, url] of urls.entries()) {
    const type = { group: 'Bench', description: 'For one endpoint.', schema, example }
    await posthorn.call('PUT', `event-types/${typeOf(index)}`, type)
    await registerOne(posthorn, url, typeOf(index))
  }
}

async function registerHanging(posthorn: Posthorn, urls: readonly string[]): Promise<void> {
  for (const url of urls) await registerOne(posthorn, url, EVENT_TYPE)
}

function registerOne(posthorn: Posthorn, url: string, type: string): Promise<unknown> {
  const clientSecret = randomBytes(24).toString('base64url')
  return posthorn.call('POST', `tenants/${TENANT}/endpoints`, { url, clientSecret, types: [type] })
}

async function publishPending(posthorn: Posthorn): Promise<void> {
  for (let serial = 0; serial < PENDING_EVENTS; serial += PENDING_BATCH) {
    await posthorn.call('POST', `tenants/${TENANT}/events`, JSON.parse(makeBatch(serial, PENDING_BATCH).toString()))
  }
}
