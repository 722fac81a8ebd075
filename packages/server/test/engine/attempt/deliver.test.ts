import { type Authority, createAuthority, startHostileReceiver, startReceiver } from '@posthorn/testkit'
import { beforeAll, describe, expect, it } from 'vitest'
import { type ConnectionSettings, Connections } from '../../../src/engine/attempt/connections.ts'
import { Deadlines, type Limited, TICK_MS } from '../../../src/engine/attempt/deadlines.ts'
import { deliver } from '../../../src/engine/attempt/deliver.ts'
import type { Resolver } from '../../../src/guard/lookup.ts'
import type { TargetPolicy } from '../../../src/guard/target.ts'
import { HandClock } from '../../hand-clock.ts'
import { policy as development } from '../harness.ts'

const RESPONSE_TIMEOUT_MS = 1_234
const BODY_DEADLINE_MS = 2_000

/** Deadlines that a test can watch. */
class WatchedDeadlines extends Deadlines {
  /** How long the time limits were that have begun, in order. */
  readonly begun: number[] = []

  override set(limited: Limited, delayMs: number): void {
    this.begun.push(delayMs)
    super.set(limited, delayMs)
  }
}

let authority: Authority
beforeAll(async () => {
  authority = await createAuthority()
})

const outside: TargetPolicy = { ...development, dev: false }

function startSender(settings: Partial<ConnectionSettings> = {}, resolver?: Resolver) {
  const clock = new HandClock()
  const deadlines = new WatchedDeadlines(clock)
  const usual = {
    ...development,
    proxy: null,
    connectTimeoutMs: 5_000,
    maxInFlightPerHost: 128,
    extraCa: [{ pem: authority.caPem }],
  }
  // No spread, because one test has a setting that changes.
  const all = Object.defineProperties(usual, Object.getOwnPropertyDescriptors(settings))
  const connections = new Connections(all, clock, resolver)
  const send = async (origin: string, mayBegin = () => true) => {
    const request = {
      route: { origin, tenant: 'acme', identity: null },
      path: '/',
      headers: [],
      body: Buffer.from('{}'),
      timeoutMs: RESPONSE_TIMEOUT_MS,
      startedAtMs: 0,
      mayBegin,
    }
    return deliver(request, connections, clock, deadlines)
  }
  return { clock, begun: deadlines.begun, send, close: () => connections.close() }
}

/** Whether it isn't over by the next turn of the event loop. */
const stillGoes = (exchange: Promise<unknown>): Promise<boolean> =>
  Promise.race([exchange.then(() => false), new Promise<boolean>(resolve => setImmediate(resolve, true))])

describe('a request', () => {
  it("C13: doesn't begin if this node no longer owns the delivery once there is a connection", async () => {
    const receiver = await startReceiver({ authority })
    const { send, close } = startSender()
    expect(await send(receiver.url, () => receiver.connections === 0)).toBeNull()
    expect([receiver.connections, receiver.total]).toEqual([1, 0])
    expect(await send(receiver.url)).toMatchObject({ status: 204 })
    // The same over a kept connection.
    expect(await send(receiver.url, () => false)).toBeNull()
    expect(receiver.total).toBe(1)
    close()
    await receiver.close()
  })
})

describe('C3: the guard', () => {
  it("C3: doesn't connect to a non-public address literal", async () => {
    const receiver = await startReceiver({ authority })
    const { send, close } = startSender(outside)
    expect(await send(receiver.url)).toMatchObject({ failure: 'target_refused', status: null, address: null })
    expect(receiver.connections).toBe(0)
    close()
    await receiver.close()
  })

  it("C3: doesn't connect to a name that resolves to a non-public address", async () => {
    const receiver = await startReceiver({ authority, names: ['localhost'] })
    const asked: string[] = []
    const { send, close } = startSender(outside, (host, _options, callback) => {
      asked.push(host)
      callback(null, [{ address: '127.0.0.1', family: 4 }])
    })
    const { port } = receiver
    expect(await send(`https://hooks.example.com:${port}`)).toMatchObject({ failure: 'target_refused', status: null })
    expect(asked).toEqual(['hooks.example.com'])
    expect(receiver.connections).toBe(0)
    close()
    await receiver.close()
  })

  it('C3: sends nothing if the connected address is refused, even if it was allowed before', async () => {
    const receiver = await startReceiver({ authority, names: ['localhost'] })
    // Loopback is allowed until a connection is made, as if the earlier checks had been deceived.
    const settings = {
      ...outside,
      get dev() {
        return receiver.connections === 0
      },
    }
    const { send, close } = startSender(settings)
    expect(await send(receiver.url)).toMatchObject({ failure: 'target_refused', status: null })
    expect([receiver.connections, receiver.total]).toEqual([1, 0])
    close()
    await receiver.close()
  })

  it('C3: looks up a name again after two minutes, however busy its connection is', async () => {
    const receiver = await startReceiver({ authority, names: ['localhost'] })
    const { send, clock, close } = startSender()
    const connectionsAfter = async () => {
      expect(await send(receiver.url)).toMatchObject({ status: 204 })
      return receiver.connections
    }
    expect([await connectionsAfter(), await connectionsAfter()]).toEqual([1, 1])
    for (const expected of [1, 1, 1, 1, 1, 1, 1, 2]) {
      clock.turn(15_000)
      expect(await connectionsAfter()).toBe(expected)
    }
    close()
    await receiver.close()
  })
})

describe('C11: time limits', () => {
  it('C11: fail an attempt whose connection takes too long, before the status deadline starts', async () => {
    const receiver = await startHostileReceiver({ authority, kind: 'hang_tls' })
    const { send, begun, close, clock } = startSender({ connectTimeoutMs: 4_321 })
    const exchange = send(receiver.url)
    await receiver.waitFor(({ connections }) => connections === 1, { timeoutMs: 5_000 })
    clock.turn(4_321)
    expect(await exchange).toMatchObject({ failure: 'connect_timeout', status: null })
    expect(begun).toEqual([])
    close()
    await receiver.close()
  })

  it('C11: fail an attempt without a status in time, counted from the first byte sent', async () => {
    const receiver = await startHostileReceiver({ authority, kind: 'hang' })
    const { send, begun, close, clock } = startSender()
    const exchange = send(receiver.url)
    await receiver.waitFor(({ requests }) => requests === 1, { timeoutMs: 5_000 })
    expect(begun).toEqual([RESPONSE_TIMEOUT_MS])
    clock.turn(RESPONSE_TIMEOUT_MS - 1)
    expect(await stillGoes(exchange)).toBe(true)
    clock.turn(TICK_MS)
    expect(await exchange).toMatchObject({ failure: 'response_timeout', status: null })
    close()
    await receiver.close()
  })

  it('C11: end the wait for a slow body, and keep the status', async () => {
    const receiver = await startHostileReceiver({ authority, kind: 'drip_body' })
    const { send, begun, close, clock } = startSender()
    const exchange = send(receiver.url)
    await expect.poll(() => begun, { timeout: 5_000 }).toEqual([RESPONSE_TIMEOUT_MS, BODY_DEADLINE_MS])
    clock.turn(BODY_DEADLINE_MS - 1)
    expect(await stillGoes(exchange)).toBe(true)
    clock.turn(TICK_MS)
    expect(await exchange).toMatchObject({ failure: null, status: 200, truncated: true })
    close()
    await receiver.close()
  })

  it('C11: keep the status if the body breaks off', async () => {
    const receiver = await startHostileReceiver({ authority, kind: 'early_close' })
    const { send, close } = startSender()
    expect(await send(receiver.url)).toMatchObject({ failure: null, status: 200, truncated: true })
    close()
    await receiver.close()
  })

  it('C11: stop reading a body that is larger than needed', async () => {
    const receiver = await startHostileReceiver({ authority, kind: 'flood' })
    const { send, close } = startSender()
    const { status, truncated, body } = (await send(receiver.url))!
    expect({ status, truncated }).toEqual({ status: 200, truncated: true })
    // One more chunk of the socket can follow.
    expect(body.length).toBeLessThan(256 * 1024)
    close()
    await receiver.close()
  })

  it('C11: are not extended by interim responses', async () => {
    const receiver = await startHostileReceiver({ authority, kind: 'endless_1xx' })
    const { send, begun, close, clock } = startSender()
    const exchange = send(receiver.url)
    await receiver.waitFor(({ requests, bytesSent }) => requests === 1 || bytesSent > 0, { timeoutMs: 5_000 })
    await expect.poll(() => receiver.bytesSent, { timeout: 5_000, interval: 1 }).toBeGreaterThan(500)
    expect(begun).toEqual([RESPONSE_TIMEOUT_MS])
    clock.turn(RESPONSE_TIMEOUT_MS)
    clock.turn(TICK_MS)
    expect(await exchange).toMatchObject({ failure: 'response_timeout', status: null })
    close()
    await receiver.close()
  })
})
