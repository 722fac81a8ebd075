import { once } from 'node:events'
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Services } from '../../src/api/resource-list.ts'
import { parseNetwork } from '../../src/guard/address.ts'
import { HandClock } from '../hand-clock.ts'
import { KEY, useApi } from './setup.ts'

const bench = useApi()
const OTHER = '127.0.0.2'

const call = (key: string | null = KEY, path = '/v1/tenants') =>
  `GET ${path} HTTP/1.1\r\nhost: a\r\n${key === null ? '' : `authorization: Bearer ${key}\r\n`}\r\n`

/** The head of a publishing call whose body is still to come. */
const announced = (key: string, path = '/v1/tenants/acme/events') =>
  `POST ${path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\n` +
  'content-length: 1000\r\n\r\n'

type Client = {
  readonly socket: Socket
  isClosed: boolean
  received: string
  /** Sends bytes, and resolves when a response to them has arrived or the connection is closed. */
  ask(bytes: string): Promise<string>
}

type Limits = { max?: number; perAddress?: number; trusted?: string[] }

describe('connections', () => {
  let clients: Client[] = []
  let clock: HandClock
  afterEach(() => {
    for (const { socket } of clients) socket.destroy()
  })

  async function listen(limits: Limits, host?: string, services: Partial<Services> = {}) {
    clock = new HandClock()
    clients = []
    const { max = 100, perAddress = 100, trusted = [] } = limits
    const trustedProxies = trusted.map(text => parseNetwork(text)!)
    await bench.useServices(services, {
      maxConnections: max,
      maxConnectionsPerAddress: perAddress,
      trustedProxies,
      clock,
    })
    return bench.listen(host)
  }

  /** Opens a connection. Resolves once the server has accepted it, and closed whatever it closes for it. */
  async function open(port: number, from?: string, host = '127.0.0.1'): Promise<Client> {
    const options: TcpNetConnectOpts = from === undefined ? { port, host } : { port, host, localAddress: from }
    const accepted = once(bench.api.server, 'connection')
    const socket = connect(options)
    const client: Client = {
      socket,
      isClosed: false,
      received: '',
      async ask(bytes) {
        this.received = ''
        socket.write(bytes)
        await expect.poll(() => this.isClosed || /\r\n\r\n/.test(this.received), { timeout: 10_000 }).toBe(true)
        return this.received
      },
    }
    socket.on('data', data => (client.received += data.toString()))
    socket.on('error', () => {})
    socket.on('close', () => (client.isClosed = true))
    clients.push(client)
    await accepted
    return client
  }

  const openMany = async (count: number, port: number, from?: string, host?: string) => {
    const opened: Client[] = []
    while (opened.length < count) opened.push(await open(port, from, host))
    return opened
  }

  /** Which of them are closed, once as many of all clients are as the server says. */
  async function closedOf(those: readonly Client[]): Promise<boolean[]> {
    await expect
      .poll(() => clients.filter(({ isClosed }) => !isClosed).length, { timeout: 10_000 })
      .toBe(bench.created.connections())
    return those.map(({ isClosed }) => isClosed)
  }

  const keyOf = async (tenant: string) => {
    await bench.put(`/v1/tenants/${tenant}`, {})
    return (await bench.apiKeys.create({ name: 'a', scope: 'all', tenant })).secret
  }

  describe('of an address', () => {
    it('beyond its limit close its oldest one without a valid key, and none of another address', async () => {
      const port = await listen({ perAddress: 3 })
      const [others, those] = [await openMany(3, port, '127.0.0.3'), await openMany(3, port, OTHER)]
      const more = await openMany(2, port, OTHER)
      expect(await closedOf([...those, ...more])).toEqual([true, true, false, false, false])
      expect(await closedOf(others)).toEqual([false, false, false])
      expect(await more[0]!.ask(call())).toMatch(/^HTTP\/1.1 200 /)
      expect(bench.created.closedConnections()).toEqual({ address: 2, key: 0, port: 0, slow: 0 })
    })

    it('with a wrong key count as without a key, and those with a valid one are closed last', async () => {
      const port = await listen({ perAddress: 3 })
      const [valid, wrong, was] = await openMany(3, port, OTHER)
      expect(await valid!.ask(call())).toMatch(/^HTTP\/1.1 200 /)
      expect(await was!.ask(call())).toMatch(/^HTTP\/1.1 200 /)
      expect(await was!.ask(call('wrong-key-0123456789'))).toMatch(/^HTTP\/1.1 401 /)
      expect(await wrong!.ask(call('wrong-key-0123456789'))).toMatch(/^HTTP\/1.1 401 /)
      await open(port, OTHER)
      expect(await closedOf([valid!, wrong!, was!])).toEqual([false, false, true])
      await open(port, OTHER)
      expect(await closedOf([valid!, wrong!, was!])).toEqual([false, true, true])
    })

    it('that are opened faster than 200 a second are refused, but for those that bring a valid key', async () => {
      const port = await listen({ perAddress: 2 })
      const closed = () => bench.created.closedConnections().address
      // A hundred can be opened at the same time; each closes an older one.
      for (let at = 0; at < 20; at++) expect(await (await open(port, OTHER)).ask(call())).toMatch(/^HTTP\/1.1 200 /)
      await openMany(100, port, OTHER)
      const before = closed()
      const [refused] = await openMany(1, port, OTHER)
      expect(await closedOf([refused!])).toEqual([true])
      expect(closed()).toBe(before + 1)
      expect(await closedOf([await open(port, '127.0.0.3')])).toEqual([false])
      clock.turn(10)
      // Two can be opened, the second in the place of the first: one with a key is kept.
      expect(await closedOf(await openMany(3, port, OTHER))).toEqual([true, false, true])
    })

    it('are refused while all of them have calls in progress with a valid key', async () => {
      const port = await listen({ perAddress: 2 })
      const busy = await openMany(2, port, OTHER)
      for (const { socket } of busy) {
        const begun = once(bench.api.server, 'request')
        socket.write(announced(KEY))
        await begun
      }
      const refused = await open(port, OTHER)
      expect(await closedOf([...busy, refused])).toEqual([false, false, true])
      busy[0]!.socket.destroy()
      await expect.poll(() => bench.created.connections(), { timeout: 10_000 }).toBe(1)
      expect(await (await open(port, OTHER)).ask(call())).toMatch(/^HTTP\/1.1 200 /)
    })

    it.each([
      ['127.0.0.1', '127.0.0.1', '127.0.0.1', true],
      ['127.0.0.1', '127.0.0.2', '127.0.0.1', false],
      ['127.0.0.1', '127.0.0.255', '127.0.0.1', false],
      ['::', '127.0.0.1', '127.0.0.1', true],
      ['::', '127.0.0.2', '127.0.0.1', false],
      ['::', '::1', '::1', true],
    ])('listening on %s, from %s, to %s: exempt %s', async (host, from, to, isExempt) => {
      const port = await listen({ perAddress: 2 }, host)
      const opened = await openMany(4, port, from, to)
      expect((await closedOf(opened)).filter(Boolean)).toHaveLength(isExempt ? 0 : 2)
    })

    it.each([
      ['127.0.0.1', '127.0.0.7', true],
      ['::', '127.0.0.7', true],
      ['::', '127.0.0.16', false],
    ])('listening on %s, from %s, with the trusted proxies 127.0.0.0/28: exempt %s', async (host, from, isExempt) => {
      const port = await listen({ perAddress: 2, trusted: ['127.0.0.0/28'] }, host)
      const opened = await openMany(4, port, from)
      expect((await closedOf(opened)).filter(Boolean)).toHaveLength(isExempt ? 0 : 2)
    })
  })

  describe('of a key', () => {
    it('at an exempt address, beyond the limit, close its longest idle one, and none of another key', async () => {
      const port = await listen({ perAddress: 2 })
      const [acme, globex] = [await keyOf('acme'), await keyOf('globex')]
      const [first, second, third, other, keyless] = await openMany(5, port)
      await other!.ask(call(globex, '/v1/tenants/globex/events'))
      for (const client of [first!, second!, third!]) {
        expect(await client.ask(call(acme, '/v1/tenants/acme/events'))).toMatch(/^HTTP\/1.1 200 /)
      }
      expect(await closedOf([first!, second!, third!, other!, keyless!])).toEqual([true, false, false, false, false])
      expect(bench.created.closedConnections()).toMatchObject({ key: 1 })
    })

    it('are closed after a 429 while all others have calls in progress, even those of another key of the tenant', async () => {
      const port = await listen({ perAddress: 2 })
      const acme = await keyOf('acme')
      const { secret: another } = await bench.apiKeys.create({ name: 'b', scope: 'read', tenant: 'acme' })
      // The keys of a tenant are counted at every address.
      for (const client of [await open(port), await open(port, OTHER)]) {
        const begun = once(bench.api.server, 'request')
        client.socket.write(announced(acme))
        await begun
      }
      const third = await open(port, '127.0.0.3')
      const answer = await third.ask(call(another, '/v1/tenants/acme/events'))
      expect(answer).toMatch(/^HTTP\/1.1 429 /)
      expect(answer.toLowerCase()).toContain('connection: close')
      expect(answer).toContain('"code":"rate_limited"')
      expect(await (await open(port)).ask(call())).toMatch(/^HTTP\/1.1 200 /)
    })

    it('are counted for the key of their latest call, which a proxy changes', async () => {
      const port = await listen({ perAddress: 2 })
      const [acme, globex] = [await keyOf('acme'), await keyOf('globex')]
      const proxy = await openMany(4, port)
      for (let round = 0; round < 3; round++) {
        for (const [at, client] of proxy.entries()) {
          const [key, tenant] = (at + round) % 2 === 0 ? [acme, 'acme'] : [globex, 'globex']
          await client.ask(call(key, `/v1/tenants/${tenant}/events`))
        }
        if (round === 0) expect(await closedOf(proxy)).toEqual([false, false, false, false])
      }
      expect(bench.created.closedConnections().key).toBeGreaterThan(0)
    })
  })

  describe('of the port', () => {
    it('when it is full, are closed without a valid key first, and others get in', async () => {
      const port = await listen({ max: 8 })
      const [keyed, ...silent] = await openMany(8, port)
      expect(await keyed!.ask(call())).toMatch(/^HTTP\/1.1 200 /)
      const late = await openMany(3, port, OTHER)
      expect(await late[2]!.ask(call())).toMatch(/^HTTP\/1.1 200 /)
      expect(await closedOf([keyed!, ...silent, ...late])).toEqual([
        ...[false, true, true, true, false, false, false, false],
        ...[false, false, false],
      ])
      expect(await keyed!.ask(call())).toMatch(/^HTTP\/1.1 200 /)
    })

    it('are closed while idle if no others are left but new ones', async () => {
      const port = await listen({ max: 16 })
      const idle = await openMany(8, port)
      idle.push(...(await openMany(8, port, OTHER)))
      for (const client of idle) expect(await client.ask(call())).toMatch(/^HTTP\/1.1 200 /)
      const news = await openMany(2, port, '127.0.0.3')
      expect((await closedOf(idle)).filter(Boolean)).toHaveLength(2)
      expect(await closedOf(news)).toEqual([false, false])
      clock.turn(1_000)
      await open(port, '127.0.0.3')
      expect((await closedOf(idle)).filter(Boolean)).toHaveLength(2)
      expect(await closedOf(news)).toEqual([true, false])
    })

    it('leave room again when they end', async () => {
      const port = await listen({ max: 3 })
      for (let round = 0; round < 20; round++) {
        const client = await open(port)
        expect(await client.ask(call())).toMatch(/^HTTP\/1.1 200 /)
        client.socket.destroy()
      }
      await expect.poll(() => bench.created.connections(), { timeout: 10_000 }).toBe(0)
      expect(bench.created.closedConnections()).toEqual({ address: 0, key: 0, port: 0, slow: 0 })
    })
  })

  describe('have deadlines', () => {
    /** Sends something every second. Returns after how many seconds the server closed the connection. */
    async function secondsUntilClosed(client: Client, bytes: string): Promise<number> {
      let second = 0
      while (bench.created.closedConnections().slow === 0 && second < 200) {
        if (bytes !== '') client.socket.write(bytes)
        // Lets the byte arrive. The deadline doesn't depend on it.
        await new Promise(resolve => setImmediate(resolve))
        clock.turn(1_000)
        second++
      }
      await expect.poll(() => client.isClosed, { timeout: 10_000 }).toBe(true)
      return second
    }

    it.each([
      ['nothing', ''],
      ['a byte a second', 'x'],
      ['a blank line a second', '\r\n'],
    ])('for the first request: %s', async (_what, bytes) => {
      const client = await open(await listen({}))
      if (bytes === 'x') client.socket.write('GET / HTTP/1.1\r\nx: ')
      expect(await secondsUntilClosed(client, bytes)).toBe(21)
      expect(client.received).toMatch(/^HTTP\/1.1 408 /)
    })

    it.each([
      ['without a key', call(null, '/healthz')],
      ['with a key', call()],
    ])('for the next request, after one %s, even if blank lines arrive', async (_what, first) => {
      const client = await open(await listen({}))
      expect(await client.ask(first)).toMatch(/^HTTP\/1.1 200 /)
      expect(await secondsUntilClosed(client, '\r\n')).toBe(86)
    })

    it.each([
      ['with a length', announced(KEY), 'x'],
      ['in chunks', announced(KEY).replace('content-length: 1000', 'transfer-encoding: chunked'), '1\r\n \r\n'],
      ['refused and drained', announced('wrong-key-0123456789'), 'x'],
    ])('for a body %s, even if it arrives byte by byte', async (_what, head, bytes) => {
      const client = await open(await listen({}))
      const begun = once(bench.api.server, 'request')
      client.socket.write(head)
      await begun
      expect(await secondsUntilClosed(client, bytes)).toBe(121)
    })

    it("which Node's own timeouts back up", () => {
      const { headersTimeout, requestTimeout, keepAliveTimeout, timeout } = bench.api.server
      expect([headersTimeout, requestTimeout, keepAliveTimeout, timeout]).toEqual([20_000, 120_000, 65_000, 0])
    })

    it('for reading a response', async () => {
      const port = await listen({})
      const accepted = once(bench.api.server, 'connection')
      const client = await open(port)
      const [serverSide] = (await accepted) as [Socket]
      client.socket.pause()
      for (let at = 0; at < 200; at++) client.socket.write(call(null, '/openapi.json'))
      await expect.poll(() => serverSide.writableLength, { timeout: 10_000 }).toBeGreaterThan(0)
      clock.turn(1_000)
      clock.turn(100_000)
      expect(bench.created.connections()).toBe(1)
      const closed = () => {
        clock.turn(60_000)
        return bench.created.connections()
      }
      await expect.poll(closed, { timeout: 10_000 }).toBe(0)
      expect(bench.created.closedConnections()).toMatchObject({ slow: 1 })
    })

    it('but none while a call with a valid key is in progress, however quiet, even if the port is full', async () => {
      const [started, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const { events } = bench
      const list: typeof events.list = async (...args) => {
        started.resolve()
        await release.promise
        return events.list(...args)
      }
      const others = { select: events.select.bind(events), count: events.count.bind(events) }
      const services = { events: { ...others, list } as unknown as typeof events }
      const port = await listen({ max: 4, perAddress: 4 }, undefined, services)
      const stream = await open(port, OTHER)
      const answer = stream.ask(call(KEY, '/v1/tenants/acme/events'))
      await started.promise
      for (let hour = 0; hour < 24; hour++) clock.turn(3_600_000)
      await openMany(10, port, OTHER)
      expect(await closedOf([stream])).toEqual([false])
      release.resolve()
      expect(await answer).toMatch(/^HTTP\/1.1 200 /)
    })
  })

  it('that are closed are logged once a second, with their number', async () => {
    const port = await listen({ perAddress: 2 })
    await closedOf(await openMany(12, port, OTHER))
    clock.turn(1_000)
    const lines = bench.log.map(line => JSON.parse(line))
    const line = { level: 'warn', msg: 'API connections closed', reason: 'address', address: OTHER, limit: 2 }
    expect(lines).toMatchObject([
      { ...line, count: 1 },
      { ...line, count: 9 },
    ])
  })
})
