import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { idMs } from '../../src/base/ids.ts'
import type { Store } from '../../src/store/store.ts'
import { anEvent, aRequest, aTenant, bytes } from './builders.ts'
import { type Opened, postgresEngine, sqliteEngine } from './engines.ts'

describe.each([sqliteEngine(), postgresEngine()])('events by key on $name', engine => {
  let opened: Opened
  let store: Store
  beforeEach(async () => {
    opened = await engine.open()
    store = opened.store
    await aTenant(store, 'acme')
    await aTenant(store, 'beta')
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  async function publish(key: string | null, { tenant = 'acme', type = 'T' } = {}) {
    const event = anEvent([], { key, type, hash: key === null ? null : bytes(`${key} ${type}`) })
    expect((await store.publish(await aRequest(store, tenant, [event]))).kind).toBe('stored')
    return event.id
  }
  const all = { tenant: 'acme', type: null, before: null, fromMs: null, toMs: null }
  const look = (over: object = {}) => store.read('lookForKey', { ...all, key: 'k', look: 3, ...over })
  const find = (tenant: string, key: string) => store.read('findKeyedEvent', { tenant, key })

  it('a remembered key names its event, in its own tenant only', async () => {
    const id = await publish('k')
    const theirs = await publish('k', { tenant: 'beta' })
    await publish(null)
    expect([await find('acme', 'k'), await find('beta', 'k')]).toEqual([id, theirs])
    expect([await find('acme', 'K'), await find('acme', 'k '), await find('nobody', 'k')]).toEqual([null, null, null])
  })

  it('a forgotten key is looked for a few events at a time, newest first', async () => {
    const first = await publish('k')
    await publish('other')
    await publish(null)
    await opened.run('delete from idempotency')
    const second = await publish('k', { type: 'U' })
    const fifth = await publish(null)
    await opened.run('delete from idempotency')
    await publish('k', { tenant: 'beta' })
    expect(await find('acme', 'k')).toBeNull()
    const newest = await look()
    expect(newest.found).toEqual([second])
    expect(await look({ before: newest.last })).toEqual({ found: [first], last: null })
    expect((await look({ look: 10 })).found).toEqual([second, first])
    expect((await look({ look: 5 })).last).toBe(first)
    expect((await look({ look: 10, type: 'T' })).found).toEqual([first])
    expect((await look({ look: 10, key: 'none' })).found).toEqual([])
    expect((await look({ look: 10, toMs: idMs(first) })).found).toEqual([])
    expect((await look({ look: 10, fromMs: idMs(fifth) + 1 })).found).toEqual([])
    expect((await look({ look: 10, fromMs: idMs(first), toMs: idMs(fifth) + 1 })).found).toEqual([second, first])
  })
})
