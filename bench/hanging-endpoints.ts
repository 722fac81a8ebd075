/**
 * B6: what 200 healthy endpoints notice of 50 others of the same tenant that hang to their deadline and have 100,000
 * deliveries pending: the p99 from when the plan wanted an event published to its first byte at the receiver, divided by
 * the same at a Posthorn that has the 200 alone. Every endpoint has a host (a port) of its own, as in life: that a
 * host's share is used up by those that hang at it is what caps per host are for.
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
/** One call's deliveries stay below what is made later, from the inbox. */
const PENDING_BATCH = 50
/** Posthorn's default `responseTimeoutMs`. */
const DEADLINE_MS = 15_000

/** A modest rate, a small part of what the machine carries: an event a second to each healthy endpoint. */
const PER_SECOND = HEALTHY
/** Short turns, and many, so that what else the machine does falls on both. */
const FULL = { runs: 25, secondsPerRun: 6, warmUpSeconds: 40 }
const SHORT = { runs: 6, secondsPerRun: 3, warmUpSeconds: 6 }

type Hung = Child<ReceiverCommand, ReceiverAnswer>
type Side = { readonly name: string; readonly posthorn: Posthorn; readonly all: Seen; readonly p99s: number[] }

export const hangingEndpoints: Bench = {
  id: 'B6',
  name: 'hanging-endpoints',
  summary: 'p99 of healthy endpoints with others that hang and have much pending, divided by without them',
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
    say(`${PENDING} deliveries pending at those that hang; warming both up`)
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
    say(`${hungRequests} requests hung meanwhile`)
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
    title: `What ${HEALTHY} healthy endpoints notice of ${HANGING} that hang to their deadline, ${PENDING} deliveries pending`,
    measures: [
      { name: 'p99 with ÷ without', unit: '', value: with_!.median / without!.median, goal: GOAL, bound: 'atMost' },
    ],
    bars: [
      {
        name: 'p99 of the runs',
        unit: 'ms',
        bars: [bar('without', without!), bar('with', with_!)],
      },
      { name: 'Ratio of neighbouring runs', unit: '', bars: [bar('with ÷ without', summarise(neighbours))] },
    ],
    latencies,
    setup: { ...setup, deadlineMs: DEADLINE_MS },
    notes: [
      'The measure is of the medians of the runs’ p99: in all of them together, one stall of the disk decides.',
      'From when the plan wanted the event published to its first byte at the receiver. All endpoints are of one tenant, each at a port of its own. Two servers take turns, each with the healthy ones; those that hang are at the second.',
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

/** Each has a type of its own, so that an event goes to one of them. */
async function registerHealthy(posthorn: Posthorn, urls: readonly string[]): Promise<void> {
  await posthorn.call('PUT', `tenants/${TENANT}`, {})
  const { schema, example } = await posthorn.call<Record<string, unknown>>('GET', `event-types/${EVENT_TYPE}`)
  for (const [index, url] of urls.entries()) {
    const type = { group: 'Bench', description: 'Of one endpoint.', schema, example }
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
