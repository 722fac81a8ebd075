import { expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { Events } from '../../src/services/events/events.ts'
import { SEARCH_MS } from '../../src/services/slices.ts'
import type { Store } from '../../src/store/store.ts'
import { type Arriving, anInbox, arrive, isInboxEmpty } from '../publish/arrivals.ts'
import { PAYLOAD, TYPE } from '../services/setup.ts'
import { type Json, refused, useApi } from './setup.ts'

const bench = useApi()
const { get } = bench
const REJECTED = '/v1/rejected-events'

/** Publishes events from SQL and waits until a node has processed them. */
async function published(...events: Arriving[]): Promise<string[]> {
  const ids: string[] = []
  for (const event of events) ids.push(await arrive(bench, event))
  const { inbox } = anInbox(bench)
  inbox.start()
  await expect.poll(() => isInboxEmpty(bench.store), { timeout: 10_000 }).toBe(true)
  await inbox.stop()
  return ids
}

const ids = ({ body }: { body: Json }): string[] => body.data.map(({ id }: Json) => id)

it('rejected events show the reason in all lists and on their own; accepted ones have none', async () => {
  const raw = `{ "CoverId" : 1.0 }`
  const [bad, sound] = await published(['acme', TYPE, raw], ['acme', TYPE, PAYLOAD])
  const why = { rejected: [{ field: '/payload/CoverId', detail: expect.any(String), reason: 'schema' }] }
  const EVENTS = '/v1/tenants/acme/events'
  expect((await get(EVENTS)).body.data).toMatchObject([
    { id: sound, rejected: null },
    { id: bad, key: 'k', ...why },
  ])
  expect((await get(`${EVENTS}/${bad}`)).body).toMatchObject({ ...why, deliveries: [], notSent: {} })
  const list = await get(REJECTED)
  expect(list.body).toMatchObject({ data: [{ id: bad, tenant: 'acme', type: TYPE, ...why }], nextCursor: null })
  expect(list.text).toContain(`"payload":${raw}`)
})

it('rejected events are listed newest first and in pages, for all tenants, even unknown ones, or for one', async () => {
  const all = await published(
    ['ghost', TYPE, PAYLOAD],
    ['acme', 'NO_SUCH', '{}'],
    ["no tenant's id", TYPE, 'x'.repeat(2_000)],
  )
  const [ghost, acme, odd] = all as [string, string, string]
  const first = await get(`${REJECTED}?limit=2`)
  expect(ids(first)).toEqual([odd, acme])
  expect(first.body.data[0]).toMatchObject({ tenant: "no tenant's id", payload: null, rejected: [{ field: 'tenant' }] })
  const second = await get(`${REJECTED}?limit=2&cursor=${first.body.nextCursor}`)
  expect([ids(second), second.body.nextCursor]).toEqual([[ghost], null])
  expect(ids(await get(`${REJECTED}?tenant=ghost`))).toEqual([ghost])
  expect(ids(await get(`${REJECTED}?tenant=${encodeURIComponent("no tenant's id")}`))).toEqual([odd])
  expect(ids(await get(`${REJECTED}?tenant=unknown`))).toEqual([])
})

it('rejected events are found by their key: in their list, among all events, and by the search', async () => {
  const invalid = '{"CoverId":"not-a-uuid"}'
  const [bad, unknown, ghost] = await published(
    ['acme', TYPE, invalid, 'order-7'],
    ['acme', 'NO_SUCH', '{}', 'order-8'],
    ['ghost', TYPE, PAYLOAD, 'order-7'],
  )
  await bench.tenants.put('beta', {})
  const sound = (await bench.publish(`{"type":"${TYPE}","key":"order-7","payload":${PAYLOAD}}`, 'beta')).events[0]!.id
  expect(ids(await get(`${REJECTED}?key=order-7`))).toEqual([ghost, bad])
  expect(ids(await get(`${REJECTED}?key=order-7&tenant=acme`))).toEqual([bad])
  expect(ids(await get(`${REJECTED}?key=order-9`))).toEqual([])
  expect(ids(await get('/v1/events?key=order-7'))).toEqual([sound, bad])
  expect(ids(await get('/v1/events?key=order-7&tenant=acme'))).toEqual([bad])
  expect(ids(await get('/v1/events?key=order-8'))).toEqual([unknown])
  expect(ids(await get('/v1/events?key=order-8&type=NO_SUCH'))).toEqual([unknown])
  for (const query of [`type=${TYPE}`, 'to=2020-01-01T00:00:00Z', 'filter={"CoverId":["x"]}']) {
    expect(ids(await get(`/v1/events?key=order-8&${query}`))).toEqual([])
  }
  const search = async (path: string, key: string) => (await get(`${path}/search?q=${key}`)).body
  const found = await search('/v1', 'order-7')
  expect([found.data.map(({ id }: Json) => id), found.complete]).toEqual([[sound, ghost, bad], true])
  for (const { href, id } of found.data) expect((await get(href)).text).toContain(id)
  expect(await search('/v1/tenants/acme', 'order-7')).toMatchObject({ data: [{ kind: 'event', id: bad }] })
  expect(await search('/v1', 'order-8')).toMatchObject({ data: [{ id: unknown, key: 'order-8', tenant: 'acme' }] })
})

it('rejected and other events with a key are paged together, both ways', async () => {
  const [first] = await published(['acme', TYPE, '{}', 'order-7'])
  await bench.tenants.put('beta', {})
  const second = (await bench.publish(`{"type":"${TYPE}","key":"order-7","payload":${PAYLOAD}}`, 'beta')).events[0]!.id
  const [third] = await published(['acme', TYPE, '{}', 'order-7'])
  const page = async (cursor: string | null) =>
    (await get(`/v1/events?key=order-7&limit=1${cursor === null ? '' : `&cursor=${cursor}`}`)).body
  const pages = [await page(null)]
  while (pages.at(-1).nextCursor !== null) pages.push(await page(pages.at(-1).nextCursor))
  expect(pages.map(({ data }) => data.map(({ id }: Json) => id))).toEqual([[third], [second], [first]])
  const back = await page(pages[2].prevCursor)
  expect(back.data).toMatchObject([{ id: second }])
  expect((await page(back.prevCursor)).data).toMatchObject([{ id: third }])
})

it('the list of rejected events refuses a tenant that cannot be stored and the cursor of another list', async () => {
  expect(refused(await get(`${REJECTED}?tenant=%00`))).toEqual([422, 'invalid', ['tenant']])
  expect(refused(await get(`${REJECTED}?tenant=${'x'.repeat(129)}`))).toEqual([422, 'invalid', ['tenant']])
  expect(refused(await get(`${REJECTED}?key=%20`))).toEqual([422, 'invalid', ['key']])
  expect(refused(await get(`${REJECTED}?cursor=YQ`))).toEqual([422, 'invalid', ['cursor']])
})

it('the list of a tenant’s rejected events ends in time, and says how far it looked', async () => {
  const [own] = await published(['acme', 'NO_SUCH', '{}'], ['other', TYPE, PAYLOAD], ['other', TYPE, PAYLOAD])
  let nowMs = 0
  const clock = { ...systemClock, monotonicMs: () => (nowMs += SEARCH_MS) }
  const read = (name: never, args: object) => bench.store.read(name, { ...args, maxRows: 1 } as never)
  await bench.useServices({ events: new Events({ read } as unknown as Store, clock) })
  const pages: Json[] = [(await get(`${REJECTED}?tenant=acme`)).body]
  while (pages.at(-1).nextCursor !== null) {
    pages.push((await get(`${REJECTED}?tenant=acme&cursor=${pages.at(-1).nextCursor}`)).body)
  }
  expect(pages.length).toBeGreaterThan(2)
  expect(pages[0]).toMatchObject({ data: [], prevCursor: null, searchedTo: expect.any(String) })
  expect(pages.flatMap(({ data }) => data.map(({ id }: Json) => id))).toEqual([own])
  expect(pages.at(-1).searchedTo).toBeNull()
  expect((await get(REJECTED)).body.searchedTo).toBeNull()
})
