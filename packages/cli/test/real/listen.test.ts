/** `posthorn listen` and `posthorn serve` as processes: what arrives when they are restarted or killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { Posthorn } from '@posthorn/client'
import {
  findFreePort,
  type Postgres,
  type Receiver,
  type RunningNode,
  startNode,
  startPostgres,
  startReceiver,
} from '@posthorn/testkit'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const CLI = fileURLToPath(new URL('../../../server/src/cli.ts', import.meta.url))
const KEY = 'a-root-key-of-the-tests-of-listen'
const TYPE = 'COVER_REFERENCE'
const EVENTS = 1_000
const DELAY_MS = 100
const NODE_KEY = randomBytes(32).toString('base64')

const payload = (index: number) => ({ CoverId: `564200aa-7128-4a26-83a8-${index.toString(16).padStart(12, '0')}` })

/** A server that can be started again at the same place, its commits delayed. */
type Site = {
  start(): Promise<RunningNode>
  /** Publishes events with these indexes, in transactions that end late. */
  publish(posthorn: Posthorn, from: number, to: number): Promise<void>
  end(): Promise<void>
}

type Listening = {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  readonly lines: () => string[]
}

/** Runs `posthorn listen` under a name, and resolves when it listens. */
async function startListening(
  folder: string,
  url: string,
  receiver: Receiver,
  flags: readonly string[] = [],
): Promise<Listening> {
  const args = ['listen', '--tenant', 'acme', '--name', 'laptop', '--forward', receiver.url, '--json', ...flags]
  const child = spawn(process.execPath, [CLI, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      XDG_STATE_HOME: join(folder, 'state'),
      XDG_CONFIG_HOME: join(folder, 'config'),
      POSTHORN_URL: url,
      POSTHORN_API_KEY: KEY,
    },
  })
  let text = ''
  child.stdout!.on('data', piece => {
    text += piece
  })
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  await expect.poll(() => text, { timeout: 20_000 }).toContain('"open":true')
  return { child, ended, lines: () => text.split('\n').filter(line => line !== '') }
}

/** Repeats a call while the server is restarted. Publishing the same key again has no effect. */
async function untilAccepted(call: () => PromiseLike<unknown>): Promise<void> {
  await expect
    .poll(
      () =>
        Promise.resolve(call()).then(
          () => true,
          () => false,
        ),
      { timeout: 60_000, interval: 100 },
    )
    .toBe(true)
}

const batch = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => ({ type: TYPE, payload: payload(from + at), key: `event-${from + at}` }))

/** SQLite: another connection holds the lock for a tenth of a second, again and again, so that each commit waits. */
async function sqliteSite(folder: string): Promise<Site> {
  const port = await findFreePort()
  const data = join(folder, 'data')
  const stopped = new AbortController()
  let holding: Promise<void> | undefined
  return {
    async start() {
      const node = await startNode({ apiKey: KEY, encryptionKey: NODE_KEY, port, flags: ['--data', data] })
      holding ??= holdLock(join(data, 'posthorn.db'), stopped.signal)
      return node
    },
    async publish(posthorn, from, to) {
      for (let at = from; at < to; at += 10)
        await untilAccepted(() => posthorn.events.publish('acme', batch(at, at + 10)))
    },
    async end() {
      stopped.abort()
      await holding
    },
  }
}

async function holdLock(file: string, signal: AbortSignal): Promise<void> {
  const database = new DatabaseSync(file)
  const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
  while (!signal.aborted) {
    try {
      database.exec('begin immediate')
      await pause(DELAY_MS)
      database.exec('rollback')
    } catch {
      // The server has it.
    }
    await pause(DELAY_MS / 4)
  }
  database.close()
}

/** PostgreSQL: the server waits before each commit, and events are published in transactions that stay open. */
async function postgresSite(postgres: Postgres, name: string): Promise<Site> {
  const databaseUrl = await postgres.createDatabase(name)
  const port = await findFreePort()
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 8 })
  return {
    start: () => startNode({ apiKey: KEY, encryptionKey: NODE_KEY, port, databaseUrl, flags: ['--lease-ms', '2000'] }),
    async publish(_posthorn, from, to) {
      const publishOne = async (index: number) => {
        const client = await pool.connect()
        try {
          await client.query('begin')
          const values = ['acme', TYPE, JSON.stringify(payload(index)), `event-${index}`]
          await client.query('select posthorn.publish($1, $2, $3::json, $4)', values)
          await client.query('select pg_sleep($1)', [DELAY_MS / 1_000])
          await client.query('commit')
        } finally {
          client.release()
        }
      }
      const next = { at: from }
      const publishOn = async () => {
        while (next.at < to) await publishOne(next.at++)
      }
      await Promise.all(Array.from({ length: 8 }, publishOn))
    },
    end: () => pool.end(),
  }
}

let postgres: Postgres
beforeAll(async () => {
  postgres = await startPostgres()
  const client = new pg.Client({ connectionString: await postgres.createDatabase('settings') })
  await client.connect()
  await client.query(`alter system set commit_delay = ${DELAY_MS * 1_000}`)
  await client.query('alter system set commit_siblings = 0')
  await client.query('select pg_reload_conf()')
  await client.end()
})
afterAll(() => postgres.stop())

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-listen-'))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

describe.each(['sqlite', 'postgres'])('listening to a server on %s whose commits are delayed', engine => {
  const siteIn = (folder: string, name: string) =>
    engine === 'sqlite' ? sqliteSite(folder) : postgresSite(postgres, `listen_${name}`)

  const until = (receiver: Receiver, count: number) =>
    receiver.waitFor(() => receiver.distinct.size >= count, { timeoutMs: 120_000 })

  /** A server, and a listener that has some of the events, the others being published. */
  async function begin(folder: string, name: string) {
    const receiver = await startReceiver({ http: true })
    const site = await siteIn(folder, name)
    const node = await site.start()
    const posthorn = new Posthorn({ url: node.url, apiKey: KEY })
    await posthorn.tenants.put('acme')
    const listening = await startListening(folder, node.url, receiver)
    const publishing = site.publish(posthorn, 0, EVENTS)
    await until(receiver, EVENTS / 5)
    return { receiver, site, node, posthorn, listening, publishing }
  }

  /** Waits until all is published and delivered, and stops everything. */
  async function finish(
    { receiver, site, posthorn, publishing }: Awaited<ReturnType<typeof begin>>,
    { child, ended }: Listening,
    node: RunningNode,
    check: () => void,
  ) {
    await publishing
    await until(receiver, EVENTS)
    const counts = async () => (await posthorn.deliveries.list('acme', { counts: true, limit: 1 })).counts
    await expect.poll(counts, { timeout: 60_000 }).toMatchObject({ total: EVENTS, delivered: EVENTS })
    check()
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    await node.end()
    await site.end()
    await receiver.close()
  }

  it(`gets ${EVENTS} events once each across an orderly restart of either side`, { timeout: 240_000 }, () =>
    inFolder(async folder => {
      const begun = await begin(folder, 'restarts')
      const { receiver, site, listening } = begun
      expect(await begun.node.end()).toBe(0)
      const node = await site.start()
      await until(receiver, EVENTS / 2)
      listening.child.kill('SIGTERM')
      expect(await listening.ended).toBe(0)
      const second = await startListening(folder, node.url, receiver)
      await finish(begun, second, node, () => {
        expect([receiver.total, receiver.distinct.size]).toEqual([EVENTS, EVENTS])
      })
    }),
  )

  it(
    `misses none of ${EVENTS} events when either side is killed, and only what was in flight comes twice`,
    { timeout: 240_000 },
    () =>
      inFolder(async folder => {
        const begun = await begin(folder, 'kills')
        const { receiver, site, listening, node } = begun
        listening.child.kill('SIGKILL')
        await listening.ended
        const killedAtMs = [Date.now()]
        const second = await startListening(folder, node.url, receiver)
        await until(receiver, EVENTS / 2)
        node.kill('SIGKILL')
        await node.ended
        killedAtMs.push(Date.now())
        await finish(begun, second, await site.start(), () => {
          const twice = [...receiver.seen].filter(([, count]) => count > 1).map(([key]) => key.split(' ')[0])
          const firstAtMs = new Map<unknown, number>()
          for (const { headers, receivedAtMs } of receiver.requests) {
            const id = headers['webhook-id']
            if (!firstAtMs.has(id)) firstAtMs.set(id, receivedAtMs)
          }
          for (const id of twice) {
            const distances = killedAtMs.map(at => Math.abs(at - Number(firstAtMs.get(id))))
            expect(Math.min(...distances), `${id} came twice`).toBeLessThan(2_000)
          }
          expect(twice.length).toBeLessThanOrEqual(32)
        })
      }),
  )
})

it('gets each event once when the laptop was asleep for longer than attempts last', { timeout: 120_000 }, () =>
  inFolder(async folder => {
    const receiver = await startReceiver({ http: true, script: () => ({ delayMs: 300 }) })
    const node = await startNode({ apiKey: KEY, encryptionKey: NODE_KEY, flags: ['--data', join(folder, 'data')] })
    const posthorn = new Posthorn({ url: node.url, apiKey: KEY })
    await posthorn.tenants.put('acme')
    const { child, ended, lines } = await startListening(folder, node.url, receiver, ['--timeout', '2'])
    // Retries within seconds, so that the test needn't wait for half a minute.
    await posthorn.endpoints.update('acme', 'listen:laptop', { schedule: Array.from({ length: 20 }, () => 1) })
    await posthorn.events.publish('acme', batch(0, 20))
    await receiver.waitFor(() => receiver.total >= 6)
    child.kill('SIGSTOP')
    const unheard = async () => (await posthorn.deliveries.list('acme', { error: 'no_listener' })).data.length
    await expect.poll(unheard, { timeout: 20_000 }).toBeGreaterThan(0)
    await posthorn.events.publish('acme', batch(20, 40))
    child.kill('SIGCONT')
    const counts = async () => (await posthorn.deliveries.list('acme', { counts: true, limit: 1 })).counts
    await expect.poll(counts, { timeout: 60_000 }).toMatchObject({ total: 40, delivered: 40 })
    expect([receiver.total, receiver.distinct.size]).toEqual([40, 40])
    // What had been forwarded before was answered afterwards, from memory.
    expect(lines().some(line => line.includes('"kind":"repeated"'))).toBe(true)
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    await node.end()
    await receiver.close()
  }),
)
