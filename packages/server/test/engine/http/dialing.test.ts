import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { type Authority, createAuthority } from '@posthorn/testkit'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { type ConnectionSettings, Connections } from '../../../src/engine/attempt/connections.ts'
import { deliver } from '../../../src/engine/attempt/deliver.ts'
import { Dialer } from '../../../src/engine/http/dialer.ts'
import { TlsSetup } from '../../../src/engine/http/tls.ts'
import type { Resolver } from '../../../src/guard/lookup.ts'
import { HandClock } from '../../hand-clock.ts'
import { type RawReceiver, startRaw } from './raw-receiver.ts'

const HOST = 'hooks.example.com'
const EMPTY = 'HTTP/1.1 204 No Content\r\n\r\n'
const PORTS = [{ first: 1, last: 65_535 }]

let authority: Authority
beforeAll(async () => {
  authority = await createAuthority()
})

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** A receiver with a right certificate, at this address of the machine. */
async function startGood(host: string, port = 0, names = [HOST]): Promise<RawReceiver> {
  const { certPem: cert, keyPem: key } = await authority.issue({ names })
  const receiver = await startRaw(socket => socket.write(EMPTY), { tls: { cert, key }, host, port })
  closing.push(() => receiver.close())
  return receiver
}

/** Accepts connections and does nothing with them until `go`, which passes them on to a receiver. */
async function startSlow(host: string, port: number, to: RawReceiver) {
  const waiting: Socket[] = []
  const server = createServer(socket => void waiting.push(socket.on('error', () => {})))
  server.listen(port, host)
  await once(server, 'listening')
  closing.push(() => {
    for (const socket of waiting) socket.destroy()
    server.close()
  })
  return {
    waiting,
    go() {
      for (const socket of waiting) {
        const onward = connect(to.port, (to.sockets[0]?.localAddress ?? '127.0.0.1') as string)
        socket.pipe(onward).pipe(socket)
        onward.on('error', () => socket.destroy())
      }
    },
  }
}

/** An address whose port takes no more connections: the kernel leaves them without an answer, as a firewall does. */
async function startSilent(host: string, port: number) {
  const says = `
    const { createServer } = require('node:net')
    const { parentPort, workerData } = require('node:worker_threads')
    const server = createServer()
    server.listen({ ...workerData, backlog: 1 }, () => {
      parentPort.postMessage('ready')
      // Nothing is accepted from now on.
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
    })`
  const worker = new Worker(says, { eval: true, workerData: { host, port } })
  await once(worker, 'message')
  const filling = Array.from({ length: 3 }, () => connect(port, host).on('error', () => {}))
  await once(filling[0]!, 'connect')
  closing.push(async () => {
    for (const socket of filling) socket.destroy()
    await worker.terminate()
  })
}

const resolverOf =
  (...addresses: string[]): Resolver =>
  (_host, _options, callback) =>
    callback(
      null,
      addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 })),
    )

function startSender(addresses: readonly string[], over: Partial<ConnectionSettings> = {}, clock = systemClock) {
  const policy = { dev: false, targetPorts: PORTS, allowTarget: ['127.0.0.0/8', '::1/128'] }
  const trust = { proxy: null, extraCa: [{ pem: authority.caPem }] }
  const settings = { ...policy, ...trust, connectTimeoutMs: 5_000, maxInFlightPerHost: 128, ...over }
  const connections = new Connections(settings, clock, resolverOf(...addresses))
  closing.push(() => connections.close())
  return async (port: number) => {
    const route = { origin: `https://${HOST}:${port}`, tenant: 'acme', identity: null }
    const request = { route, path: '/', headers: [], body: Buffer.from('{}'), timeoutMs: 60_000, startedAtMs: 0 }
    return (await deliver({ ...request, mayBegin: () => true }, connections, clock))!
  }
}

describe('a receiver with several addresses', () => {
  it('is reached at the second one while the first is silent', async () => {
    const { port } = await startGood('127.0.0.2')
    await startSilent('127.0.0.3', port)
    const exchange = await startSender(['127.0.0.3', '127.0.0.2'])(port)
    expect(exchange).toMatchObject({ status: 204, address: `127.0.0.2:${port}` })
  })

  it('is reached although it is further away than 250 ms, and its other address is dead', async () => {
    const receiver = await startGood('127.0.0.1')
    const { port } = await startGood('127.0.0.9')
    const slow = await startSlow('127.0.0.2', port, receiver)
    const dead = await startSlow('127.0.0.3', port, receiver)
    const clock = new HandClock()
    const exchange = startSender(['127.0.0.2', '127.0.0.3'], {}, clock)(port)
    await expect.poll(() => slow.waiting.length).toBe(1)
    // The connection counts as progress, so that the next 250 ms begin with it.
    await expect.poll(() => clock.waits.includes(250)).toBe(true)
    clock.turn(250)
    await expect.poll(() => dead.waiting.length).toBe(1)
    clock.turn(4_000)
    slow.go()
    expect(await exchange).toMatchObject({ status: 204, address: `127.0.0.2:${port}` })
    await expect.poll(() => dead.waiting[0]!.destroyed || dead.waiting[0]!.readableEnded).toBeDefined()
  })

  it.each([
    ['refuses connections', async () => {}, 204],
    ['closes each connection', (host: string, port: number) => startClosing(host, port), 204],
    [
      'has a certificate for another name',
      (host: string, port: number) => startGood(host, port, ['other.example']),
      204,
    ],
  ])('is reached at the second one if the first %s', async (_what, start, status) => {
    const { port } = await startGood('127.0.0.2')
    await start('127.0.0.3', port)
    expect(await startSender(['127.0.0.3', '127.0.0.2'])(port)).toMatchObject({ status, address: `127.0.0.2:${port}` })
  })

  it('is reached at an address of either family', async () => {
    const receiver = await startGood('::1')
    const send = startSender(['127.0.0.2', '127.0.0.3', '::1'])
    expect(await send(receiver.port)).toMatchObject({ status: 204, address: `[::1]:${receiver.port}` })
  })

  it('fails with the fault of the address that got furthest', async () => {
    const { port } = await startGood('127.0.0.2', 0, ['other.example'])
    const send = startSender(['127.0.0.3', '127.0.0.2', '127.0.0.4'])
    const detail = { code: 'certificate_name' }
    expect(await send(port)).toMatchObject({
      status: null,
      failure: 'tls_failed',
      detail,
      address: `127.0.0.2:${port}`,
    })
  })

  it('fails when the time to connect is over, whatever the number of addresses', async () => {
    const receiver = await startGood('127.0.0.1')
    const slow = await startSlow('127.0.0.2', receiver.port, receiver)
    const clock = new HandClock()
    const exchange = startSender(
      Array.from({ length: 100 }, () => '127.0.0.2'),
      {},
      clock,
    )(receiver.port)
    for (let nth = 1; nth <= 20; nth++) {
      await expect.poll(() => slow.waiting.length).toBe(nth)
      await expect.poll(() => nth === 20 || clock.waits.includes(250)).toBe(true)
      if (nth < 20) clock.turn(250)
    }
    clock.turn(5_000)
    expect(await exchange).toMatchObject({ failure: 'connect_timeout', detail: { code: 'tls_timeout' } })
    expect(slow.waiting).toHaveLength(20)
  })

  it('shares sockets next to two others with other tenants, and no one can use them up', async () => {
    const receiver = await startGood('127.0.0.1')
    const { port } = receiver
    const slow = await startSlow('127.0.0.2', port, receiver)
    const clock = new HandClock()
    const dialer = new Dialer({
      policy: { dev: false, targetPorts: PORTS, allowTarget: ['127.0.0.0/8'] },
      tls: new TlsSetup([], clock),
      proxy: null,
      noProxy: [],
      lookup: async () => Array.from({ length: 20 }, () => ({ address: '127.0.0.2', family: 4 })),
      clock,
      timeoutMs: 60_000,
      maxExtraSockets: 10,
    })
    const dial = (tenant: string) =>
      dialer.dial({ host: HOST, port, isSecure: true, tenant, identity: null }, { ready() {}, failed() {} })
    const reach = async (count: number) => {
      while (slow.waiting.length < count) {
        const before = slow.waiting.length
        clock.turn(250)
        await expect.poll(() => slow.waiting.length).toBeGreaterThan(before)
      }
    }
    const ends = [dial('hostile')]
    await expect.poll(() => slow.waiting.length).toBe(1)
    await reach(10)
    for (let turn = 0; turn < 8; turn++) clock.turn(250)
    ends.push(dial('neighbour'))
    await expect.poll(() => slow.waiting.length).toBe(11)
    await reach(13)
    for (const end of ends) end()
    expect(slow.waiting).toHaveLength(13)
  })

  it('has its time to connect from its turn on, not while this process is busy with others', async () => {
    const clock = new HandClock()
    const { port } = await startGood('127.0.0.1')
    const slow = await startSlow('127.0.0.2', port, await startGood('127.0.0.3'))
    const dialer = new Dialer({
      policy: { dev: false, targetPorts: PORTS, allowTarget: ['127.0.0.0/8'] },
      tls: new TlsSetup([], clock),
      proxy: null,
      noProxy: [],
      lookup: async () => [{ address: '127.0.0.2', family: 4 }],
      clock,
      timeoutMs: 5_000,
      isShared: () => true,
    })
    const failures: string[] = []
    const dial = (tenant: string) =>
      dialer.dial(
        { host: HOST, port, isSecure: true, tenant, identity: null },
        {
          ready() {},
          failed: ({ address }) => void failures.push(`${tenant} ${address === null ? 'unheard' : 'slow'}`),
        },
      )
    const ends = ['first', 'second', 'third'].map(dial)
    await expect.poll(() => slow.waiting.length).toBe(2)
    // The pause after two connections should have ended long ago.
    clock.turn(5_000)
    expect(failures).toEqual(['first slow', 'second slow'])
    await expect.poll(() => slow.waiting.length).toBe(3)
    clock.turn(5_000)
    expect(failures).toEqual(['first slow', 'second slow', 'third slow'])
    for (const end of ends) end()
  })

  it('is reached at the last one if many others refuse at once', async () => {
    const { port } = await startGood('127.0.0.2')
    const refusing = Array.from({ length: 25 }, (_, nth) => `127.0.1.${nth + 1}`)
    const clock = new HandClock()
    const exchange = await startSender([...refusing, '127.0.0.2'], { connectTimeoutMs: 1_000 }, clock)(port)
    expect(exchange).toMatchObject({ status: 204, address: `127.0.0.2:${port}` })
  })

  it('C3: is not connected to at all if one of its addresses is refused', async () => {
    const receiver = await startGood('127.0.0.2')
    for (const refused of ['10.0.0.1', '169.254.169.254', '::ffff:10.0.0.1', 'fe80::1']) {
      const exchange = await startSender(['127.0.0.2', refused])(receiver.port)
      expect(exchange).toMatchObject({ failure: 'target_refused', detail: { code: 'address_refused' }, address: null })
      expect(JSON.stringify(exchange.detail)).not.toContain(refused)
    }
    expect(receiver.sockets).toEqual([])
  })
})

describe('through a proxy', () => {
  /** Responds to CONNECT by what `answer` says: a status line, or null for nothing. */
  async function startProxy(answer: (target: string) => string | null) {
    const asked: string[] = []
    const proxy = await startRaw((socket, nth) => {
      const target = /^CONNECT (\S+)/.exec(proxy.requests[nth - 1]!)![1]!
      asked.push(target)
      const says = answer(target)
      if (says === null) return
      if (!says.includes(' 200 ')) return socket.end(`${says}\r\n\r\n`)
      socket.removeAllListeners('data')
      const onward = connect(Number(target.split(':')[1]), target.split(':')[0]!)
      onward.once('connect', () => {
        socket.write(`${says}\r\n\r\n`)
        socket.pipe(onward).pipe(socket)
      })
      for (const end of [socket, onward]) end.on('error', () => {}).on('close', () => onward.destroy())
    })
    closing.push(() => proxy.close())
    return { asked, proxy: { reveal: () => `http://127.0.0.1:${proxy.port}` } }
  }

  it.each([
    ['refused', 'HTTP/1.1 502 Bad Gateway'],
    ['left without a response', null],
  ])('the next address is tried if the first is %s', async (_how, says) => {
    const { port } = await startGood('127.0.0.2')
    const { asked, proxy } = await startProxy(target => (target.startsWith('127.0.0.3') ? says : 'HTTP/1.1 200 OK'))
    const exchange = await startSender(['127.0.0.3', '127.0.0.2'], { proxy })(port)
    expect(exchange).toMatchObject({ status: 204, address: `127.0.0.2:${port}` })
    expect(asked).toEqual([`127.0.0.3:${port}`, `127.0.0.2:${port}`])
  })

  it('the last address is tried if many others are refused at once', async () => {
    const { port } = await startGood('127.0.0.2')
    const { asked, proxy } = await startProxy(target =>
      target.startsWith('127.0.1.') ? 'HTTP/1.1 502 Bad Gateway' : 'HTTP/1.1 200 OK',
    )
    const refusing = Array.from({ length: 25 }, (_, nth) => `127.0.1.${nth + 1}`)
    const send = startSender([...refusing, '127.0.0.2'], { proxy, connectTimeoutMs: 1_000 }, new HandClock())
    expect(await send(port)).toMatchObject({ status: 204, address: `127.0.0.2:${port}` })
    expect(asked).toHaveLength(26)
  })

  it('all fail with what the proxy said, within one time to connect', async () => {
    const { asked, proxy } = await startProxy(() => 'HTTP/1.1 403 Forbidden')
    const exchange = await startSender(['127.0.0.3', '127.0.0.2'], { proxy })(443)
    expect(exchange).toMatchObject({ failure: 'proxy_failed', detail: { code: 'proxy_refused', value: '403' } })
    expect(asked).toHaveLength(2)
  })

  it('C3: no address is asked for if one is refused', async () => {
    const { asked, proxy } = await startProxy(() => 'HTTP/1.1 200 OK')
    const exchange = await startSender(['127.0.0.2', '192.168.0.1'], { proxy })(443)
    expect(exchange).toMatchObject({ failure: 'target_refused' })
    expect(asked).toEqual([])
  })
})

async function startClosing(host: string, port: number) {
  const server = createServer(socket => socket.on('error', () => {}).resetAndDestroy())
  server.listen(port, host)
  await once(server, 'listening')
  closing.push(() => server.close())
}
