import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../src/store/store.ts'
import { anEndpoint, anEvent, aRequest, aTenant, bytes } from './builders.ts'
import { engines, type Opened } from './engines.ts'

describe.each(engines())('events without their payloads on $name', engine => {
  let opened: Opened
  let store: Store
  beforeEach(async () => {
    opened = await engine.open()
    store = opened.store
  })
  afterEach(() => opened.close())
  afterAll(() => engine.stop())

  it('are listed newest first, with what says whether they were matched and have a payload', async () => {
    await aTenant(store, 'acme', [anEndpoint('acme')])
    await aTenant(store, 'other')
    const events = [
      anEvent([], { type: 'A', key: 'k', hash: bytes('h'), payload: bytes(`{"a":"${'x'.repeat(100_000)}"}`) }),
      anEvent([], { type: 'B', test: true }),
      anEvent([], { type: 'A' }),
      anEvent([], { type: 'A' }),
    ]
    for (const event of events) await store.publish(await aRequest(store, 'acme', [event]))
    await store.publish(await aRequest(store, 'other', [anEvent([])]))
    await opened.run(`update event set payload = $1 where type = 'A' and event_key is null`, [new Uint8Array()])
    const ids = events.map(({ id }) => id)
    const list = (before: string | null, limit: number) =>
      store.read('listEventHeads', { tenant: 'acme', before, limit })
    const found = await list(null, 9)
    expect(found).toEqual([
      { id: ids[3], type: 'A', key: null, isMatched: true, hasPayload: false },
      { id: ids[2], type: 'A', key: null, isMatched: true, hasPayload: false },
      { id: ids[1], type: 'B', key: null, isMatched: false, hasPayload: true },
      { id: ids[0], type: 'A', key: 'k', isMatched: true, hasPayload: true },
    ])
    expect(await list(null, 2)).toEqual(found.slice(0, 2))
    expect(await list(ids[2]!, 1)).toEqual(found.slice(2, 3))
  })
})
