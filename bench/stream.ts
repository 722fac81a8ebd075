/**
 * S1: processor time of the whole server per event, while no one reads a stream, with one reader of everything, and with
 * a hundred. Three servers, because the stream stays on for some minutes after its last reader has left; their runs
 * alternate.
 */
import { connect, type Socket } from 'node:net'
import { type Account, account } from './account.ts'
import { Child } from './child.ts'
import type { Bench, RunOptions, Say } from './definition.ts'
import { EVENT_TYPE } from './events.ts'
import { toRequest } from './neighbours/raw-connections.ts'
import type { BenchResult } from './result.ts'
import { allStored, type Setting, startSetting, TENANT } from './setting.ts'
import type { SinglePublishAnswer, SinglePublishCommand } from './single-publisher.ts'
import { type Summary, summarise } from './statistics.ts'

const READERS = [0, 1, 100] as const
/** A hundred readers get four records of each event, 400 in all. */
const GOALS = { 1: 1.5, 100: 2 } as const
const PER_SECOND = 500
const FULL = { runs: 5, secondsPerRun: 10, warmUpSeconds: 10 }
const SHORT = { runs: 3, secondsPerRun: 4, warmUpSeconds: 5 }

export const stream: Bench = {
  id: 'S1',
  name: 'stream',
  summary: 'processor time per event with one and with a hundred readers of a stream, divided by that without',
  run: runBench,
}

type Watched = {
  readonly setting: Setting
  readonly single: Child<SinglePublishCommand, SinglePublishAnswer>
  readonly readers: number
  readonly sockets: readonly Socket[]
  readonly accounts: Account[]
}

async function runBench({ short, profileFolder }: RunOptions, say: Say): Promise<BenchResult> {
  const { runs, secondsPerRun, warmUpSeconds } = short ? SHORT : FULL
  const all: Watched[] = []
  try {
    for (const readers of READERS) all.push(await startWatched(readers, profileFolder))
    say(`${stream.id}: ${PER_SECOND} events a second, published singly, one endpoint`)
    for (const watched of all) await publish(watched, warmUpSeconds)
    say('run  readers  server µs  events/s')
    for (let run = 1; run <= runs; run++) {
      for (const watched of all) {
        const events = secondsPerRun * PER_SECOND
        const processes = [{ name: 'server', pid: watched.setting.posthorn.pid }]
        const each = await account(processes, events, () => publish(watched, secondsPerRun))
        watched.accounts.push(each)
        const cells = [String(run).padStart(3), String(watched.readers).padStart(7)]
        cells.push(each.micros.server!.toFixed(1).padStart(9), each.eventsPerSecond.toFixed(0).padStart(8))
        say(cells.join('  '))
      }
    }
    const closed = all.flatMap(({ sockets }) => sockets).filter(({ destroyed }) => destroyed).length
    if (closed > 0) throw new Error(`${closed} readers were cut off: the figures say nothing.`)
    return conclude(all, { runs, secondsPerRun, warmUpSeconds })
  } finally {
    for (const { single, setting, sockets } of all) {
      for (const socket of sockets) socket.destroy()
      await single.end()
      await setting.end()
    }
  }
}

async function startWatched(readers: number, profileFolder: string | undefined): Promise<Watched> {
  const setting = await startSetting({ profileFolder: readers === 0 ? undefined : profileFolder })
  const single = new Child<SinglePublishCommand, SinglePublishAnswer>('single-publisher.ts')
  const sockets = await Promise.all(Array.from({ length: readers }, () => read(setting)))
  return { setting, single, readers, sockets, accounts: [] }
}

/** Opens a stream whose bytes are taken and forgotten. Resolves when it has begun. */
async function read({ posthorn }: Setting): Promise<Socket> {
  const { hostname, port } = new URL(posthorn.url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.write(toRequest({ path: '/v1/stream', key: posthorn.apiKey }))
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.once('data', head => {
      if (head.toString('latin1').startsWith('HTTP/1.1 200')) resolve()
      else reject(new Error(`The stream was not opened: ${head}`))
    })
  })
  socket.on('error', () => {}).on('data', () => {})
  return socket
}

async function publish({ setting, single }: Watched, seconds: number): Promise<void> {
  const { posthorn, receives } = setting
  const { url, apiKey } = posthorn
  const events = seconds * PER_SECOND
  const target = { url, apiKey, tenant: TENANT, types: [EVENT_TYPE] }
  await single.ask({ kind: 'plan', ...target, events, perSecond: PER_SECOND })
  await receives(events)
  await allStored(posthorn)
}

function conclude(all: readonly Watched[], counts: BenchResult['setup']): BenchResult {
  const summaries: Summary[] = all.map(({ accounts }) => summarise(accounts.map(({ micros }) => micros.server!)))
  const [none, one, hundred] = summaries
  const measure = (name: string, summary: Summary, goal: number) =>
    ({ name, unit: '', value: summary.median / none!.median, goal, bound: 'atMost' }) as const
  return {
    id: stream.id,
    title: 'Processor time per event while streams are read, embedded store',
    measures: [measure('one reader ÷ none', one!, GOALS[1]), measure('a hundred readers ÷ none', hundred!, GOALS[100])],
    bars: [
      {
        name: 'Processor time',
        unit: 'µs',
        bars: all.map(({ readers }, index) => ({ name: `${readers} readers`, summary: summaries[index]! })),
      },
    ],
    setup: { ...counts, perSecond: PER_SECOND },
  }
}
