/** Receivers that fail for seconds or days, on a clock that jumps. */
import { startReceiver } from '@posthorn/testkit'
import { describe, expect, it } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/base/durations.ts'
import { JumpClock } from '../jump-clock.ts'
import { listDeliveries } from '../store/list-deliveries.ts'
import { attemptsOf, endpointOf, type Posthorn, SECRET, WAIT } from './failing-setup.ts'
import { cover, inFolder, startPosthorn } from './harness.ts'

async function startWith(folder: string, authority: Parameters<typeof startPosthorn>[1], clock: JumpClock) {
  const posthorn = await startPosthorn(folder, authority, { retrySchedule: [3_600, 3_600, 3_600] }, true, clock)
  const attempt = async (index: number) => {
    const before = attemptsOf(posthorn)
    await posthorn.publish('acme', cover(index))
    await expect.poll(() => attemptsOf(posthorn), WAIT).toBeGreaterThan(before)
  }
  return { posthorn, attempt }
}

/** Claims all notices, as their publisher does, and adds what they say about failing endpoints to `seen`. */
async function takeNotices({ store }: Posthorn, clock: JumpClock, seen: string[]): Promise<void> {
  for (const notice of await store.write('claimNotices', { nowMs: clock.now() })) {
    const what = notice.type.split('.').pop()
    if (what !== 'exhausted') {
      const { days = '', delivery } = JSON.parse(notice.payload)
      seen.push(`${what} ${days}`.trim())
      // The newest that has failed, or the one before if the endpoint is reviewed before that one fails.
      const failed = (await listDeliveries(store, 'acme', { state: 'exhausted' }, 2)).map(({ id }) => id)
      expect(failed, what).toContain(delivery)
    }
    await store.write('finishNotices', { keys: [notice.key], nowMs: Date.now() })
  }
}

describe('C11: five days of failure', () => {
  it(
    'warn once each after 1, 2 and 4 days, then disable the endpoint, despite restarts',
    () =>
      inFolder(async (folder, authority) => {
        const clock = new JumpClock()
        const receiver = await startReceiver({ authority, names: ['localhost'], script: () => ({ status: 500 }) })
        let { posthorn, attempt } = await startWith(folder, authority, clock)
        await posthorn.tenants.put('acme', {})
        const input = { url: receiver.url, clientSecret: SECRET, schedule: [] }
        const { endpoint } = await posthorn.endpoints.create('acme', input)
        const operator = { url: `${receiver.url}/operator`, clientSecret: SECRET, types: ['posthorn.endpoint.failing'] }
        await posthorn.endpoints.create('posthorn', {
          ...operator,
          types: [...operator.types, 'posthorn.endpoint.disabled'],
        })
        const beganMs = clock.now()
        const seen: string[] = []
        const take = () => takeNotices(posthorn, clock, seen)
        for (let hour = 0; hour <= 119; hour += 7) {
          await attempt(hour)
          await expect
            .poll(async () => (await endpointOf(posthorn, endpoint.id)).health.failingSinceMs, WAIT)
            .not.toBeNull()
          const { state, health, warnings } = await endpointOf(posthorn, endpoint.id)
          expect(state).toBe('enabled')
          expect(Math.abs(health.failingSinceMs! - beganMs)).toBeLessThan(MINUTE_MS)
          if (hour > 24) {
            await expect
              .poll(async () => (await endpointOf(posthorn, endpoint.id)).health.stage, WAIT)
              .toBeGreaterThan(0)
          }
          if (hour > 31) expect(warnings.map(({ code }) => code)).toContain('failing')
          await take()
          if (hour % 21 === 0) {
            await posthorn.stop()
            const again = await startWith(folder, authority, clock)
            posthorn = again.posthorn
            attempt = again.attempt
          }
          clock.jump(7 * HOUR_MS)
        }
        expect(seen).toEqual(['failing 1', 'failing 2', 'failing 4'])
        clock.jump(2 * HOUR_MS)
        await posthorn.publish('acme', cover(200))
        await expect.poll(async () => (await endpointOf(posthorn, endpoint.id)).state, WAIT).toBe('disabled')
        expect((await endpointOf(posthorn, endpoint.id)).disabledReason).toBe('failing')
        await take()
        expect(seen.slice(3)).toEqual(['disabled'])
        // Events published now are held, and sent when the endpoint is enabled, which starts a new run.
        const own = () => receiver.requests.filter(({ path }) => path !== '/operator').length
        const before = own()
        await posthorn.publish('acme', cover(201))
        await posthorn.endpoints.enable('acme', endpoint.id, { held: 'release' })
        await expect.poll(own, WAIT).toBe(before + 1)
        await expect
          .poll(async () => (await endpointOf(posthorn, endpoint.id)).health.failingSinceMs, WAIT)
          .not.toBeNull()
        const again = await endpointOf(posthorn, endpoint.id)
        expect([again.state, again.health.stage]).toEqual(['enabled', 0])
        expect(clock.now() - again.health.failingSinceMs!).toBeLessThan(MINUTE_MS)
        await posthorn.stop()
        await receiver.close()
      }),
    120_000,
  )

  it(
    'begin with the newest failure, also of a receiver that comes and goes and gets no further request',
    () =>
      inFolder(async (folder, authority) => {
        const clock = new JumpClock()
        let status = 500
        const receiver = await startReceiver({ authority, names: ['localhost'], script: () => ({ status }) })
        const { posthorn, attempt } = await startWith(folder, authority, clock)
        await posthorn.tenants.put('acme', {})
        const input = { url: receiver.url, clientSecret: SECRET, schedule: [] }
        const { endpoint } = await posthorn.endpoints.create('acme', input)
        const since = async () => (await endpointOf(posthorn, endpoint.id)).health.failingSinceMs
        await attempt(0)
        await expect.poll(since, WAIT).not.toBeNull()
        const first = (await since())!
        status = 204
        await attempt(1)
        await expect.poll(since, WAIT).toBeNull()
        status = 500
        await attempt(2)
        await expect.poll(since, WAIT).not.toBeNull()
        expect(await since()).toBeGreaterThan(first)
        // What isn't stored yet is stored at the end.
        await posthorn.endpoints.disable('acme', endpoint.id)
        await posthorn.endpoints.enable('acme', endpoint.id, { held: 'release' })
        await attempt(3)
        await posthorn.stop()
        const again = await startWith(folder, authority, clock)
        expect((await endpointOf(again.posthorn, endpoint.id)).health.failingSinceMs).not.toBeNull()
        await again.posthorn.stop()
        await receiver.close()
      }),
    60_000,
  )

  it(
    'are interrupted by one success, even of a test, and an endpoint without traffic is left alone',
    () =>
      inFolder(async (folder, authority) => {
        const clock = new JumpClock()
        const receiver = await startReceiver({
          authority,
          names: ['localhost'],
          script: ({ headers }) => ({ status: headers['x-posthorn-test'] === undefined ? 500 : 204 }),
        })
        const { posthorn, attempt } = await startWith(folder, authority, clock)
        await posthorn.tenants.put('acme', {})
        const input = { url: receiver.url, clientSecret: SECRET, schedule: [] }
        const { endpoint } = await posthorn.endpoints.create('acme', input)
        const sinceMs = async () => (await endpointOf(posthorn, endpoint.id)).health.failingSinceMs
        await attempt(1)
        await expect.poll(sinceMs, WAIT).not.toBeNull()
        clock.jump(4 * DAY_MS)
        await attempt(2)
        await posthorn.publisher.publishTest(endpoint, undefined)
        await expect.poll(sinceMs, WAIT).toBeNull()
        clock.jump(4 * DAY_MS)
        await attempt(3)
        await expect.poll(sinceMs, WAIT).not.toBeNull()
        // Ten quiet days, so the last failure is more than a day old.
        for (let day = 0; day < 10; day++) clock.jump(DAY_MS)
        await posthorn.engine.drain(1_000)
        expect((await endpointOf(posthorn, endpoint.id)).state).toBe('enabled')
        await posthorn.stop()
        await receiver.close()
      }),
    60_000,
  )

  it(
    'disable the endpoint even without another attempt, if the last failure is less than a day old',
    () =>
      inFolder(async (folder, authority) => {
        const clock = new JumpClock()
        const receiver = await startReceiver({ authority, names: ['localhost'], script: () => ({ status: 500 }) })
        const { posthorn, attempt } = await startWith(folder, authority, clock)
        await posthorn.tenants.put('acme', {})
        const { endpoint } = await posthorn.endpoints.create('acme', {
          url: receiver.url,
          clientSecret: SECRET,
          schedule: [],
        })
        await attempt(1)
        clock.jump(4.5 * DAY_MS)
        await attempt(2)
        await expect.poll(async () => (await endpointOf(posthorn, endpoint.id)).health.stage, WAIT).toBe(3)
        expect((await endpointOf(posthorn, endpoint.id)).state).toBe('enabled')
        clock.jump(0.5 * DAY_MS)
        await expect.poll(async () => (await endpointOf(posthorn, endpoint.id)).state, WAIT).toBe('disabled')
        expect(receiver.total).toBe(2)
        await posthorn.stop()
        await receiver.close()
      }),
    60_000,
  )

  it(
    'disable no endpoint if the setting is 0',
    () =>
      inFolder(async (folder, authority) => {
        const clock = new JumpClock()
        const receiver = await startReceiver({ authority, names: ['localhost'], script: () => ({ status: 500 }) })
        const posthorn = await startPosthorn(
          folder,
          authority,
          { retrySchedule: [1], disableAfterDays: 0 },
          true,
          clock,
        )
        await posthorn.tenants.put('acme', {})
        const { endpoint } = await posthorn.endpoints.create('acme', {
          url: receiver.url,
          clientSecret: SECRET,
          schedule: [],
        })
        for (let day = 0; day < 9; day++) {
          const before = attemptsOf(posthorn)
          await posthorn.publish('acme', cover(day))
          await expect.poll(() => attemptsOf(posthorn), WAIT).toBeGreaterThan(before)
          clock.jump(DAY_MS)
        }
        await expect.poll(async () => (await endpointOf(posthorn, endpoint.id)).health.stage, WAIT).toBe(3)
        expect((await endpointOf(posthorn, endpoint.id)).state).toBe('enabled')
        await posthorn.stop()
        await receiver.close()
      }),
    60_000,
  )
})

describe('C11: a response from the previous URL', () => {
  it("doesn't disable or pause the endpoint, and starts no run of failures", () =>
    inFolder(async (folder, authority) => {
      const { promise: isChanged, resolve: change } = Promise.withResolvers<void>()
      const late = [{ status: 410 }, { status: 503, headers: { 'retry-after': '3600' } }, { status: 500 }]
      const receiver = await startReceiver({
        authority,
        names: ['localhost'],
        script: async ({ path }) => {
          if (!path.startsWith('/old')) return { status: 204 }
          await isChanged
          return late[Number(path.at(-1))]!
        },
      })
      const { posthorn } = await startWith(folder, authority, new JumpClock())
      await posthorn.tenants.put('acme', {})
      const ids = []
      for (const at of late.keys()) {
        const input = { url: `${receiver.url}/old${at}`, clientSecret: SECRET, schedule: [0.05] }
        ids.push((await posthorn.endpoints.create('acme', input)).endpoint.id)
      }
      await posthorn.publish('acme', cover(1))
      await expect.poll(() => receiver.total, WAIT).toBe(3)
      for (const id of ids) await posthorn.endpoints.update('acme', id, { url: `${receiver.url}/new` })
      change()
      await expect.poll(() => receiver.requests.filter(({ path }) => path === '/new').length, WAIT).toBe(3)
      for (const id of ids) {
        const endpoint = await posthorn.endpoints.get('acme', id)
        expect(endpoint).toMatchObject({ state: 'enabled', health: { failingSinceMs: null, pausedUntilMs: null } })
      }
      await posthorn.stop()
      await receiver.close()
    }))
})

describe('C12: Retry-After', () => {
  it(
    'postpones the whole lane, across restarts, except manual retries and tests; a new URL or enabling ends it',
    () =>
      inFolder(async (folder, authority) => {
        const clock = new JumpClock()
        let isBusy = true
        const receiver = await startReceiver({
          authority,
          names: ['localhost'],
          script: () => (isBusy ? { status: 429, headers: { 'retry-after': '7200' } } : { status: 204 }),
        })
        let { posthorn } = await startWith(folder, authority, clock)
        await posthorn.tenants.put('acme', {})
        const { endpoint } = await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
        const pausedUntilMs = async () => (await endpointOf(posthorn, endpoint.id)).pausedUntilMs
        await posthorn.publish('acme', cover(1))
        await expect.poll(pausedUntilMs, WAIT).not.toBeNull()
        expect(Math.abs((await pausedUntilMs())! - clock.now() - 2 * HOUR_MS)).toBeLessThan(MINUTE_MS)
        isBusy = false
        await posthorn.publish('acme', [cover(2), cover(3), cover(4)])
        await posthorn.stop()
        posthorn = (await startWith(folder, authority, clock)).posthorn
        clock.jump(HOUR_MS)
        const pending = async () => {
          const filter = { state: 'pending' as const, endpoint: endpoint.id, event: null, type: null, before: null }
          return listDeliveries(posthorn.store, 'acme', { ...filter, fromMs: null, toMs: null }, 10)
        }
        expect((await pending()).length).toBe(4)
        expect(receiver.total).toBe(1)
        // Only the manual retry of the third and the test are sent.
        const [third] = (await pending()).sort((a, b) => (a.id < b.id ? -1 : 1)).slice(2)
        await posthorn.deliveries.retry('acme', third!.id)
        await expect.poll(() => receiver.total, WAIT).toBe(2)
        await posthorn.publisher.publishTest(endpoint, undefined)
        await expect.poll(() => receiver.total, WAIT).toBe(3)
        expect(JSON.parse(receiver.requests[1]!.body.toString()).CoverId).toBe(cover(3).payload.CoverId)
        await posthorn.endpoints.update('acme', endpoint.id, { description: 'still paused' })
        clock.jump(30 * MINUTE_MS)
        await expect.poll(async () => (await pending()).length, WAIT).toBe(3)
        expect(receiver.total).toBe(3)
        await posthorn.endpoints.update('acme', endpoint.id, { url: `${receiver.url}/new` })
        await expect.poll(() => receiver.total, WAIT).toBe(5)
        expect(await pausedUntilMs()).toBeNull()
        // The delivery that received the 429 is sent at its own time.
        clock.jump(HOUR_MS)
        await expect.poll(async () => (await pending()).length, WAIT).toBe(0)
        isBusy = true
        await posthorn.publish('acme', cover(5))
        await expect.poll(pausedUntilMs, WAIT).not.toBeNull()
        await posthorn.endpoints.enable('acme', endpoint.id, { held: 'release' })
        expect(await pausedUntilMs()).toBeNull()
        await posthorn.stop()
        await receiver.close()
      }),
    60_000,
  )
})
