/** Endpoints without a URL: who gets their requests, and what becomes of them (decision 54). */
import { createAuthority } from '@posthorn/testkit'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { verify } from '../../../client/src/index.ts'
import { ListenersCleaner } from '../../src/background/listeners.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/base/durations.ts'
import { idBytes } from '../../src/base/ids.ts'
import { MAX_LISTENERS } from '../../src/base/model.ts'
import type { EngineOptions } from '../../src/engine/options.ts'
import { AllPartitions } from '../../src/engine/ownership/partitions.ts'
import type { Store } from '../../src/store/store.ts'
import { atOnce, log } from '../background/setup.ts'
import { inFolder, startOn, startPosthorn } from '../engine/harness.ts'
import { JumpClock } from '../jump-clock.ts'
import { code, faults } from '../services/setup.ts'
import { hurried } from '../services/streaming.ts'
import { engines, type Opened } from '../store/engines.ts'
import { headersOf, Node, requestsOf, SECRET, untilRequests } from './setup.ts'

const authority = createAuthority()

describe.each(engines())('a listener on $name', engine => {
  let opened: Opened
  let sender: Awaited<ReturnType<typeof startOn>>
  let node: Node

  const startSending = async (over: Partial<EngineOptions> = {}) =>
    startOn(opened.driver, store => new AllPartitions(store), await authority, over)

  async function stopSending(): Promise<void> {
    await sender.engine.drain(5_000)
    await sender.inbox.stop()
    await sender.replayer.stop()
  }

  beforeEach(async () => {
    opened = await engine.open()
    sender = await startSending()
    await sender.tenants.put('acme', {})
    await sender.tenants.put('zeta', {})
    node = new Node(sender, hurried(20))
  })
  afterEach(async () => {
    await node.stop()
    await stopSending()
    await opened.close()
  })
  afterAll(() => engine.stop())

  it('gets each event as a receiver would: C5, C6 and C10 hold, and the signature is good', async () => {
    const extra = { 'x-region': 'eu', 'x-api-key': 'b3J3ZWxsLTE5ODQ=' }
    const listener = await node.register({ headers: extra })
    const reading = await node.listen(listener)
    await node.publish()
    const [request] = await untilRequests(reading, 1)
    const headers = headersOf(request!)
    expect(headers).toMatchObject({
      authorization: `Bearer ${SECRET}`,
      'content-type': 'application/json',
      'x-apiversion': '3.0',
      'user-agent': 'Posthorn/test',
      'x-posthorn-type': 'COVER_REFERENCE',
      ...extra,
    })
    expect(request).toMatchObject({ tenant: 'acme', endpoint: listener.id, type: 'COVER_REFERENCE', number: 1 })
    expect(request!.secret).toEqual(['authorization', 'x-api-key'])
    const body = Buffer.from(request!.payload)
    const webhook = await verify({ headers, body }, { clientSecret: SECRET, signingSecret: listener.signing })
    expect(webhook).toMatchObject({ id: request!.event })
    await node.answer(request!, { status: 204, headers: [['X-Request-Id', '7']], durationMs: 12 })
    const [delivery] = await node.untilAll('delivered', 1)
    const [attempt] = await node.attemptsOf(delivery!.id)
    expect(attempt).toMatchObject({ number: 1, status: 204, error: null, durationMs: 12, address: null })
    expect(attempt!.responseHeaders).toEqual(['X-Request-Id', '7'])
    // What is shown of the request is what was sent, but for the secrets.
    const shown = attempt!.request!
    expect(shown.url).toBeNull()
    expect(headersOf(shown)).toMatchObject({
      authorization: 'Bearer [secret]',
      'x-region': 'eu',
      'x-api-key': '[secret]',
    })
    expect(Object.keys(headersOf(shown))).toEqual(Object.keys(headers))
  })

  it('answers as a receiver would: a failure is retried, a secret in it is masked, and 410 disables', async () => {
    const listener = await node.register()
    const reading = await node.listen(listener)
    await node.publish()
    const [first] = await untilRequests(reading, 1)
    await node.answer(first!, { status: 500, body: `no: ${SECRET}` })
    const [, second] = await untilRequests(reading, 2)
    expect(second).toMatchObject({ delivery: first!.delivery, number: 2 })
    await node.answer(second!, { status: 410 })
    await expect.poll(async () => (await sender.endpoints.get('acme', listener.id)).state).toBe('disabled')
    const [attempt] = await node.attemptsOf(first!.delivery)
    expect(attempt).toMatchObject({ status: 500, error: 'http_server_error' })
    expect(Buffer.from(attempt!.responseBody).toString()).toBe('no: [secret]')
  })

  it('that no one listens to has nothing attempted, and gets all once someone does', async () => {
    const listener = await node.register({ ordered: true })
    await node.publish(3)
    await expect.poll(() => sender.engine.inFlight).toBe(0)
    const waiting = await node.deliveries()
    expect(waiting.map(({ state, attempts }) => [state, attempts])).toEqual([
      ['pending', 0],
      ['pending', 0],
      ['pending', 0],
    ])
    const outcomes = await Promise.all(
      waiting.map(({ event }) => sender.events.listEndpoints('acme', event, { after: null, limit: 9 })),
    )
    expect(new Set(outcomes.flat().map(({ reason }) => reason))).toEqual(new Set(['no_listener', 'earlier_delivery']))
    const { seen } = await node.receive(listener)
    await node.untilAll('delivered', 3)
    expect([...seen.values()].map(({ number }) => number)).toEqual([1, 1, 1])
    expect((await sender.endpoints.get('acme', listener.id)).health.failingSinceMs).toBeNull()
  })

  it('that leaves a request unanswered has its stream ended, does not count as failing, and goes on later', async () => {
    const listener = await node.register({ schedule: [0.05], timeoutMs: 1_000 })
    const silent = await node.listen(listener)
    await node.publish(2)
    await untilRequests(silent, 2)
    await expect.poll(() => silent.isEnded, { timeout: 10_000 }).toBe(true)
    const attempts = async () => (await node.deliveries()).map(delivery => delivery.attempts)
    await expect.poll(attempts, { timeout: 5_000 }).toEqual([1, 1])
    const [delivery] = await node.deliveries()
    expect(await node.attemptsOf(delivery!.id)).toMatchObject([{ status: null, error: 'no_listener', number: 1 }])
    expect((await sender.endpoints.get('acme', listener.id)).health).toMatchObject({ failingSinceMs: null, stage: 0 })
    // Their next attempts are due, and no one is there.
    await expect.poll(() => sender.engine.inFlight).toBe(0)
    expect(await attempts()).toEqual([1, 1])
    await node.receive(listener)
    await node.untilAll('delivered', 2)
  })

  it('gets open requests again when it comes back, and the first answer counts', async () => {
    const listener = await node.register({ timeoutMs: 60_000 })
    const [one, two] = [await node.listen(listener), await node.listen(listener)]
    await node.publish()
    const [request] = await untilRequests(one, 1)
    await untilRequests(two, 1)
    one.close()
    const fresh = await node.listen(listener)
    expect(await untilRequests(fresh, 1)).toEqual([request])
    await node.listen(listener, one)
    expect(await untilRequests(one, 2)).toEqual([request, request])
    await node.answer(request!, { status: 202 })
    expect(await code(node.answer(request!, { status: 500 }))).toBe('conflict')
    const [delivery] = await node.untilAll('delivered', 1)
    expect(await node.attemptsOf(delivery!.id)).toMatchObject([{ status: 202 }])
    expect(await code(node.answer(request!))).toBe('conflict')
    const late = await node.listen(listener)
    await node.publish()
    expect((await untilRequests(late, 1)).map(({ delivery: id }) => id)).not.toContain(request!.delivery)
  })

  it('has its answer taken over a restart: nothing is sent twice', async () => {
    const listener = await node.register({ timeoutMs: 60_000 })
    const reading = await node.listen(listener)
    await node.publish(2)
    const [one, two] = await untilRequests(reading, 2)
    await stopSending()
    // Answered while nothing is sent, and after.
    await node.answer(one!, { status: 201 })
    await node.stop()
    sender = await startSending()
    node = new Node(sender, hurried(20))
    await node.answer(two!, { status: 202 })
    const ended = await node.untilAll('delivered', 2)
    const attempts = await Promise.all(ended.map(({ id }) => node.attemptsOf(id)))
    expect(attempts.map(([attempt, ...more]) => [attempt!.number, attempt!.status, more.length]).sort()).toEqual([
      [1, 201, 0],
      [1, 202, 0],
    ])
  })

  it('is deleted when no one has listened for a day, with its deliveries, and no other endpoint is', async () => {
    const [heard, unheard, recent] = [await node.register(), await node.register(), await node.register()]
    const withUrl = await sender.endpoints.create('acme', { url: 'https://127.0.0.1:9/', clientSecret: SECRET })
    await sender.endpoints.disable('acme', withUrl.endpoint.id)
    await node.publish()
    await node.listen(heard)
    const ago = async (id: string, ms: number) => {
      await opened.run('update endpoint set seen_ms = seen_ms - $1 where id = $2', [ms, idBytes(id)])
    }
    for (const { id } of [heard, unheard]) await ago(id, DAY_MS + MINUTE_MS)
    await ago(recent.id, DAY_MS - MINUTE_MS)
    await new ListenersCleaner(sender.store, log).run(atOnce)
    expect(await leftOf(sender.store)).toEqual([heard.id, recent.id, withUrl.endpoint.id].sort())
    const cancelled = (await node.deliveries()).filter(({ endpoint }) => endpoint === unheard.id)
    expect(cancelled).toMatchObject([{ state: 'cancelled' }])
  })

  it('that is deleted has its streams ended, and what is open forgotten', async () => {
    const listener = await node.register()
    const reading = await node.listen(listener)
    await node.publish()
    const [request] = await untilRequests(reading, 1)
    await sender.endpoints.remove('acme', listener.id)
    expect(await code(node.answer(request!))).toBe('conflict')
    await expect.poll(() => reading.isEnded, { timeout: 10_000 }).toBe(true)
    expect(await node.deliveries()).toMatchObject([{ state: 'cancelled' }])
  })

  it('is answered for by no other tenant, and its requests reach no stream of another listener', async () => {
    const [own, other] = [await node.register(), await node.register({}, 'zeta')]
    const [reading, foreign] = [await node.listen(own), await node.listen(other)]
    await node.publish(1, 'acme')
    const [request] = await untilRequests(reading, 1)
    expect(await code(node.answer({ ...request!, tenant: 'zeta' }))).toBe('not_found')
    expect(await code(node.answer({ ...request!, number: 2 }))).toBe('conflict')
    // Whatever a filter says: as if it had been made with a foreign listener's id.
    const forged = await node.listen({ ...own, tenant: 'zeta' })
    await node.publish(1, 'zeta')
    await untilRequests(foreign, 1)
    expect(requestsOf(forged)).toEqual([])
    expect(requestsOf(foreign).map(({ tenant }) => tenant)).toEqual(['zeta'])
    await node.answer(request!)
    await node.untilAll('delivered', 1)
  })

  it('has no URL, and a tenant has a hundred at most', async () => {
    const dialled = { url: 'https://hooks.example.com/a', oauth: {} as never, clientCertificate: {} as never }
    const found = await faults(node.register(dialled))
    expect(found.map(({ field }) => field)).toEqual(['/url', '/oauth', '/clientCertificate'])
    const listener = await node.register()
    expect((await faults(sender.endpoints.update('acme', listener.id, { url: 'https://a.example/' }))).length).toBe(1)
    await sender.endpoints.update('acme', listener.id, { name: 'laptop' })
    expect(await sender.endpoints.get('acme', listener.id)).toMatchObject({ url: null, name: 'laptop' })
    for (let count = 1; count < MAX_LISTENERS; count++) await node.register()
    expect(await code(node.register())).toBe('conflict')
    await node.register({}, 'zeta')
    const trial = await sender.endpoints.checkNew('acme', { kind: 'listener', clientSecret: SECRET })
    expect(trial.errors.map(({ field }) => field)).toEqual([''])
  })

  it('refuses answers that could not be kept', async () => {
    const listener = await node.register()
    const reading = await node.listen(listener)
    await node.publish()
    const [request] = await untilRequests(reading, 1)
    const wrong = [
      ['a b', 'x'],
      ['x', 'a\r\nb: c'],
      ['', ''],
    ]
    expect((await faults(node.answer(request!, { status: 200, headers: wrong }))).map(({ field }) => field)).toEqual([
      '/headers/0',
      '/headers/1',
      '/headers/2',
    ])
    const long = [['x', 'y'.repeat(16_384)]]
    expect((await faults(node.answer(request!, { status: 200, headers: long })))[0]!.field).toBe('/headers')
    await node.answer(request!, { status: 200, body: 'x'.repeat(20_000) })
    const [delivery] = await node.untilAll('delivered', 1)
    const [attempt] = await node.attemptsOf(delivery!.id)
    expect([attempt!.responseBody.length, attempt!.responseTruncated]).toEqual([16_384, true])
  })

  it('gets three hundred events, each once', async () => {
    const listener = await node.register()
    const { seen } = await node.receive(listener)
    await node.publish(300)
    const ended = await node.untilAll('delivered', 300)
    expect(seen.size).toBe(300)
    expect(ended.every(({ attempts }) => attempts === 1)).toBe(true)
  })
})

it('a listener is kept for as long as someone listens, by the clock', () =>
  inFolder(async (folder, own) => {
    const clock = new JumpClock()
    const sender = await startPosthorn(folder, own, {}, true, clock)
    await sender.tenants.put('acme', {})
    const node = new Node(sender, clock)
    const listener = await node.register()
    const reading = await node.listen(listener)
    const cleaner = new ListenersCleaner(sender.store, log)
    expect(await cleaner.isWanted()).toBe(false)
    for (let hours = 0; hours < 30; hours += 6) {
      clock.jump(6 * HOUR_MS)
      const seenAtMs = async () => (await sender.endpoints.get('acme', listener.id)).seenAtMs
      await expect.poll(seenAtMs).toBeGreaterThan(clock.now() - MINUTE_MS)
    }
    expect(await cleaner.isWanted()).toBe(true)
    await cleaner.run(atOnce)
    reading.close()
    clock.jump(DAY_MS - MINUTE_MS)
    await cleaner.run(atOnce)
    expect(await leftOf(sender.store)).toEqual([listener.id])
    clock.jump(2 * MINUTE_MS)
    await cleaner.run(atOnce)
    expect(await leftOf(sender.store)).toEqual([])
    await node.stop()
    await sender.stop()
  }))

async function leftOf(store: Store): Promise<string[]> {
  const rows = await store.read('exportEndpoints', { tenant: 'acme', after: null, limit: 200 })
  return rows
    .filter(({ deletedAt }) => deletedAt === null)
    .map(({ id }) => String(id))
    .sort()
}
