/**
 * B3: processor time of the whole server per event published singly (64 publishers, one event per call, one busy
 * receiver over TLS 1.3), divided by the unavoidable minimum: a bare POST plus an empty call to the same HTTP server.
 * Runs of the three alternate, so that other load on the machine affects all.
 */
import { type Account, account } from './account.ts'
import type { BareLoopCommand } from './bare-loop.ts'
import { Child } from './child.ts'
import type { Bench, RunOptions, Say } from './definition.ts'
import { EVENT_TYPE } from './events.ts'
import type { BenchResult } from './result.ts'
import { allStored, bareHeaders, type Setting, startSetting, TENANT } from './setting.ts'
import type { SinglePublishAnswer, SinglePublishCommand } from './single-publisher.ts'
import { summarise } from './statistics.ts'

const GOAL = 2
const PUBLISHERS = 64
/** Posthorn's default `laneWindow`. */
const REQUESTS_IN_FLIGHT = 32
/** The bare ones are so fast that one request per event would take only a few ticks of processor accounting. */
const REQUESTS_PER_EVENT = 2

const FULL = { runs: 7, eventsPerRun: 20_000, warmUpEvents: 60_000 }
const SHORT = { runs: 5, eventsPerRun: 8_000, warmUpEvents: 25_000 }

const PARTS = ['Posthorn', 'bare loop', 'empty call'] as const
type Part = (typeof PARTS)[number]

type SinglesSetting = Setting & {
  readonly single: Child<SinglePublishCommand, SinglePublishAnswer>
  readonly bareLoop: Child<BareLoopCommand, number>
  readonly empty: Child<null, number>
  readonly emptyUrl: string
}

export const singleEvents: Bench = {
  id: 'B3',
  name: 'single-events',
  summary: 'processor time per event published singly, divided by a bare POST plus an empty call',
  run: runBench,
}

async function runBench({ short, profileFolder }: RunOptions, say: Say): Promise<BenchResult> {
  const { runs, eventsPerRun, warmUpEvents } = short ? SHORT : FULL
  const requestsPerRun = eventsPerRun * REQUESTS_PER_EVENT
  const setting = await startSetting({ profileFolder })
  const children = {
    single: new Child<SinglePublishCommand, SinglePublishAnswer>('single-publisher.ts'),
    bareLoop: new Child<BareLoopCommand, number>('bare-loop.ts'),
    empty: new Child<null, number>('empty-server.ts'),
  }
  try {
    const emptyUrl = `http://127.0.0.1:${await children.empty.ask(null)}`
    const singles: SinglesSetting = { ...setting, ...children, emptyUrl }
    say(
      `${singleEvents.id}: ${PUBLISHERS} publishers, an event per call, one endpoint, ${REQUESTS_IN_FLIGHT} at a time`,
    )
    for (const part of PARTS) await run(singles, part, warmUpEvents)
    say(`warm after ${warmUpEvents} each; ${runs} alternating runs: ${eventsPerRun} events, ${requestsPerRun} requests`)
    say('run  part        sender µs  publisher µs  receiver µs  a second')
    const accounts: Record<Part, Account[]> = { Posthorn: [], 'bare loop': [], 'empty call': [] }
    for (let count = 1; count <= runs; count++) {
      for (const part of PARTS) {
        const each = await run(singles, part, part === 'Posthorn' ? eventsPerRun : requestsPerRun)
        accounts[part].push(each)
        say(formatRun(count, part, each))
      }
    }
    return conclude(accounts, { runs, eventsPerRun, requestsPerRun, warmUpEvents })
  } finally {
    for (const child of Object.values(children)) await child.end()
    await setting.end()
  }
}

function conclude(accounts: Record<Part, Account[]>, counts: BenchResult['setup']): BenchResult {
  const of = (part: Part, name: string) => summarise(accounts[part].map(({ micros }) => micros[name]!))
  const [posthorn, loop, empty] = PARTS.map(part => of(part, 'sender'))
  const neighbours = accounts.Posthorn.map(({ micros }, index) => {
    const floor = accounts['bare loop'][index]!.micros.sender! + accounts['empty call'][index]!.micros.sender!
    return micros.sender! / floor
  })
  return {
    id: singleEvents.id,
    title: `Processor time per event published singly by ${PUBLISHERS} publishers, compared with a bare POST plus an empty call`,
    measures: [
      {
        name: 'Posthorn ÷ (bare loop + empty call)',
        unit: '',
        value: posthorn!.median / (loop!.median + empty!.median),
        goal: GOAL,
        bound: 'atMost',
      },
    ],
    bars: [
      {
        name: 'Processor time',
        unit: 'µs',
        bars: PARTS.map(part => ({ name: part, summary: of(part, 'sender') })),
      },
      {
        name: 'Ratio of paired runs',
        unit: '',
        bars: [{ name: 'Posthorn ÷ (bare loop + empty call)', summary: summarise(neighbours) }],
      },
      {
        name: 'Rate',
        unit: 'events/s',
        bars: [{ name: 'Posthorn', summary: summarise(accounts.Posthorn.map(each => each.eventsPerSecond)) }],
      },
    ],
    processes: [
      { name: 'Posthorn', micros: posthorn! },
      { name: 'publisher', micros: of('Posthorn', 'publisher') },
      { name: 'receiver', micros: of('Posthorn', 'receiver') },
    ],
    setup: { ...counts, publishers: PUBLISHERS, inFlight: REQUESTS_IN_FLIGHT },
  }
}

/** Executes one run. Posthorn's lasts from the first call until every event is delivered and its outcome stored. */
function run(singles: SinglesSetting, part: Part, count: number): Promise<Account> {
  const { posthorn, single, bareLoop, empty, receiver } = singles
  const sender = { Posthorn: posthorn, 'bare loop': bareLoop, 'empty call': empty }[part]
  const processes = [
    { name: 'sender', pid: sender.pid },
    { name: 'publisher', pid: single.pid },
    { name: 'receiver', pid: receiver.pid },
  ]
  const work = { Posthorn: publish, 'bare loop': sendBare, 'empty call': callEmpty }[part]
  return account(processes, count, () => work(singles, count))
}

async function publish({ posthorn, single, receives }: SinglesSetting, events: number): Promise<void> {
  const { url, apiKey } = posthorn
  const target = { url, apiKey, tenant: TENANT, types: [EVENT_TYPE] }
  await single.ask({ kind: 'callers', ...target, events, callers: PUBLISHERS })
  await receives(events)
  await allStored(posthorn)
}

async function sendBare(singles: SinglesSetting, requests: number): Promise<void> {
  const { origin, authority, clientSecret, bareLoop } = singles
  const target = { origin, caPem: authority.caPem, path: '/hooks', headers: bareHeaders(clientSecret) }
  await bareLoop.ask({ ...target, requests, inFlight: REQUESTS_IN_FLIGHT })
  await singles.receives(requests)
}

async function callEmpty({ single, emptyUrl }: SinglesSetting, requests: number): Promise<void> {
  await single.ask({ kind: 'empty', url: emptyUrl, requests, callers: PUBLISHERS })
}

function formatRun(count: number, part: Part, { micros, eventsPerSecond }: Account): string {
  const cells = [String(count).padStart(3), part.padEnd(10), micros.sender!.toFixed(1).padStart(9)]
  cells.push(micros.publisher!.toFixed(1).padStart(12), micros.receiver!.toFixed(1).padStart(11))
  cells.push(eventsPerSecond.toFixed(0).padStart(8))
  return cells.join('  ')
}
