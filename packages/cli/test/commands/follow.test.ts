/** `deliveries --follow` misses nothing and shows nothing twice, whatever the connection does. */
import { once } from 'node:events'
import { createServer, type ServerResponse, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Posthorn } from '@posthorn/client'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { OpenDeliveries } from '../../src/commands/deliveries/open.ts'
import {
  CLIENT_SECRET,
  KEY,
  keepingTerminal,
  type RunOptions,
  runPosthorn,
  startServer,
  type TestServer,
} from '../setup.ts'
import { startReceiver, type TestReceiver } from './receiver.ts'

const TYPE = 'order.paid'

let server: TestServer
let receiver: TestReceiver
let proxy: Awaited<ReturnType<typeof startProxy>>

beforeAll(async () => {
  ;[server, receiver] = await Promise.all([startServer(), startReceiver()])
  proxy = await startProxy(server.url)
  const schema = { type: 'object', required: ['order'], properties: { order: { type: 'integer' } } }
  await server.posthorn.eventTypes.put(TYPE, { group: 'tests', description: 'T.', schema, example: { order: 1 } })
})
afterAll(() => Promise.all([server.end(), receiver.end(), proxy.end()]))

/** What stands between a person and a server: it can break connections, refuse them, and lose where a stream was. */
async function startProxy(target: string) {
  const streams = new Set<ServerResponse>()
  const state = { isDown: false, forgets: false }
  const listener = createServer((request, response) => {
    if (state.isDown) return void request.socket.destroy()
    const headers = { ...request.headers }
    if (state.forgets && headers['last-event-id'] !== undefined) headers['last-event-id'] = '0000000000000000.1'
    const passed = send(new URL(request.url!, target), { method: request.method, headers }, answer => {
      response.writeHead(answer.statusCode!, answer.headers)
      response.flushHeaders()
      if (request.url!.includes('/stream')) streams.add(response)
      answer.pipe(response)
      answer.on('error', () => response.destroy())
    })
    passed.on('error', () => response.destroy())
    response.on('close', () => {
      streams.delete(response)
      passed.destroy()
    })
    request.pipe(passed)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    state,
    streams,
    /** Breaks all streams off. */
    cut() {
      for (const each of streams) each.destroy()
      streams.clear()
    },
    async end() {
      listener.close()
      listener.closeAllConnections()
      await once(listener, 'close')
    },
  }
}

let count = 0
async function newTenant(): Promise<string> {
  const tenant = `tenant-${count++}`
  await server.posthorn.tenants.put(tenant)
  const url = `${receiver.url}${tenant}`
  await server.posthorn.endpoints.create(tenant, { url, uid: 'shop', clientSecret: CLIENT_SECRET, schedule: [] })
  return tenant
}

const publish = (tenant: string, key: string) =>
  server.posthorn.events.publish(tenant, { type: TYPE, key, payload: { order: 1 } })

type Line = { key: string; state: string; attemptCount: number }

/** Follows in this process, until `end` presses Ctrl-C. */
function follow(args: readonly string[], options: RunOptions = {}) {
  const env = { ...server.env, POSTHORN_URL: proxy.url }
  let [stdout, leave] = ['', () => {}]
  const onOutput = (text: string, interrupt: () => void) => {
    ;[stdout, leave] = [text, interrupt]
  }
  const ran = runPosthorn(['deliveries', '--follow', '--json', ...args], { env, ...options, onOutput })
  const lines = () =>
    stdout
      .split('\n')
      .filter(each => each !== '')
      .map(each => JSON.parse(each) as Line)
  const shown = () => lines().map(({ key, state }) => `${key} ${state}`)
  return {
    lines,
    shown,
    has: (text: string) => vi.waitFor(() => expect(shown()).toContain(text), { timeout: 20_000, interval: 50 }),
    opened: () => vi.waitFor(() => expect(proxy.streams.size).toBeGreaterThan(0), { timeout: 20_000 }),
    async end() {
      leave()
      return ran
    },
  }
}

it('what had not ended is found again, ended or not, without reading all that came after it', async () => {
  const tenant = await newTenant()
  const disabled = { url: `${receiver.url}${tenant}`, clientSecret: CLIENT_SECRET, state: 'disabled' } as const
  for (const uid of ['off', 'still']) await server.posthorn.endpoints.create(tenant, { ...disabled, uid })
  await publish(tenant, 'old')
  const paths: string[] = []
  const posthorn = new Posthorn({
    url: server.url,
    apiKey: KEY,
    fetch: (input, init) => {
      paths.push(String(input))
      return fetch(input, init)
    },
  })
  const open = new OpenDeliveries(posthorn, tenant, { endpoint: ['off', 'still'] })
  expect(open.isComplete).toBe(false)
  await open.read()
  expect(open.isComplete).toBe(true)
  await server.posthorn.endpoints.enable(tenant, 'off')
  await vi.waitFor(async () => {
    const { data } = await server.posthorn.deliveries.list(tenant, { endpoint: 'off', state: 'delivered' })
    expect(data).toHaveLength(1)
  })
  paths.length = 0
  const found = await open.before(new Date(Date.now() + 60_000))
  expect(found.map(({ state }) => state).sort()).toEqual(['delivered', 'held'])
  expect(paths.map(path => new URL(path).searchParams.getAll('state').join() || path)).toEqual([
    'pending,held',
    expect.stringContaining(`/deliveries/${found.find(({ state }) => state === 'delivered')!.id}`),
  ])
  // What has ended is not asked for again, and nothing is older than the oldest.
  for (const delivery of found) open.note(delivery)
  expect((await open.before(new Date(Date.now() + 60_000))).map(({ state }) => state)).toEqual(['held'])
  expect(await open.before(new Date(0))).toEqual([])
})

describe('deliveries --follow', () => {
  it('shows each change once, continues after broken connections, and ends at Ctrl-C with where to continue', async () => {
    const tenant = await newTenant()
    const following = follow(['--tenant', tenant])
    await following.opened()
    await publish(tenant, 'a')
    await following.has('a delivered')
    proxy.state.isDown = true
    proxy.cut()
    await publish(tenant, 'b')
    await vi.waitFor(async () => {
      const { data } = await server.posthorn.deliveries.list(tenant, { state: 'delivered' })
      expect(data).toHaveLength(2)
    })
    proxy.state.isDown = false
    await following.has('b delivered')
    await publish(tenant, 'c')
    await following.has('c delivered')
    const ran = await following.end()
    expect(ran.code).toBe(130)
    expect(ran.stderr.match(/There is no connection/g)).toHaveLength(1)
    expect(ran.stderr).toMatch(/Connected to http:\S+ again/)
    const shown = following.lines().map(line => JSON.stringify([line.key, line.state, line.attemptCount]))
    expect(new Set(shown).size).toBe(shown.length)
    // Where it ended, another one continues.
    const position = /--after (\S+)/.exec(ran.stderr)![1]!
    await publish(tenant, 'd')
    const next = follow(['--tenant', tenant, '--after', position])
    await next.has('d delivered')
    expect(next.shown().every(each => each.startsWith('d '))).toBe(true)
    await next.end()
  })

  it('reads the list if the stream cannot be continued where it was, older deliveries included', async () => {
    const tenant = await newTenant()
    await server.posthorn.endpoints.update(tenant, 'shop', { state: 'disabled' })
    await publish(tenant, 'held-before')
    const following = follow(['--tenant', tenant])
    await following.opened()
    await publish(tenant, 'held-too')
    await following.has('held-too held')
    proxy.state.isDown = true
    proxy.cut()
    await server.posthorn.endpoints.enable(tenant, 'shop')
    await publish(tenant, 'missed')
    await vi.waitFor(async () => {
      const { data } = await server.posthorn.deliveries.list(tenant, { state: 'delivered' })
      expect(data).toHaveLength(3)
    })
    proxy.state.forgets = true
    proxy.state.isDown = false
    for (const key of ['held-before', 'held-too', 'missed']) await following.has(`${key} delivered`)
    proxy.state.forgets = false
    await publish(tenant, 'after')
    await following.has('after delivered')
    const ran = await following.end()
    expect(ran.stderr).toMatch(/could not be continued where it was \(unknown\), so 3 changes in between were read/)
  })

  it('reads the list even if nothing was shown before, and says if a position is too old to continue', async () => {
    const tenant = await newTenant()
    const following = follow(['--tenant', tenant, '--after', '0000000000000000.1'])
    await following.opened()
    proxy.state.isDown = true
    proxy.cut()
    await publish(tenant, 'missed')
    await vi.waitFor(async () => {
      const { data } = await server.posthorn.deliveries.list(tenant, { state: 'delivered' })
      expect(data).toHaveLength(1)
    })
    proxy.state.forgets = true
    proxy.state.isDown = false
    await following.has('missed delivered')
    proxy.state.forgets = false
    const ran = await following.end()
    expect(ran.stderr).toMatch(/The position 0000000000000000\.1 cannot be continued \(unknown\), so this begins now\./)
  })

  it('shows nothing of before if a position cannot be continued', async () => {
    const tenant = await newTenant()
    await publish(tenant, 'before')
    await vi.waitFor(async () => {
      const { data } = await server.posthorn.deliveries.list(tenant, { state: 'delivered' })
      expect(data).toHaveLength(1)
    })
    const following = follow(['--tenant', tenant, '--after', '0000000000000000.1'])
    await following.opened()
    await publish(tenant, 'now')
    await following.has('now delivered')
    const ran = await following.end()
    expect(following.shown().filter(each => each.startsWith('before'))).toEqual([])
    expect(ran.stderr).toContain('so this begins now.')
    expect(ran.stderr).not.toContain('in between')
  })

  it('begins with the past with --since, without a gap, and shows only what is asked for', async () => {
    const tenant = await newTenant()
    for (let order = 0; order < 5; order++) await publish(tenant, `past-${order}`)
    await vi.waitFor(async () => {
      const { data } = await server.posthorn.deliveries.list(tenant, { state: 'delivered' })
      expect(data).toHaveLength(5)
    })
    const following = follow(['--tenant', tenant, '--since', '1h', '--state', 'delivered'])
    await following.opened()
    await Promise.all([0, 1, 2].map(order => publish(tenant, `now-${order}`)))
    for (const order of [0, 1, 2]) await following.has(`now-${order} delivered`)
    await following.end()
    expect(following.shown().slice(0, 5)).toEqual([0, 1, 2, 3, 4].map(order => `past-${order} delivered`))
    expect(following.shown().slice(5).sort()).toEqual([0, 1, 2].map(order => `now-${order} delivered`))
  })

  it('writes a line that fits the terminal, and follows all tenants', async () => {
    const tenant = await newTenant()
    const { terminal } = keepingTerminal({ columns: 40 })
    expect(terminal.columns).toBe(40)
    let [stdout, leave] = ['', () => {}]
    const env = { ...server.env, POSTHORN_URL: proxy.url }
    const onOutput = (text: string, interrupt: () => void) => {
      ;[stdout, leave] = [text, interrupt]
    }
    const ran = runPosthorn(['deliveries', '--follow', '--status', '2xx', '--color', 'never'], {
      env,
      columns: 40,
      onOutput,
    })
    await vi.waitFor(() => expect(proxy.streams.size).toBeGreaterThan(0), { timeout: 20_000 })
    await publish(tenant, 'a-long-key-that-does-not-fit-into-forty-columns')
    await vi.waitFor(() => expect(stdout).toContain(tenant), { timeout: 20_000 })
    leave()
    expect((await ran).code).toBe(130)
    const [line] = stdout.split('\n')
    expect(line).toMatch(/^\d\d:\d\d:\d\d {2}delivered {2}200 {2}tenant-/)
    expect(line!.length).toBeLessThanOrEqual(40)
  })

  it.each([
    [['--until', '1h'], 'Leave out --until'],
    [['--since', '1h', '--after', 'x'], 'Use either --since or --after'],
    [['--text', 'x'], '--filter and --text search what is stored'],
    [['--status', '99'], '--status 99: it must be a status'],
    [['--state', 'sent'], '--state sent: it must be one of pending'],
  ])('refuses %j', async (args, why) => {
    const ran = await runPosthorn(['deliveries', '--follow', ...args], { env: server.env })
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([2, '', expect.stringContaining(why)])
  })

  it('does not wait for a server that is not there when it begins', async () => {
    const env = { ...server.env, POSTHORN_URL: 'http://127.0.0.1:9' }
    const ran = await runPosthorn(['deliveries', '--follow'], { env })
    expect([ran.code, ran.stdout]).toEqual([3, ''])
  })
})
