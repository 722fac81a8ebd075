import { describe, expect, it } from 'vitest'
import { anEvent, aRequest } from '../store/builders.ts'
import { refused, useApi } from './setup.ts'

const bench = useApi()
const EVENTS = '/v1/tenants/acme/events'
const event = (key: string, CoverId = '564200aa-7128-4a26-83a8-cf0201903fcc') => ({
  type: 'COVER_REFERENCE',
  key,
  payload: { CoverId },
})
const find = async (query: string) => (await bench.get(`${EVENTS}?${query}`)).body

describe('an event’s key', () => {
  it('finds the event, and from it why an endpoint did or did not get it', async () => {
    const wants = await bench.endpoint()
    const other = await bench.endpoint({ types: ['GRADE_CHANGED'] })
    const [order7] = (await bench.post(EVENTS, [event('order-7'), event('order-8')])).body.data
    const page = await find('key=order-7')
    expect(page).toMatchObject({ data: [{ id: order7.id, key: 'order-7' }], nextCursor: null, searchedTo: null })
    const { data } = (await bench.get(`${EVENTS}/${page.data[0].id}/endpoints`)).body
    expect(data).toMatchObject([
      { endpoint: other, state: 'not_made', reason: 'type' },
      { endpoint: wants, state: 'pending' },
    ])
    expect((await find('key=order')).data).toEqual([])
    expect((await find('key=Order-7')).data).toEqual([])
  })

  it('is compared byte for byte, whatever characters it has', async () => {
    const keys = [
      'a/b?c=d&e#f',
      '%41',
      'A',
      'x y',
      '~!"$%',
      "'); drop table event; --",
      'evt_01jy4k8v3xf0c8wq2rn5s7t9ab',
    ]
    await bench.post(
      EVENTS,
      keys.map(key => event(key)),
    )
    for (const key of keys) {
      const { data } = await find(`key=${encodeURIComponent(key)}`)
      expect(data.map((each: { key: string }) => each.key)).toEqual([key])
    }
  })

  it('combines with type and time', async () => {
    const { id } = (await bench.post(EVENTS, event('k'))).body
    const { createdAt } = (await bench.get(`${EVENTS}/${id}`)).body
    const count = async (query: string) => (await find(`key=k&${query}`)).data.length
    expect(await count('type=COVER_REFERENCE')).toBe(1)
    expect(await count('type=GRADE_CHANGED')).toBe(0)
    expect(await count(`from=${createdAt}`)).toBe(1)
    expect(await count(`to=${createdAt}`)).toBe(0)
  })

  it('still finds its event after Posthorn has forgotten the key, and an earlier one with the same key', async () => {
    const first = (await bench.post(EVENTS, event('k'))).body.id
    await bench.run('delete from idempotency')
    const second = (await bench.post(EVENTS, event('k', '664200aa-7128-4a26-83a8-cf0201903fcc'))).body.id
    expect((await find('key=k')).data).toMatchObject([{ id: second }, { id: first }])
    await bench.run('delete from idempotency')
    const ids: string[] = []
    let cursor = ''
    do {
      const page = await find(`key=k${cursor}`)
      ids.push(...page.data.map(({ id }: { id: string }) => id))
      expect(page.searchedTo === null).toBe(page.nextCursor === null)
      cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`
    } while (cursor !== '')
    expect(ids).toEqual([second, first])
  })

  it('is searched for among all events if it is no longer remembered, and the response says how far', {
    timeout: 120_000,
  }, async () => {
    const publish = async (count: number, over = {}) => {
      const events = Array.from({ length: count }, () => anEvent([], over))
      await bench.store.publish(await aRequest(bench.store, 'acme', events))
      return events
    }
    const [oldest] = await publish(1, { key: 'old', hash: new Uint8Array(32) })
    for (let at = 0; at < 25; at++) await publish(1_000)
    await bench.run('delete from idempotency')
    let page = await find('key=old&limit=1')
    // A slow machine needs more than one call.
    while (page.data.length === 0 && page.nextCursor !== null) {
      expect(Date.parse(page.searchedTo)).toBeGreaterThan(0)
      page = await find(`key=old&limit=1&cursor=${page.nextCursor}`)
    }
    expect(page.data).toMatchObject([{ id: oldest!.id }])
  })

  it('that is impossible, or in a cursor of something else, is refused', async () => {
    for (const key of ['', '%20a', 'a%20', 'a%00', '%C3%A9', 'x'.repeat(256)]) {
      expect(refused(await bench.get(`${EVENTS}?key=${key}`))).toEqual([422, 'invalid', ['key']])
    }
    expect(refused(await bench.get(`${EVENTS}?key=a&cursor=x`))).toEqual([422, 'invalid', ['cursor']])
    expect((await bench.get('/v1/tenants/nobody/events?key=a')).status).toBe(404)
  })

  it('that two parameters name is refused', async () => {
    expect(refused(await bench.get(`${EVENTS}?key=a&key=b`))[0]).toBe(422)
  })
})
