import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newId } from '../../src/base/ids.ts'
import { ANY_DELIVERY } from '../../src/store/operations/deliveries/filter.ts'
import type { ReadName } from '../../src/store/operations/index.ts'
import type { Store } from '../../src/store/store.ts'
import type { Place } from '../../src/store/where.ts'
import { anEndpoint, anEvent, aRequest, aTenant, bytes } from './builders.ts'
import { ANY_ENDPOINT } from './endpoints-of.ts'
import { engines } from './engines.ts'

type Listed = { readonly id: string }
type Reads = (place: Place, limit: number) => Promise<readonly Listed[]>

describe.each(engines())('pages on $name', engine => {
  let store: Store
  let close: () => Promise<void>

  beforeEach(async () => {
    const opened = await engine.open()
    store = opened.store
    close = opened.close
  })
  afterEach(() => close())
  afterAll(() => engine.stop())

  /** Five of everything that is listed, and what reads each list. */
  async function lists(): Promise<Record<string, Reads>> {
    const endpoints = Array.from({ length: 5 }, () => anEndpoint('acme'))
    await aTenant(store, 'acme', endpoints)
    for (const id of ['b', 'a~', 'z', 'B']) await aTenant(store, id)
    const events = endpoints.map(endpoint => anEvent([endpoint]))
    await store.publish(await aRequest(store, 'acme', events))
    for (const event of events) {
      const trial = { tenant: 'acme', delivery: event.deliveries![0]!.id, epoch: 0, mayBeLast: true }
      for (let count = 0; count < 4; count++) await store.write('beginTrial', trial)
      const name = newId('key', 1)
      const times = { createdAtMs: 1, expiresAtMs: null, revokedAtMs: null }
      const rights = { scope: 'all', tenant: null, payloads: true, rateLimit: null } as const
      const key = { id: newId('key', Date.now()), name, ...rights, ...times }
      await store.write('createApiKey', { key, hash: bytes(name) })
    }
    const all = { tenant: 'acme', fromMs: null, toMs: null, type: null }
    const event = events[0]!.id
    const lists: Partial<Record<ReadName, Reads>> = {
      listTenants: (place, limit) => store.read('listTenants', { ...place, limit }),
      findTenants: async (place, limit) =>
        (await store.read('findTenants', { ...place, text: '', rows: 99, limit })).items,
      listApiKeys: (place, limit) => store.read('listApiKeys', { ...place, limit }),
      listAudit: (place, limit) => store.read('listAudit', { ...all, ...place, limit }),
      findEndpoints: async (place, limit) => {
        const find = { ...ANY_ENDPOINT, tenant: 'acme', ...place, rows: 9, limit }
        return (await store.read('findEndpoints', find)).items
      },
      findDeliveries: async (place, limit) => {
        const search = { ...ANY_DELIVERY, tenant: 'acme', ...place, limit, maxRows: 9 }
        return (await store.read('findDeliveries', search)).items
      },
      scanEvents: async (place, limit) => {
        const scan = { ...all, types: null, key: null, ...place, rows: limit, limit }
        return (await store.read('scanEvents', scan)).items
      },
      listSetAside: async (place, limit) => (await store.read('listSetAside', { ...place, limit })).deliveries,
      listEventEndpoints: async (place, limit) => {
        const facts = await store.read('listEventEndpoints', { tenant: 'acme', event, ...place, limit })
        return facts!.endpoints.map(({ endpoint }) => ({ id: endpoint }))
      },
    }
    return lists
  }

  it('are read from both ends, and in both directions from any item', async () => {
    for (const [name, read] of Object.entries(await lists())) {
      const idsAt = async (place: Place, limit = 9): Promise<string[]> => (await read(place, limit)).map(({ id }) => id)
      const ids = await idsAt({ after: null })
      expect(ids.length, name).toBeGreaterThanOrEqual(5)
      expect(ids, name).toEqual(ids.toSorted())
      expect(await idsAt({ before: null }), name).toEqual(ids.toReversed())
      for (const [index, id] of ids.entries()) {
        expect(await idsAt({ after: id }), name).toEqual(ids.slice(index + 1))
        expect(await idsAt({ before: id }), name).toEqual(ids.slice(0, index).toReversed())
        expect(await idsAt({ after: id }, 2), name).toEqual(ids.slice(index + 1, index + 3))
        expect(await idsAt({ before: id }, 2), name).toEqual(ids.slice(0, index).toReversed().slice(0, 2))
      }
    }
  })

  it('find every tenant with a text, however few are looked at at a time', async () => {
    for (const id of ['a', 'xa', 'b', 'xb', 'c', 'd', 'xd']) await aTenant(store, id)
    const found = async (from: Place, rows: number, limit: number): Promise<string[]> => {
      const { items, goesOnAt } = await store.read('findTenants', { ...from, text: 'X', rows, limit })
      const ids = items.map(({ id }) => id)
      if (goesOnAt === null) return ids
      return [
        ...ids,
        ...(await found(from.after === undefined ? { before: goesOnAt } : { after: goesOnAt }, rows, limit)),
      ]
    }
    for (const rows of [1, 2, 3, 99]) {
      for (const limit of [1, 2, 99]) {
        expect(await found({ after: null }, rows, limit)).toEqual(['xa', 'xb', 'xd'])
        expect(await found({ before: null }, rows, limit)).toEqual(['xd', 'xb', 'xa'])
      }
    }
  })
})
