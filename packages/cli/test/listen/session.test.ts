/** What becomes of the requests of a listener that a session listens to. */
import { createAuthority } from '@posthorn/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Posthorn, verify } from '../../../client/src/index.ts'
import { ListenerDeleted } from '../../src/listen/session.ts'
import { KEY, ListenBench, TYPE } from './setup.ts'

const bench = new ListenBench()
beforeAll(() => bench.begin())
beforeEach(() => bench.beginTest())
afterEach(() => bench.endTest())
afterAll(() => bench.end())

describe('a session', () => {
  it('forwards each event as Posthorn sends it: headers, bytes, bearer and a signature under the secrets shown', async () => {
    const receiver = await bench.receiver({
      script: () => ({ status: 201, headers: { 'x-request-id': '7' }, body: 'ok' }),
    })
    const listening = await bench.listen({ target: `${receiver.url}/hooks?a=b` })
    await bench.publish(2)
    await bench.untilAll('delivered', 2)
    expect(receiver.requests.length).toBe(2)
    const [request] = receiver.requests
    expect([request!.method, request!.path]).toEqual(['POST', '/hooks?a=b'])
    const [start] = listening.of('listening')
    const webhook = await verify({ headers: request!.headers, body: request!.body }, start!.secrets)
    expect(webhook.type).toBe(TYPE)
    const names = request!.rawHeaders.filter((_, at) => at % 2 === 0)
    expect(names).toEqual([
      'Host',
      'Content-Type',
      'Authorization',
      'X-APIVersion',
      'User-Agent',
      'webhook-id',
      'webhook-timestamp',
      'webhook-signature',
      'X-Posthorn-Type',
      'Content-Length',
      'Connection',
    ])
    const [delivery] = await bench.deliveries()
    const { attempts } = await bench.posthorn.deliveries.get(bench.tenant, delivery!.id)
    expect(attempts).toMatchObject([{ status: 201, responseBody: 'ok' }])
    expect(attempts[0]!.responseHeaders).toContainEqual(['x-request-id', '7'])
    expect(listening.heard().map(({ number, reply }) => [number, reply.status, reply.kind])).toEqual([
      [1, 201, 'responded'],
      [2, 201, 'responded'],
    ])
    await listening.end()
  })

  it('shows requests without a receiver, of the chosen types only, and answers 200', async () => {
    const listening = await bench.listen({ target: null, types: ['GRADE_*'] })
    await bench.publish(1)
    const payload = { ehid: 'e', change: 'positive', companyUrl: 'https://a.example/' }
    await bench.posthorn.events.publish(bench.tenant, { type: 'GRADE_CHANGED', payload })
    await bench.untilAll('delivered', 1)
    expect(listening.heard().map(({ request, reply }) => [request.type, reply.status, reply.kind])).toEqual([
      ['GRADE_CHANGED', 200, 'shown'],
    ])
    await listening.end()
  })

  it('passes a failure on, and replays the last, the chosen and all that failed', async () => {
    const failing = new Set(['1', '2', '3'])
    const receiver = await bench.receiver({
      script: (_request, nth, total) =>
        failing.has(String(total)) && nth === 1 ? { status: 500, body: `broken ${total}` } : { status: 204 },
    })
    const listening = await bench.listen({ target: receiver.url })
    await bench.publish(3)
    await expect.poll(() => listening.heard().length).toBe(3)
    expect(
      listening
        .heard()
        .map(({ reply }) => reply.body)
        .sort(),
    ).toEqual(['broken 1', 'broken 2', 'broken 3'])
    // Also if the failure has not been stored yet.
    await listening.session.retrying.retry(listening.heard()[0]!.request)
    await receiver.waitFor(() => receiver.total === 4)
    await expect
      .poll(async () => (await bench.deliveries()).filter(({ state }) => state === 'delivered').length)
      .toBe(1)
    await expect.poll(async () => (await bench.deliveries()).map(({ attemptCount }) => attemptCount)).toEqual([1, 1, 2])
    expect(await listening.session.retrying.retryFailed()).toBe(2)
    await bench.untilAll('delivered', 3)
    // One that was delivered is sent again as a new delivery.
    await listening.session.retrying.retry(listening.heard()[0]!.request)
    await bench.untilAll('delivered', 4)
    expect(receiver.total).toBe(7)
    expect(await listening.session.retrying.retryFailed()).toBe(0)
    await listening.end()
  })

  it('says once that the receiver is down, tries on, and sends again what failed as soon as it is up', async () => {
    const receiver = await bench.receiver()
    await receiver.stop()
    const listening = await bench.listen({ target: receiver.url })
    await bench.publish(5)
    await expect.poll(() => listening.heard().length).toBe(5)
    expect(listening.heard().map(({ reply }) => [reply.kind, reply.status])).toContainEqual(['unreachable', 502])
    await receiver.start()
    await bench.untilAll('delivered', 5)
    expect(listening.of('receiver')).toEqual([
      { kind: 'receiver', isUp: false, why: expect.stringMatching(/can't be reached: nothing listens there/) },
      { kind: 'receiver', isUp: true, failed: 5 },
    ])
    expect(receiver.total).toBe(5)
    await listening.end()
  })

  it('answers 504 in time for a receiver that hangs, and 502 for one that breaks off', async () => {
    const receiver = await bench.receiver({ script: (_request, _nth, total) => (total === 1 ? 'hang' : 'reset') })
    const listening = await bench.listen({ target: receiver.url, timeoutMs: 1_500 })
    await bench.publish(1)
    await expect.poll(() => listening.heard().length).toBe(1)
    expect(listening.heard()[0]!.reply).toMatchObject({ kind: 'timed_out', status: 504 })
    await bench.publish(1)
    await expect.poll(() => listening.heard().length).toBe(2)
    expect(listening.heard()[1]!.reply).toMatchObject({ kind: 'broken', status: 502 })
    const last = async () => (await bench.deliveries()).map(({ lastAttempt }) => lastAttempt?.status ?? null)
    await expect.poll(last).toEqual([502, 504])
    expect(listening.of('late')).toEqual([])
    await listening.end()
  })

  it('refuses a certificate that can not be verified, names the flag, and accepts it with the flag', async () => {
    const authority = await createAuthority()
    const receiver = await bench.receiver({ http: false, authority })
    const strict = await bench.listen({ target: receiver.url })
    await bench.publish(1)
    await expect.poll(() => strict.heard().length).toBe(1)
    expect(strict.heard()[0]!.reply).toMatchObject({ kind: 'broken', body: expect.stringContaining('--skip-verify') })
    await strict.end()
    const lax = await bench.listen({ target: receiver.url, skipVerify: true })
    await lax.session.retrying.retryFailed()
    await bench.untilAll('delivered', 1)
    await lax.end()
  })

  it('forwards nothing twice when its stream breaks off and requests come again', async () => {
    let isHeld = true
    const held: (() => void)[] = []
    const receiver = await bench.receiver({
      script: async () => {
        if (isHeld) await new Promise<void>(resolve => held.push(resolve))
        return { status: 204 }
      },
    })
    const cuts: AbortController[] = []
    const posthorn = new Posthorn({
      url: bench.server.url!,
      apiKey: KEY,
      fetch(url, init) {
        if (!url.includes('/stream')) return fetch(url, init)
        const cut = new AbortController()
        cuts.push(cut)
        return fetch(url, { ...init, signal: AbortSignal.any([init.signal!, cut.signal]) })
      },
    })
    const listening = await bench.listen({ posthorn, target: receiver.url })
    await bench.publish(4)
    await receiver.waitFor(() => receiver.total === 4)
    cuts.at(-1)!.abort(new TypeError('cut'))
    await expect.poll(() => listening.of('connection').length).toBeGreaterThanOrEqual(3)
    await expect.poll(() => listening.session.inFlight).toBe(8)
    isHeld = false
    for (const release of held) release()
    await bench.untilAll('delivered', 4)
    expect(receiver.total).toBe(4)
    await listening.end()
  })

  it('forwards what the receiver has accepted once, even if its answer is lost and the process is killed', async () => {
    const receiver = await bench.receiver()
    let losesAnswers = true
    const posthorn = new Posthorn({
      url: bench.server.url!,
      apiKey: KEY,
      fetch: (url, init) =>
        losesAnswers && url.endsWith('/response') ? Promise.reject(new TypeError('lost')) : fetch(url, init),
    })
    const first = await bench.listen({ posthorn, target: receiver.url, timeoutMs: 1_000 })
    const [endpoint] = await bench.endpoints()
    await bench.posthorn.endpoints.update(bench.tenant, endpoint!.id, { schedule: [1, 1, 1, 1, 1] })
    await bench.publish(3)
    await expect.poll(() => first.of('repeated').length).toBe(3)
    first.kill()
    losesAnswers = false
    const second = await bench.listen({ posthorn, target: receiver.url, timeoutMs: 1_000 })
    await bench.untilAll('delivered', 3)
    expect([receiver.total, second.heard().length]).toEqual([3, 0])
    await second.end()
    expect(second.state.outcomes.left.size).toBe(0)
  })

  it('takes no more while what it has is not yet shown, and goes on after that', async () => {
    const { promise: shown, resolve } = Promise.withResolvers<void>()
    const listening = await bench.listen({ target: null, shown })
    await bench.publish(100)
    await expect.poll(() => listening.heard().length).toBe(64)
    await expect.poll(() => listening.session.inFlight).toBe(64)
    const delivered = async () => (await bench.deliveries()).filter(({ state }) => state === 'delivered').length
    await expect.poll(delivered).toBe(64)
    resolve()
    await bench.untilAll('delivered', 100)
    expect(listening.heard().length).toBe(100)
    await listening.end()
  })

  it('ends by a sentence when the listener is deleted, and is registered again if that happened unseen', async () => {
    const listening = await bench.listen({ target: null })
    const [endpoint] = await bench.endpoints()
    await bench.posthorn.endpoints.delete(bench.tenant, endpoint!.id)
    expect(await listening.done).toBeInstanceOf(ListenerDeleted)
    listening.kill()
    let isOffline = false
    const cut = new AbortController()
    const posthorn = new Posthorn({
      url: bench.server.url!,
      apiKey: KEY,
      fetch(url, init) {
        if (isOffline) return Promise.reject(new TypeError('offline'))
        return fetch(url, { ...init, signal: AbortSignal.any([init.signal!, cut.signal]) }).catch(error => {
          if (!cut.signal.aborted) throw error
          return fetch(url, init)
        })
      },
    })
    const other = await bench.listen({ posthorn, target: null })
    isOffline = true
    cut.abort(new TypeError('cut'))
    await expect.poll(() => other.of('connection').at(-1)).toMatchObject({ isOpen: false })
    await bench.posthorn.endpoints.delete(bench.tenant, (await bench.endpoints())[0]!.id)
    isOffline = false
    await expect.poll(() => other.of('renewed').length).toBe(1)
    await expect.poll(() => other.of('connection').at(-1)).toMatchObject({ isOpen: true })
    await bench.publish(1)
    await expect.poll(() => other.heard().length).toBe(1)
    await other.end()
  })

  it('says that a 410 has disabled the listener, and gets what was held once it is enabled', async () => {
    const receiver = await bench.receiver({ script: (_request, _nth, total) => ({ status: total === 1 ? 410 : 204 }) })
    const listening = await bench.listen({ target: receiver.url })
    await bench.publish(1)
    await expect.poll(() => listening.of('state')).toEqual([{ kind: 'state', state: 'disabled', reason: 'gone' }])
    await bench.publish(1)
    await listening.session.enable()
    await expect.poll(() => receiver.total).toBe(2)
    expect(await listening.session.retrying.retryFailed()).toBe(1)
    await bench.untilAll('delivered', 2)
    expect(listening.of('state').at(-1)).toMatchObject({ state: 'enabled' })
    await listening.end()
  })

  it('resumes with the same secrets after an exit, and gets what was published in between', async () => {
    const receiver = await bench.receiver()
    const first = await bench.listen({ target: receiver.url })
    await bench.publish(1)
    await bench.untilAll('delivered', 1)
    await first.end()
    await bench.publish(3)
    const second = await bench.listen({ target: receiver.url })
    await bench.untilAll('delivered', 4)
    expect(second.of('listening')[0]).toMatchObject({ isResumed: true, secrets: first.state.secrets })
    expect(receiver.total).toBe(4)
    await second.session.remove()
    await second.end()
    expect(await bench.endpoints()).toEqual([])
    const third = await bench.listen({ target: receiver.url })
    expect(third.of('listening')[0]).toMatchObject({ isResumed: false, secrets: first.state.secrets })
    await third.end()
  })
})
