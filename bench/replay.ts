/**
 * Measures a replay during live traffic, on the embedded store, to one endpoint over TLS: how long live events take
 * from their call to the receiver before, during and after a replay. `npx node bench/replay.ts [--short]`
 */
import { createAuthority, type Receiver, startReceiver } from '@posthorn/testkit'
import { EVENT_TYPE, makeBatch, makePayload } from './events.ts'
import { type Posthorn, startPosthorn } from './posthorn.ts'

const TENANT = 'bench'
const LIVE_EVERY_MS = 10
const BATCH_SIZE = 1_000
const TIMEOUT_MS = 900_000
const LOOK_EVERY_MS = 100

const { replayed, phaseMs } = process.argv.includes('--short')
  ? { replayed: 10_000, phaseMs: 8_000 }
  : { replayed: 100_000, phaseMs: 60_000 }

const say = (line: string) => void process.stdout.write(`${line}\n`)
const sleep = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + TIMEOUT_MS
  while (!(await holds())) {
    if (performance.now() > untilMs) throw new Error(`Timed out waiting until ${what}.`)
    await sleep(LOOK_EVERY_MS)
  }
}

type Latency = { readonly events: number; readonly p50: number; readonly p99: number; readonly max: number }

/** When each event arrived, by `performance.now()`. */
const arrivals = new Map<string, number>()
let serial = 10_000_000

/** Publishes live events at a steady rate, for `forMs` or until `goesOn` returns false. */
async function publishLive(posthorn: Posthorn, forMs: number, goesOn: () => boolean | Promise<boolean>) {
  const sent: Promise<readonly [id: string, atMs: number]>[] = []
  const startMs = performance.now()
  let isWanted = true
  const looking = (async () => {
    while (isWanted) {
      await sleep(LOOK_EVERY_MS)
      isWanted = performance.now() - startMs < forMs && (await goesOn())
    }
  })()
  for (let at = 0; isWanted; at++) {
    const event = { type: EVENT_TYPE, payload: JSON.parse(makePayload(serial++)) }
    const atMs = performance.now()
    sent.push(posthorn.call<{ id: string }>('POST', `tenants/${TENANT}/events`, event).then(({ id }) => [id, atMs]))
    await sleep(Math.max(0, startMs + (at + 1) * LIVE_EVERY_MS - performance.now()))
  }
  await looking
  const events = await Promise.all(sent)
  await until('all live events have arrived', () => events.every(([id]) => arrivals.has(id)))
  const tookMs = events.map(([id, atMs]) => arrivals.get(id)! - atMs).sort((a, b) => a - b)
  const quantile = (share: number) => tookMs[Math.ceil(share * tookMs.length) - 1]!
  return { events: events.length, p50: quantile(0.5), p99: quantile(0.99), max: tookMs.at(-1)! } satisfies Latency
}

function sayLatency(name: string, { events, p50, p99, max }: Latency): void {
  const cells = [p50, p99, max].map(ms => ms.toFixed(1).padStart(8))
  say(`${name.padEnd(16)}${String(events).padStart(7)}${cells.join('')}`)
}

async function publishPast(posthorn: Posthorn, receiver: Receiver): Promise<void> {
  for (let at = 0; at < replayed; at += BATCH_SIZE) {
    const batch = JSON.parse(makeBatch(at, BATCH_SIZE).toString())
    await posthorn.call('POST', `tenants/${TENANT}/events`, batch)
  }
  await until('all events are delivered', () => receiver.total >= replayed)
  const pending = `tenants/${TENANT}/deliveries?state=pending&limit=1`
  await until(
    'the outcomes are stored',
    async () => (await posthorn.call<{ data: unknown[] }>('GET', pending)).data.length === 0,
  )
}

type Progress = { readonly state: string; readonly made: number; readonly ended: number; readonly deliveries: number }

const authority = await createAuthority('Posthorn bench authority')
const receiver = await startReceiver({
  authority,
  record: false,
  script: ({ headers, receivedMonotonicMs }) => void arrivals.set(String(headers['webhook-id']), receivedMonotonicMs),
})
const posthorn = await startPosthorn({ caPem: authority.caPem })
try {
  await posthorn.call('PUT', `tenants/${TENANT}`, {})
  await posthorn.call('POST', `tenants/${TENANT}/endpoints`, { url: receiver.url, clientSecret: 'x'.repeat(32) })
  await publishPast(posthorn, receiver)
  say(`${replayed} events delivered; publishing a live event every ${LIVE_EVERY_MS} ms (times in milliseconds)`)
  say('                 events     p50     p99     max')
  const before = await publishLive(posthorn, phaseMs, () => true)
  sayLatency('before replay', before)
  const had = receiver.total
  const startMs = performance.now()
  const all = { key: 'bench', states: ['delivered'] }
  const { deliveries } = await posthorn.call<Progress>('POST', `tenants/${TENANT}/replays`, all, 60_000)
  const countedMs = performance.now() - startMs
  const look = () => posthorn.call<Progress>('GET', `tenants/${TENANT}/replays/bench`)
  const during = await publishLive(posthorn, TIMEOUT_MS, async () => (await look()).state === 'running')
  sayLatency('during replay', during)
  await until('the replay has ended', async () => {
    const { made, ended } = await look()
    return made === ended
  })
  const seconds = (performance.now() - startMs) / 1_000
  const after = await publishLive(posthorn, phaseMs, () => true)
  sayLatency('after replay', after)
  const again = receiver.total - had - during.events - after.events
  if (again !== deliveries)
    throw new Error(`The receiver got ${again} requests from a replay of ${deliveries} deliveries.`)
  const ratio = during.p99 / Math.max(before.p99, after.p99)
  say(
    `${deliveries} replayed in ${seconds.toFixed(0)} s, counted in ${countedMs.toFixed(0)} ms; p99 × ${ratio.toFixed(2)}`,
  )
} finally {
  await posthorn.end()
  await receiver.close()
}
