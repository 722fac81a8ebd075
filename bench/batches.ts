/**
 * For B1 and B2: processor time of the whole server per delivered event (batches of 100, one busy receiver over TLS
 * 1.3), divided by the bare loop's per request. B1 is on the embedded store, B2 on PostgreSQL, including its own time.
 * Runs of both alternate, so that other load on the machine affects both. What Posthorn and its store still do while
 * the bare loop runs (statistics, PostgreSQL's vacuum) is included.
 */
import { type Account, account } from './account.ts'
import { type BareLoopCommand, WAYS, type Way } from './bare-loop.ts'
import { Child } from './child.ts'
import type { RunOptions, Say } from './definition.ts'
import { type Memory, memoryOf, peakOf } from './memory.ts'
import type { BenchResult } from './result.ts'
import { BATCH_SIZE, BATCHES_IN_FLIGHT, bareHeaders, deliverBatches, type Setting, startSetting } from './setting.ts'
import { type Summary, summarise } from './statistics.ts'

/** Posthorn's default `laneWindow`, which the lane reaches within the first requests of the warm-up. */
const REQUESTS_IN_FLIGHT = 32

/** The bare loop is so fast that one request per event would take only a few ticks of processor accounting. */
const REQUESTS_PER_EVENT = 3

const FULL = { runs: 7, eventsPerRun: 40_000, warmUpEvents: 60_000 }
const SHORT = { runs: 5, eventsPerRun: 15_000, warmUpEvents: 60_000 }

export type BareLoop = Child<BareLoopCommand, number>

export type BatchBench = {
  readonly id: string
  readonly store: 'SQLite' | 'PostgreSQL'
  /** Posthorn's time divided by the bare loop's must be at most this. */
  readonly goal: number
}

export async function runBatches(
  bench: BatchBench,
  { short, profileFolder }: RunOptions,
  say: Say,
): Promise<BenchResult> {
  const { id, store } = bench
  const { runs, eventsPerRun, warmUpEvents } = short ? SHORT : FULL
  const requestsPerRun = eventsPerRun * REQUESTS_PER_EVENT
  const setting = await startSetting({ isShared: store === 'PostgreSQL', profileFolder })
  const bareLoop: BareLoop = new Child('bare-loop.ts')
  try {
    say(
      `${id}: batches of ${BATCH_SIZE}, ${BATCHES_IN_FLIGHT} in flight, one endpoint, ${REQUESTS_IN_FLIGHT} at a time`,
    )
    await runPosthorn(setting, warmUpEvents)
    const way = await fastestWay(setting, bareLoop, warmUpEvents, say)
    say(
      `warm after ${warmUpEvents} events; ${runs} alternating runs: ${eventsPerRun} events, ${requestsPerRun} requests`,
    )
    say(HEAD)
    const posthorn: Account[] = []
    const bare: Account[] = []
    for (let run = 1; run <= runs; run++) {
      const own = await runPosthorn(setting, eventsPerRun)
      let other: Account | undefined
      const after = await account(sendersOf(setting), eventsPerRun, async () => {
        other = await runBareLoop(setting, bareLoop, { requests: requestsPerRun, way })
      })
      posthorn.push({ ...own, micros: { ...own.micros, afterwards: sender(after) } })
      bare.push(other!)
      say(formatRun(run, 'Posthorn', posthorn.at(-1)!))
      say(formatRun(run, 'bare loop', bare.at(-1)!))
    }
    const peaks = { Posthorn: memoryOf(setting.posthorn.pid), 'bare loop': memoryOf(bareLoop.pid) }
    return conclude(bench, { posthorn, bare, way, peaks }, { runs, eventsPerRun, requestsPerRun, warmUpEvents })
  } finally {
    bareLoop.end()
    await setting.end()
  }
}

/** Returns the way to send that is cheapest on this machine right now; each is warmed up before it is measured. */
async function fastestWay(setting: Setting, bareLoop: BareLoop, requests: number, say: Say): Promise<Way> {
  const found: { way: Way; micros: number }[] = []
  for (const way of WAYS) {
    await runBareLoop(setting, bareLoop, { requests: requests / 2, way })
    const micros = sender(await runBareLoop(setting, bareLoop, { requests, way }))
    found.push({ way, micros })
  }
  const [fastest] = found.toSorted((a, b) => a.micros - b.micros)
  const words = found.map(({ way, micros }) => `${way} ${micros.toFixed(1)} µs`).join(', ')
  say(`bare loop: ${words}; comparing with ${fastest!.way}`)
  return fastest!.way
}

type Measured = {
  readonly posthorn: readonly Account[]
  readonly bare: readonly Account[]
  readonly way: Way
  readonly peaks: Readonly<Record<'Posthorn' | 'bare loop', Memory | undefined>>
}

function conclude({ id, store, goal }: BatchBench, measured: Measured, counts: BenchResult['setup']): BenchResult {
  const { posthorn, bare, way, peaks } = measured
  const of = (accounts: readonly Account[], name: string) => summarise(accounts.map(({ micros }) => micros[name]!))
  const whole = summarise(posthorn.map(sender))
  const loop = summarise(bare.map(sender))
  const neighbours = summarise(posthorn.map((each, index) => sender(each) / sender(bare[index]!)))
  const database = store === 'PostgreSQL' ? [{ name: 'PostgreSQL', micros: of(posthorn, 'PostgreSQL') }] : []
  return {
    id,
    title: `Processor time per delivered event on ${store}, batches of ${BATCH_SIZE}, compared with a bare POST`,
    measures: [{ name: 'Posthorn ÷ bare loop', unit: '', value: whole.median / loop.median, goal, bound: 'atMost' }],
    bars: [
      bars('Processor time', 'µs', { Posthorn: whole, 'bare loop': loop }),
      bars('Ratio of paired runs', '', { 'Posthorn ÷ bare loop': neighbours }),
      bars('Rate', 'events/s', { Posthorn: summarise(posthorn.map(({ eventsPerSecond }) => eventsPerSecond)) }),
    ],
    processes: [
      { name: 'Posthorn', micros: of(posthorn, 'sender'), ...peakOf(peaks.Posthorn) },
      ...database,
      { name: 'both, while the bare loop runs', micros: of(posthorn, 'afterwards') },
      { name: 'publisher', micros: of(posthorn, 'publisher') },
      { name: 'receiver', micros: of(posthorn, 'receiver') },
      { name: 'bare loop (per request)', micros: loop, ...peakOf(peaks['bare loop']) },
    ],
    setup: {
      ...counts,
      bareLoop: way,
      batchSize: BATCH_SIZE,
      batchesInFlight: BATCHES_IN_FLIGHT,
      inFlight: REQUESTS_IN_FLIGHT,
    },
  }
}

export const bars = (name: string, unit: string, summaries: Record<string, Summary>) => ({
  name,
  unit,
  bars: Object.entries(summaries).map(([barName, summary]) => ({ name: barName, summary })),
})

/** Includes the store's server, if there is one, and the work done after the run, if it was measured. */
export const sender = ({ micros }: Account) =>
  micros.sender! + (micros.PostgreSQL ?? 0) + (micros.Redis ?? 0) + (micros.afterwards ?? 0)

const sendersOf = ({ posthorn, postgres }: Setting) => [
  { name: 'sender', pid: posthorn.pid },
  ...(postgres === undefined ? [] : [{ name: 'PostgreSQL', pid: postgres.pid, withChildren: true }]),
]

export function runPosthorn(setting: Setting, events: number): Promise<Account> {
  const { publisher, receiver } = setting
  const processes = [
    ...sendersOf(setting),
    { name: 'publisher', pid: publisher.pid },
    { name: 'receiver', pid: receiver.pid },
  ]
  return account(processes, events, () => deliverBatches(setting, events))
}

type BareLoopRun = { readonly requests: number; readonly inFlight?: number; readonly way?: Way }

export function runBareLoop(
  setting: Setting,
  bareLoop: BareLoop,
  { requests, inFlight = REQUESTS_IN_FLIGHT, way = 'dispatch' }: BareLoopRun,
): Promise<Account> {
  const { origin, authority, clientSecret, receiver, publisher } = setting
  const target = { origin, caPem: authority.caPem, path: '/hooks', headers: bareHeaders(clientSecret) }
  const processes = [
    { name: 'sender', pid: bareLoop.pid },
    { name: 'publisher', pid: publisher.pid },
    { name: 'receiver', pid: receiver.pid },
  ]
  return account(processes, requests, async () => {
    await bareLoop.ask({ ...target, requests, inFlight, way })
    await setting.receives(requests)
  })
}

export const HEAD = 'run  sender     sender µs  publisher µs  receiver µs  events/s'

export function formatRun(run: number, name: string, each: Account): string {
  const { micros, eventsPerSecond } = each
  const cells = [String(run).padStart(3), name.padEnd(9), sender(each).toFixed(1).padStart(10)]
  cells.push(micros.publisher!.toFixed(1).padStart(12), micros.receiver!.toFixed(1).padStart(11))
  cells.push(eventsPerSecond.toFixed(0).padStart(8))
  return cells.join('  ')
}
