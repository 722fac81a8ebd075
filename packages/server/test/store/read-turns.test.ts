import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newId } from '../../src/base/ids.ts'
import { anEndpoint, aTenant } from './builders.ts'
import { engines, type Opened } from './engines.ts'

const MANY = 600
/** Far fewer than there are in front of it, and more than are made at the same time. */
const FEW = 40

describe.each(engines())('reads that callers wait for, on $name', engine => {
  let opened: Opened

  beforeEach(async () => {
    opened = await engine.open()
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  it('of a tenant do not wait behind all those of another', async () => {
    const { store } = opened
    const endpoint = anEndpoint('beta')
    await aTenant(store, 'acme', [anEndpoint('acme')])
    await aTenant(store, 'beta', [endpoint])
    let done = 0
    const count = () => done++
    const many = Array.from({ length: MANY }, (_, at) => [
      store.read('getTenant', { id: 'acme' }).then(count),
      store.read('getEndpoint', { tenant: 'acme', id: newId('ep', 1) }).then(count),
      store.read('findCall', { scope: 'key_1/acme', key: `${at}`, nowMs: 1 }).then(count),
    ]).flat()
    const own = [
      store.read('getTenant', { id: 'beta' }),
      store.read('getSendable', { id: endpoint.id, tenant: 'beta' }),
      store.read('findCall', { scope: 'root/beta', key: 'k', nowMs: 1 }),
      store.read('canUsePortalLink', { linkHash: new Uint8Array(32), rootHash: new Uint8Array(32), nowMs: 1 }),
      store.read('readTypeSchedules', {}),
    ].map(async read => {
      await read
      return done
    })
    for (const before of await Promise.all(own)) expect(before).toBeLessThan(FEW)
    await Promise.all(many)
    expect(done).toBe(3 * MANY)
  })
})
