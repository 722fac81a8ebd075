import { startReceiver } from '@posthorn/testkit'
import { expect, it } from 'vitest'
import { ReplayBatches as Work } from '../../src/background/replay-batches.ts'
import { Interrupted, type Stepper } from '../../src/background/works.ts'
import { systemClock } from '../../src/base/clock.ts'
import { createReplayCounter } from '../../src/replay/selection.ts'
import { ReplayBatches } from '../../src/services/replay-batches.ts'
import { atOnce, log } from '../background/setup.ts'
import { fillPast } from '../store/past.ts'
import { inFolder, startPosthorn } from './harness.ts'

const SECRET = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
const WAIT = { timeoutMs: 60_000 }
const TENANTS = 30
const EVENTS = 10

it(
  'a day of one type is sent again in all tenants, though the process is killed during the search',
  () =>
    inFolder(async (folder, authority) => {
      const receiver = await startReceiver({ authority, names: ['localhost'] })
      const first = await startPosthorn(folder, authority)
      const events = new Map<string, string>()
      for (let index = 0; index < TENANTS; index++) {
        const tenant = `t${index}`
        await first.tenants.put(tenant, {})
        const { endpoint } = await first.endpoints.create(tenant, {
          url: `${receiver.url}/${tenant}`,
          clientSecret: SECRET,
        })
        for (const id of fillPast(folder, endpoint, { count: EVENTS, state: 'delivered' })) events.set(id, tenant)
      }
      const batchesOf = ({ store }: Pick<typeof first, 'store'>) =>
        new ReplayBatches(store, createReplayCounter(store, systemClock))
      const workOn = ({ store }: Pick<typeof first, 'store'>, steps: Stepper) =>
        new Work(store, createReplayCounter(store, systemClock), log).run(steps)
      const { batch } = await batchesOf(first).create({
        key: 'again',
        types: ['COVER_REFERENCE'],
        states: ['delivered', 'exhausted', 'cancelled'],
        missing: false,
        fromMs: Date.now() - 86_400_000,
        toMs: Date.now() + 1_000,
      })
      let left = 25
      const dying: Stepper = {
        step: async step => {
          if (left-- === 0) throw new Interrupted()
          return step()
        },
        keep: async () => {},
      }
      await expect(workOn(first, dying)).rejects.toBeInstanceOf(Interrupted)
      await receiver.waitFor(() => receiver.total > 0, WAIT)
      await first.crash()
      const second = await startPosthorn(folder, authority)
      const batches = batchesOf(second)
      await workOn(second, atOnce)
      const isOver = async () => {
        const { made, live } = await batches.get(batch.id)
        return made === TENANTS * EVENTS && live === 0
      }
      await expect.poll(isOver, { timeout: 60_000, interval: 100 }).toBe(true)
      await workOn(second, atOnce)
      expect(await batches.get('again')).toMatchObject({ state: 'done', replays: TENANTS, deliveries: events.size })
      const arrived = receiver.requests.map(({ headers, path }) => `${headers['webhook-id']} ${path}`)
      expect([...new Set(arrived)].sort()).toEqual([...events].map(([id, tenant]) => `${id} /${tenant}`).sort())
      await second.stop()
      await receiver.close()
    }),
  120_000,
)
