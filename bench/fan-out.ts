/**
 * B9: one event to 10,000 endpoints of a tenant. Measures the time until the publisher has its response, and the time
 * until the receiver has all requests, divided by the bare loop's for the same number of requests to the same URLs,
 * with as many requests in flight and as many connections as Posthorn. Both have their connections open, and Posthorn
 * has loaded the endpoints; the first event after they were created is shown separately.
 */
import { randomBytes } from 'node:crypto'
import type { BareLoopCommand } from './bare-loop.ts'
import { Child } from './child.ts'
import type { Bench, RunOptions, Say } from './definition.ts'
import { EVENT_TYPE, makePayload } from './events.ts'
import type { BenchResult } from './result.ts'
import { allStored, bareHeaders, type Setting, startSetting, TENANT } from './setting.ts'
import { type Summary, summarise } from './statistics.ts'

const GOALS = { answerSeconds: 1, ratio: 2 }
const ENDPOINTS = 10_000
/** The tenant that has all the endpoints. */
const MANY = 'many'
const REGISTERED_AT_ONCE = 64
const REGISTER_TIMEOUT_MS = 60_000

const FULL = { runs: 9, warmUpEvents: 60_000, warmUpFanOuts: 3 }
const SHORT = { runs: 5, warmUpEvents: 30_000, warmUpFanOuts: 2 }
const BATCH_SIZE = 100

type BareLoop = Child<BareLoopCommand, number>
/** Milliseconds since the call began. */
type FanOut = { readonly answerMs: number; readonly wallMs: number }

export const fanOut: Bench = {
  id: 'B9',
  name: 'fan-out',
  summary: 'one event to 10,000 endpoints: time to the response, and to the last delivery divided by bare POSTs',
  run: runBench,
}

async function runBench({ short, profileFolder }: RunOptions, say: Say): Promise<BenchResult> {
  const { runs, warmUpEvents, warmUpFanOuts } = short ? SHORT : FULL
  const setting = await startSetting({ profileFolder })
  const bareLoop: BareLoop = new Child('bare-loop.ts')
  try {
    say(`${fanOut.id}: one event to ${ENDPOINTS} endpoints at one receiver; registering them and warming up`)
    await register(setting)
    await warmUp(setting, warmUpEvents)
    const first = await publishToAll(setting)
    for (let count = 1; count < warmUpFanOuts; count++) await publishToAll(setting)
    const connections = (await setting.receiver.ask({ kind: 'connections' })).value
    await sendBare(setting, bareLoop, warmUpEvents, connections)
    say(`warm; ${runs} alternating runs, ${connections} connections with a request in flight on each`)
    say(format('first', first))
    say('run  response ms   all ms  bare loop ms')
    const fanOuts: FanOut[] = []
    const bareMs: number[] = []
    for (let run = 1; run <= runs; run++) {
      fanOuts.push(await publishToAll(setting))
      bareMs.push(await sendBare(setting, bareLoop, ENDPOINTS, connections))
      say(`${format(String(run), fanOuts.at(-1)!)}  ${bareMs.at(-1)!.toFixed(0).padStart(12)}`)
    }
    return conclude({ first, fanOuts, bareMs }, { runs, endpoints: ENDPOINTS, connections, warmUpEvents })
  } finally {
    await bareLoop.end()
    await setting.end()
  }
}

type Found = { readonly first: FanOut; readonly fanOuts: readonly FanOut[]; readonly bareMs: readonly number[] }

function conclude({ first, fanOuts, bareMs }: Found, setup: BenchResult['setup']): BenchResult {
  const answer = summarise(fanOuts.map(({ answerMs }) => answerMs))
  const wall = summarise(fanOuts.map(({ wallMs }) => wallMs))
  const bare = summarise(bareMs)
  const neighbours = fanOuts.map(({ wallMs }, index) => wallMs / bareMs[index]!)
  const bar = (name: string, summary: Summary) => ({ name, summary })
  return {
    id: fanOut.id,
    title: `One event to ${ENDPOINTS} endpoints: time to the response, and to the last delivery compared with as many bare POSTs`,
    measures: [
      {
        name: 'response to the publisher',
        unit: 's',
        value: answer.median / 1_000,
        goal: GOALS.answerSeconds,
        bound: 'atMost',
      },
      {
        name: 'all delivered ÷ bare loop',
        unit: '',
        value: wall.median / bare.median,
        goal: GOALS.ratio,
        bound: 'atMost',
      },
    ],
    bars: [
      {
        name: 'Time until all are delivered',
        unit: 'ms',
        bars: [
          bar('Posthorn', wall),
          bar('Posthorn, first event after registration', summarise([first.wallMs])),
          bar('bare loop', bare),
        ],
      },
      { name: 'Response to the publisher', unit: 'ms', bars: [bar('Posthorn', answer)] },
      { name: 'Ratio of paired runs', unit: '', bars: [bar('Posthorn ÷ bare loop', summarise(neighbours))] },
    ],
    setup,
    notes: [
      'Both sides have their connections open. All endpoints are at one host and port, so Posthorn has as many requests in flight as a single tenant can have there by default; the bare loop has the same number.',
    ],
  }
}

async function register({ posthorn, origin }: Setting): Promise<void> {
  await posthorn.call('PUT', `tenants/${MANY}`, {})
  let next = 0
  const keepRegistering = async () => {
    while (next < ENDPOINTS) {
      const url = `${origin}/many/${next++}`
      const endpoint = { url, clientSecret: randomBytes(24).toString('base64url'), types: [EVENT_TYPE] }
      await posthorn.call('POST', `tenants/${MANY}/endpoints`, endpoint, REGISTER_TIMEOUT_MS)
    }
  }
  await Promise.all(Array.from({ length: REGISTERED_AT_ONCE }, keepRegistering))
}

/** Warms up the code that all deliveries go through. */
async function warmUp({ posthorn, publisher, receives }: Setting, events: number): Promise<void> {
  const { url, apiKey } = posthorn
  await publisher.ask({ url, apiKey, tenant: TENANT, batches: events / BATCH_SIZE, batchSize: BATCH_SIZE, inFlight: 4 })
  await receives(events)
  await allStored(posthorn)
}

let serial = 0

async function publishToAll({ posthorn, receives }: Setting): Promise<FanOut> {
  const event = { type: EVENT_TYPE, payload: JSON.parse(makePayload(serial++)) }
  const startedAtMs = performance.now()
  await posthorn.call('POST', `tenants/${MANY}/events`, event)
  const answerMs = performance.now() - startedAtMs
  await receives(ENDPOINTS)
  const wallMs = performance.now() - startedAtMs
  await allStored(posthorn, MANY)
  return { answerMs, wallMs }
}

async function sendBare(setting: Setting, bareLoop: BareLoop, requests: number, inFlight: number): Promise<number> {
  const { origin, authority, clientSecret, receives } = setting
  const target = { origin, caPem: authority.caPem, path: '/many', pathCount: ENDPOINTS }
  const startedAtMs = performance.now()
  await bareLoop.ask({ ...target, headers: bareHeaders(clientSecret), requests, inFlight })
  await receives(requests)
  return performance.now() - startedAtMs
}

const format = (name: string, { answerMs, wallMs }: FanOut): string =>
  `${name.padEnd(5)}  ${answerMs.toFixed(1).padStart(8)}  ${wallMs.toFixed(0).padStart(7)}`
