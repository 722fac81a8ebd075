/**
 * B4: processor time per delivered event, including the store's server, divided by that of the best alternative. All
 * have one busy receiver, batches of 100 and 64 requests in flight; their runs alternate.
 */
import { type Account, account } from './account.ts'
import { type Alternative, LIBRARIES, type LibraryName, startAlternative } from './alternatives/alternatives.ts'
import type { Requester } from './alternatives/sending.ts'
import { type BareLoop, bars, formatRun, HEAD, runBareLoop, runPosthorn, sender } from './batches.ts'
import { Child } from './child.ts'
import type { Bench, RunOptions, Say } from './definition.ts'
import type { BenchResult, ProcessCost } from './result.ts'
import { BATCH_SIZE, BATCHES_IN_FLIGHT, bareHeaders, type Setting, startSetting } from './setting.ts'
import { type Summary, summarise } from './statistics.ts'

const REQUESTS_IN_FLIGHT = 64
/** Deadline of the alternatives' requests, the same as Posthorn's default `responseTimeoutMs`. */
const DEADLINE_MS = 15_000
const GOALS = { 'Posthorn, SQLite': 0.35, 'Posthorn, PostgreSQL': 0.55 }
const BARE_LOOP = 'bare loop'
/** Also measured with Node's own fetch, which most people would use. One library is enough to show the extra cost. */
const FETCHED = 'graphile-worker'

/**
 * By default a receiver gets 32 requests at the same time (`laneWindow`). A lane takes a quarter of what its tenant has
 * left at the host, so with the default `maxInFlightPerHost` of 128 it would stop at 57.
 */
const FLAGS = ['--lane-window', String(REQUESTS_IN_FLIGHT), '--max-in-flight-per-host', '256']

const FULL = { runs: 5, eventsPerRun: 30_000, warmUpEvents: 60_000 }
const SHORT = { runs: 3, eventsPerRun: 6_000, warmUpEvents: 20_000 }

type Contestant = {
  readonly name: string
  readonly isAlternative: boolean
  /** Delivers this many events and returns what they cost. */
  run(events: number): Promise<Account>
  end(): unknown
}

export const batchAlternatives: Bench = {
  id: 'B4',
  name: 'batch-alternatives',
  summary: 'processor time per delivered event, divided by that of the best alternative',
  run: runBench,
}

async function runBench({ short, profileFolder }: RunOptions, say: Say): Promise<BenchResult> {
  const counts = short ? SHORT : FULL
  const contestants: Contestant[] = []
  try {
    say(
      `${batchAlternatives.id}: batches of ${BATCH_SIZE}, ${BATCHES_IN_FLIGHT} in flight, one receiver, ${REQUESTS_IN_FLIGHT} requests at a time`,
    )
    const missing = await startAll(contestants, { short, ...(profileFolder === undefined ? {} : { profileFolder }) })
    for (const name of missing) say(`${name} is skipped: the store it needs is not installed`)
    for (const each of contestants) await each.run(counts.warmUpEvents)
    say(`warm after ${counts.warmUpEvents} events; ${counts.runs} alternating runs of ${counts.eventsPerRun} events`)
    say(HEAD)
    const runs = new Map<string, Account[]>(contestants.map(({ name }) => [name, []]))
    for (let run = 1; run <= counts.runs; run++) {
      for (const each of contestants) {
        const found = await each.run(counts.eventsPerRun)
        runs.get(each.name)!.push(found)
        say(formatRun(run, each.name, found))
      }
    }
    const alternatives = contestants.filter(({ isAlternative }) => isAlternative).map(({ name }) => name)
    return conclude(runs, alternatives, missing, counts)
  } finally {
    for (const each of contestants.toReversed()) await each.end()
  }
}

/** Adds to the list as it goes, so that the caller can end those started if a later one fails. Returns the missing. */
async function startAll(contestants: Contestant[], options: RunOptions): Promise<LibraryName[]> {
  const { short, profileFolder } = options
  const setting = await startSetting({ profileFolder, flags: FLAGS })
  contestants.push(posthornAs('Posthorn, SQLite', setting))
  contestants.push(
    posthornAs('Posthorn, PostgreSQL', await startSetting({ isShared: true, profileFolder, flags: FLAGS })),
  )
  const bareLoop: BareLoop = new Child('bare-loop.ts')
  contestants.push({
    name: BARE_LOOP,
    isAlternative: false,
    run: events => runBareLoop(setting, bareLoop, { requests: events, inFlight: REQUESTS_IN_FLIGHT }),
    end: () => bareLoop.end(),
  })
  const missing: LibraryName[] = []
  for (const library of LIBRARIES) {
    const found = await startContestant(library, setting, 'undici')
    if (found === undefined) missing.push(library)
    else contestants.push(found)
  }
  const fetched = short ? undefined : await startContestant(FETCHED, setting, 'fetch')
  if (fetched !== undefined) contestants.push(fetched)
  return missing
}

const posthornAs = (name: string, setting: Setting): Contestant => ({
  name,
  isAlternative: false,
  run: events => runPosthorn(setting, events),
  end: () => setting.end(),
})

const nameOf = (library: LibraryName, requester: Requester) => (requester === 'fetch' ? `${library}, fetch` : library)

async function startContestant(
  library: LibraryName,
  setting: Setting,
  requester: Requester,
): Promise<Contestant | undefined> {
  const { authority, clientSecret } = setting
  const alternative = await startAlternative(library, {
    requester,
    caPem: authority.caPem,
    headers: bareHeaders(clientSecret),
    requests: REQUESTS_IN_FLIGHT,
    deadlineMs: DEADLINE_MS,
  })
  if (alternative === undefined) return undefined
  let serial = 0
  return {
    name: nameOf(library, requester),
    isAlternative: true,
    run(events) {
      const firstSerial = serial
      serial += events
      return runAlternative(alternative, setting, firstSerial, events)
    },
    end: () => alternative.end(),
  }
}

/** Runs from the first batch until every event is delivered and its outcome stored, as for Posthorn. */
function runAlternative(
  alternative: Alternative,
  { receiver, receives, origin }: Setting,
  firstSerial: number,
  events: number,
): Promise<Account> {
  const { workerPid, publisherPid, store } = alternative
  const processes = [
    { name: 'sender', pid: workerPid },
    { name: 'publisher', pid: publisherPid },
    { name: 'receiver', pid: receiver.pid },
    { ...store, withChildren: true },
  ]
  return account(processes, events, async () => {
    const batches = { batches: events / BATCH_SIZE, batchSize: BATCH_SIZE, inFlight: BATCHES_IN_FLIGHT }
    await alternative.publish({ url: `${origin}/hooks`, firstSerial, ...batches })
    await receives(events)
    await alternative.allStored()
  })
}

type Runs = ReadonlyMap<string, readonly Account[]>

function conclude(
  runs: Runs,
  alternatives: readonly string[],
  missing: readonly LibraryName[],
  counts: BenchResult['setup'],
): BenchResult {
  const of = (cost: (each: Account) => number) =>
    Object.fromEntries([...runs].map(([name, accounts]) => [name, summarise(accounts.map(cost))]))
  const whole = of(sender)
  const withPublisher = of(each => sender(each) + each.micros.publisher!)
  const { best, measures } = compareWithBest(whole, alternatives)
  const alternativesRatio = compareWithBest(withPublisher, alternatives)
  const ratios = alternativesRatio.measures.map(({ name, value }) => `${name}: ${value.toFixed(2)}`).join('; ')
  return {
    id: batchAlternatives.id,
    title: `Processor time per delivered event, including the store's server, divided by the best alternative, batches of ${BATCH_SIZE}`,
    measures,
    bars: [
      bars("Processor time, including the store's server", 'µs', whole),
      bars("Processor time, including the store's server and the publisher", 'µs', withPublisher),
      bars(
        'Rate',
        'events/s',
        of(({ eventsPerSecond }) => eventsPerSecond),
      ),
    ],
    processes: processesOf(runs),
    setup: {
      ...counts,
      batchSize: BATCH_SIZE,
      batchesInFlight: BATCHES_IN_FLIGHT,
      inFlight: REQUESTS_IN_FLIGHT,
      best,
      posthornFlags: FLAGS.join(' '),
    },
    notes: [
      ...NOTES,
      `Including the publisher's time (best: ${alternativesRatio.best}): ${ratios}.`,
      ...tellFetch(whole),
      ...missing.map(tellMissing),
    ],
  }
}

/** Finds the alternative with the lowest median and divides Posthorn's medians by it. */
export function compareWithBest(costs: Readonly<Record<string, Summary>>, alternatives: readonly string[]) {
  const [best] = alternatives.toSorted((a, b) => costs[a]!.median - costs[b]!.median)
  if (best === undefined) throw new Error('No alternative to compare with is available.')
  const measures = Object.entries(GOALS).map(([name, goal]) => ({
    name: `${name} ÷ best alternative`,
    unit: '' as const,
    goal,
    bound: 'atMost' as const,
    value: costs[name]!.median / costs[best]!.median,
  }))
  return { best, measures }
}

function processesOf(runs: Runs): ProcessCost[] {
  return [...runs].flatMap(([name, accounts]) => {
    const parts = Object.keys(accounts[0]!.micros).filter(part => part !== 'receiver')
    return parts.map(part => ({
      name: `${name}: ${part}`,
      micros: summarise(accounts.map(({ micros }) => micros[part]!)),
    }))
  })
}

function tellFetch(costs: Readonly<Record<string, Summary>>): string[] {
  const [own, byFetch] = [costs[FETCHED], costs[nameOf(FETCHED, 'fetch')]]
  if (own === undefined || byFetch === undefined) return []
  return [`With Node's own fetch, ${FETCHED} costs ${(byFetch.median / own.median).toFixed(1)} times as much.`]
}

const tellMissing = (name: LibraryName) =>
  `${name} is missing: neither redis-server nor valkey-server is installed on this machine.`

const NOTES = [
  "Each figure includes the process that sends and its store's server with all its processes, but not the publisher. With Posthorn the publisher is an HTTP client; with the others it is the library itself, which adds the jobs, so part of the work of accepting events is left out. That favours the others; the second chart includes the publisher.",
  'The alternatives do not sign, do not check schemas or addresses, do not record attempts, and have one receiver that is known in advance. graphile-worker and BullMQ delete finished jobs; pg-boss keeps them.',
  "The alternatives send with `request` on a pool of undici, with the bare loop's headers and body; “fetch” is the same with Node's own `fetch`.",
  'Each has a store of its own: PostgreSQL of the same version and configuration (its defaults: fsync and synchronous_commit on), or Redis with an append-only file that is synced once a second. Unlike the others, Redis can lose what was added in the last second.',
  'graphile-worker: 64 jobs at the same time, a local queue of 500, jobs completed in batches. pg-boss: 4 workers with batches of 100 and a result for each job (64 requests in flight), woken by NOTIFY, fetching again immediately while batches are full. BullMQ: 64 jobs at the same time, added in bulk, removed when done.',
]
