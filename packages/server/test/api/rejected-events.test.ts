import { expect, it } from 'vitest'
import { type Arriving, anInbox, arrive } from '../publish/arrivals.ts'
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
  await expect.poll(() => bench.store.read('peekInbox', {}), { timeout: 10_000 }).toBe(false)
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

it('the list of rejected events refuses a tenant that cannot be stored and the cursor of another list', async () => {
  expect(refused(await get(`${REJECTED}?tenant=%00`))).toEqual([422, 'invalid', ['tenant']])
  expect(refused(await get(`${REJECTED}?tenant=${'x'.repeat(129)}`))).toEqual([422, 'invalid', ['tenant']])
  expect(refused(await get(`${REJECTED}?cursor=YQ`))).toEqual([422, 'invalid', ['cursor']])
})
