/** A receiver that is down for hours, on a clock that jumps: attempts during the outage, and the backlog after it. */
import { startReceiver } from '@posthorn/testkit'
import { describe, expect, it } from 'vitest'
import { HOUR_MS, MINUTE_MS } from '../../src/base/durations.ts'
import { JumpClock } from '../jump-clock.ts'
import { attemptsOf, endpointOf, type Posthorn, SECRET, WAIT } from './failing-setup.ts'
import { cover, inFolder, startPosthorn } from './harness.ts'

/** Deliveries pending during the six hours. */
const PENDING = 30_000

/** Publishes too few at a time for the inbox, which a jump in the ids' times would confuse. */
async function publishMany(posthorn: Posthorn, count: number): Promise<void> {
  for (let at = 0; at < count; at += 250) {
    await posthorn.publish(
      'acme',
      Array.from({ length: 250 }, (_, index) => cover(at + index)),
    )
  }
}

describe('an outage of six hours', () => {
  it(
    'costs few attempts and ends without a flood: the backlog is sent at a rising rate',
    () =>
      inFolder(async (folder, authority) => {
        const clock = new JumpClock()
        const arrivals: number[] = []
        const receiver = await startReceiver({
          authority,
          names: ['localhost'],
          record: false,
          script: () => void arrivals.push(performance.now()),
        })
        const schedule = [30, 60, 120, 240, 480, 960, 1920, 3840, 7680, 15360]
        const posthorn = await startPosthorn(folder, authority, { retrySchedule: schedule }, true, clock)
        await posthorn.tenants.put('acme', {})
        const { endpoint } = await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
        await receiver.stop()
        await publishMany(posthorn, PENDING)
        await expect.poll(() => attemptsOf(posthorn), WAIT).toBeGreaterThan(3)
        for (let minute = 0; minute < 360; minute += 5) {
          const before = attemptsOf(posthorn)
          clock.jump(5 * MINUTE_MS)
          await expect.poll(() => attemptsOf(posthorn), WAIT).toBeGreaterThan(before)
        }
        const wasted = attemptsOf(posthorn)
        expect(wasted).toBeLessThan(400)
        expect((await endpointOf(posthorn, endpoint.id)).health.failingSinceMs).toBeLessThan(
          clock.now() - 5.9 * HOUR_MS,
        )
        await receiver.start()
        // The next probe is at most half a minute away.
        clock.jump(30_000)
        await receiver.waitFor(({ distinct }) => distinct.size >= PENDING * 0.9, { timeoutMs: 240_000 })
        const first = arrivals[0]!
        const countIn = (second: number) => arrivals.filter(ms => Math.floor((ms - first) / 1_000) === second).length
        expect(countIn(0)).toBeGreaterThan(5)
        expect(countIn(0)).toBeLessThan(40)
        expect(countIn(1)).toBeLessThan(80)
        expect(countIn(2)).toBeLessThan(160)
        expect(countIn(3)).toBeGreaterThan(countIn(0))
        // Deliveries tried recently wait for their own retries.
        clock.jump(5 * HOUR_MS)
        await receiver.waitFor(({ distinct }) => distinct.size === PENDING, { timeoutMs: 120_000 })
        expect((await endpointOf(posthorn, endpoint.id)).health).toMatchObject({ failingSinceMs: null, stage: 0 })
        await posthorn.stop()
        await receiver.close()
      }),
    600_000,
  )

  it(
    'is followed by a slow start even if the endpoint was disabled in the meantime',
    () =>
      inFolder(async (folder, authority) => {
        const arrivals: number[] = []
        const receiver = await startReceiver({
          authority,
          names: ['localhost'],
          record: false,
          script: () => void arrivals.push(performance.now()),
        })
        const posthorn = await startPosthorn(folder, authority)
        await posthorn.tenants.put('acme', {})
        const { endpoint } = await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
        await posthorn.endpoints.disable('acme', endpoint.id)
        await publishMany(posthorn, 1_000)
        await posthorn.endpoints.enable('acme', endpoint.id, { held: 'release' })
        await receiver.waitFor(({ total }) => total === 1_000, { timeoutMs: 60_000 })
        const countIn = (second: number) =>
          arrivals.filter(ms => Math.floor((ms - arrivals[0]!) / 1_000) === second).length
        expect(countIn(0)).toBeLessThan(40)
        expect(countIn(1)).toBeLessThan(80)
        await posthorn.stop()
        await receiver.close()
      }),
    90_000,
  )

  it(
    "doesn't flood a receiver with limited concurrency: it turns away few requests",
    () =>
      inFolder(async (folder, authority) => {
        let open = 0
        let turnedAway = 0
        let isUp = false
        const receiver = await startReceiver({
          authority,
          names: ['localhost'],
          record: false,
          async script() {
            if (!isUp || open >= 6) {
              if (isUp) turnedAway++
              return { status: 503 }
            }
            open++
            await new Promise(resolve => setTimeout(resolve, 2))
            open--
            return { status: 204 }
          },
        })
        const posthorn = await startPosthorn(folder, authority, { retrySchedule: Array(30).fill(2) })
        await posthorn.tenants.put('acme', {})
        await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET })
        await publishMany(posthorn, 3_000)
        await receiver.waitFor(({ total }) => total > 50, { timeoutMs: 30_000 })
        isUp = true
        await receiver.waitFor(({ distinct }) => distinct.size === 3_000, { timeoutMs: 120_000 })
        expect(turnedAway).toBeLessThan(3_000 * 0.15)
        await posthorn.stop()
        await receiver.close()
      }),
    180_000,
  )
})
