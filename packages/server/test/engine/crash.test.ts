import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Authority, type Receiver, startReceiver } from '@posthorn/testkit'
import { describe, expect, it, vi } from 'vitest'
import { StoreUnavailable } from '../../src/store/transaction.ts'
import { listDeliveries } from '../store/list-deliveries.ts'
import { cover, inFolder, startPosthorn } from './harness.ts'

const SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
const ANY = { state: null, endpoint: null, event: null, type: null, before: null, fromMs: null, toMs: null }
/** No test waits for a timeout. */
const PATIENT = { responseTimeoutMs: 600_000 }

type Posthorn = Awaited<ReturnType<typeof startPosthorn>>

/** A receiver that responds to nothing until `answer` is called, and to everything from then on. */
async function aReceiver(authority: Authority) {
  const answering = Promise.withResolvers<void>()
  const receiver = await startReceiver({ authority, names: ['localhost'], script: () => answering.promise })
  return { receiver, answer: () => answering.resolve() }
}

const register = async (posthorn: Posthorn, receiver: Receiver, types?: readonly string[]) =>
  (await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret: SECRET, ...(types && { types }) }))
    .endpoint.id

const until = (receiver: Receiver, total: number) =>
  receiver.waitFor(() => receiver.total >= total, { timeoutMs: 10_000 })

const setAside = async (posthorn: Posthorn) => (await posthorn.deliveries.listSetAside({ before: null }, 99)).deliveries

/** Open trials of all live deliveries, as stored on disk. */
function openTrials(folder: string): number[] {
  const database = new DatabaseSync(join(folder, 'posthorn.db'), { readOnly: true })
  const rows = database.prepare('select open_trials as open from live_delivery order by id').all()
  database.close()
  return rows.map(({ open }) => open as number)
}

describe('after a crash', () => {
  it('C13: a lane starts with one request and sends normally once that has settled', () =>
    inFolder(async (folder, authority) => {
      const { receiver, answer } = await aReceiver(authority)
      const before = await startPosthorn(folder, authority, PATIENT)
      await before.tenants.put('acme', {})
      await register(before, receiver)
      await before.publish(
        'acme',
        Array.from({ length: 20 }, (_, at) => cover(at)),
      )
      await until(receiver, 4)
      await before.crash()
      expect(openTrials(folder)).toEqual(Array(20).fill(0))
      const posthorn = await startPosthorn(folder, authority, PATIENT)
      expect(posthorn.lines).toContainEqual(expect.objectContaining({ level: 40, partitions: 256 }))
      await until(receiver, 5)
      // An endpoint created since then is not held back, and shows that the others have had their turn.
      const healthy = await startReceiver({ authority, names: ['localhost'] })
      await register(posthorn, healthy)
      await posthorn.publish(
        'acme',
        Array.from({ length: 50 }, (_, at) => cover(at)),
      )
      await until(healthy, 50)
      expect(receiver.total).toBe(5)
      answer()
      await until(receiver, 4 + 20 + 50)
      const delivered = async () =>
        (await listDeliveries(posthorn.store, 'acme', { ...ANY, state: 'delivered' }, 999)).length
      await expect.poll(delivered, { timeout: 5_000 }).toBe(120)
      await posthorn.stop()
      await Promise.all([receiver.close(), healthy.close()])
    }))

  it('C13: sets aside a delivery in flight at three crashes, sends the others, and sends it if retried manually', () =>
    inFolder(async (folder, authority) => {
      const { receiver, answer } = await aReceiver(authority)
      let posthorn = await startPosthorn(folder, authority, { ...PATIENT, laneWindow: 1 })
      await posthorn.tenants.put('acme', {})
      const endpoint = await register(posthorn, receiver)
      await posthorn.publish('acme', cover(1))
      await until(receiver, 1)
      // Nothing was noted before the first crash, so only the three after it are counted.
      for (let crash = 1; crash <= 4; crash++) {
        await posthorn.crash()
        expect(openTrials(folder)).toEqual([crash - 1])
        posthorn = await startPosthorn(folder, authority, { ...PATIENT, laneWindow: 1 })
        if (crash < 4) await until(receiver, crash + 1)
      }
      await expect.poll(() => setAside(posthorn), { timeout: 5_000 }).toHaveLength(1)
      const [held] = await setAside(posthorn)
      expect(held).toMatchObject({ endpoint, state: 'held', heldReason: 'set_aside', attempts: 0 })
      expect(posthorn.lines).toContainEqual(
        expect.objectContaining({
          level: 40,
          tenant: 'acme',
          endpoint,
          delivery: held!.id,
          event: held!.event,
          msg: expect.stringContaining('set aside'),
        }),
      )
      expect(receiver.total).toBe(4)
      answer()
      await posthorn.publish('acme', cover(2))
      await until(receiver, 5)
      await posthorn.deliveries.retry('acme', held!.id)
      await until(receiver, 6)
      expect(receiver.requests.map(({ headers }) => headers['webhook-id'] === held!.event)).toEqual([
        true,
        true,
        true,
        true,
        false,
        true,
      ])
      await posthorn.stop()
      await receiver.close()
    }))

  it('C13: sets aside one delivery at a time, so that those hanging alongside it are still sent', () =>
    inFolder(async (folder, authority) => {
      const lanes = await Promise.all([1, 2, 3].map(() => aReceiver(authority)))
      let posthorn = await startPosthorn(folder, authority, PATIENT)
      await posthorn.tenants.put('acme', {})
      for (const { receiver } of lanes) await register(posthorn, receiver)
      await posthorn.publish('acme', cover(1))
      const total = () => lanes.reduce((sum, { receiver }) => sum + receiver.total, 0)
      for (const expected of [3, 6, 9]) {
        await expect.poll(total, { timeout: 10_000 }).toBe(expected)
        await posthorn.crash()
        posthorn = await startPosthorn(folder, authority, PATIENT)
      }
      // All three were in flight at two counted crashes. Only one of them can have its last trial now.
      await expect.poll(total, { timeout: 10_000 }).toBe(10)
      await posthorn.crash()
      expect(openTrials(folder).sort()).toEqual([2, 2, 3])
      posthorn = await startPosthorn(folder, authority, PATIENT)
      await expect.poll(() => setAside(posthorn), { timeout: 5_000 }).toHaveLength(1)
      await expect.poll(total, { timeout: 10_000 }).toBe(11)
      for (const { answer } of lanes) answer()
      const states = async () => (await listDeliveries(posthorn.store, 'acme', ANY, 9)).map(({ state }) => state).sort()
      await expect.poll(states, { timeout: 10_000 }).toEqual(['delivered', 'delivered', 'held'])
      expect(total()).toBe(12)
      await posthorn.stop()
      await Promise.all(lanes.map(({ receiver }) => receiver.close()))
    }))

  it('C13: neither an attempt that ends, whatever its outcome, nor one cut off by a shutdown counts as a crash', () =>
    inFolder(async (folder, authority) => {
      let isAnswering = true
      const receiver = await startReceiver({
        authority,
        names: ['localhost'],
        script: () => (isAnswering ? { status: 500 } : 'hang'),
      })
      const options = { ...PATIENT, retrySchedule: [0.05, 3_600] }
      let posthorn = await startPosthorn(folder, authority, options, false)
      await posthorn.tenants.put('acme', {})
      await register(posthorn, receiver)
      await posthorn.publish('acme', cover(1))
      await posthorn.store.write('takePartitions', { node: new Uint8Array(16) })
      await posthorn.crash()
      isAnswering = false
      posthorn = await startPosthorn(folder, authority, options)
      await until(receiver, 1)
      await posthorn.crash()
      expect(openTrials(folder)).toEqual([1])
      posthorn = await startPosthorn(folder, authority, options)
      await until(receiver, 2)
      await posthorn.stop(0)
      expect(openTrials(folder)).toEqual([1])
      isAnswering = true
      posthorn = await startPosthorn(folder, authority, options)
      expect(posthorn.lines).not.toContainEqual(expect.objectContaining({ msg: expect.stringContaining('crash') }))
      const attempts = async () => (await listDeliveries(posthorn.store, 'acme', ANY, 9)).map(each => each.attempts)
      await expect.poll(attempts, { timeout: 5_000 }).toEqual([2])
      await posthorn.stop()
      expect(openTrials(folder)).toEqual([0])
      await receiver.close()
    }))

  it('C13: notes each delivery before sending it, and sends none that could not be noted', () =>
    inFolder(async (folder, authority) => {
      const open: number[][] = []
      const receiver = await startReceiver({
        authority,
        names: ['localhost'],
        script: () => void open.push(openTrials(folder)),
      })
      const before = await startPosthorn(folder, authority, PATIENT, false)
      await before.tenants.put('acme', {})
      await register(before, receiver)
      await before.publish('acme', [cover(1), cover(2)])
      await before.store.write('takePartitions', { node: new Uint8Array(16) })
      await before.crash()
      const posthorn = await startPosthorn(folder, authority, PATIENT, false)
      const write = posthorn.driver.write.bind(posthorn.driver)
      let failed = 0
      vi.spyOn(posthorn.driver, 'write').mockImplementation(async calls => {
        if (failed === 2 || !calls.some(({ name }) => name === 'beginTrial')) return write(calls)
        failed++
        return calls.map(() => ({ ok: false, error: new StoreUnavailable('the disk is full') }))
      })
      await posthorn.engine.start()
      await until(receiver, 2)
      // By the second delivery, the lane has left crash mode.
      expect([failed, open]).toEqual([2, [[1, 0], [0]]])
      await posthorn.stop()
      await receiver.close()
    }))
})
