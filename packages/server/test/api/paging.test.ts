import { expect, it } from 'vitest'
import { anInbox, arrive, isInboxEmpty } from '../publish/arrivals.ts'
import { PAYLOAD, TYPE } from '../services/setup.ts'
import { type Json, refused, useApi } from './setup.ts'

const bench = useApi()
const { get, put, post } = bench

const publish = () => post('/v1/tenants/acme/events', `{"type":"${TYPE}","payload":${PAYLOAD}}`)
const SAMPLE = { group: 'g', description: 'd', schema: { type: 'object', required: ['a'] }, example: { a: 1 } }
let names = 0
/** Names that fall between others, not only behind them. */
const aName = () => `${['k', 'a', 'c', 'm', 'z', 'b', 'x'][names++ % 7]}${names}`

type List = {
  readonly url: string | (() => Promise<string>)
  /** Adds an item of the list. */
  readonly add: () => Promise<unknown>
  readonly keyOf?: (item: Json) => string
}

async function reject(): Promise<void> {
  await arrive(bench, ['acme', 'NO_SUCH', PAYLOAD])
  const { inbox } = anInbox(bench)
  inbox.start()
  await expect.poll(() => isInboxEmpty(bench.store), { timeout: 10_000 }).toBe(true)
  await inbox.stop()
}

async function setAside(): Promise<void> {
  if ((await bench.list()).length === 0) await bench.endpoint()
  await publish()
  const [delivery] = await bench.list('pending')
  const trial = { tenant: 'acme', delivery: delivery!.id, epoch: 0, mayBeLast: true }
  for (let count = 0; count < 4; count++) await bench.store.write('beginTrial', trial)
}

const LISTS: Readonly<Record<string, List>> = {
  tenants: { url: '/v1/tenants', add: () => put(`/v1/tenants/${aName()}`) },
  'event types': {
    url: '/v1/event-types',
    add: () => put(`/v1/event-types/${aName()}`, SAMPLE),
    keyOf: ({ name }) => name,
  },
  'API keys': { url: '/v1/api-keys', add: () => post('/v1/api-keys', { name: 'k', scope: 'all' }) },
  audit: { url: '/v1/audit?tenant=acme', add: () => bench.tenants.put('acme', { name: aName() }) },
  endpoints: { url: '/v1/tenants/acme/endpoints', add: () => bench.endpoint() },
  events: { url: '/v1/tenants/acme/events', add: publish },
  'an event’s endpoints': {
    url: async () => `/v1/tenants/acme/events/${(await publish()).body.id}/endpoints`,
    add: () => bench.endpoint(),
    keyOf: ({ endpoint }) => endpoint,
  },
  'rejected events': { url: '/v1/rejected-events', add: reject },
  deliveries: {
    url: '/v1/tenants/acme/deliveries',
    add: async () => {
      if ((await bench.list()).length === 0) await bench.endpoint()
      await publish()
    },
  },
  'set-aside deliveries': { url: '/v1/set-aside-deliveries', add: setAside },
  replays: {
    url: '/v1/tenants/acme/replays',
    add: () => post('/v1/tenants/acme/replays', {}),
  },
  'replays across tenants': {
    url: '/v1/replays',
    async add() {
      await post('/v1/replays', { types: [TYPE], from: '2026-05-03', to: '2026-05-04' })
      // Only ten can be open at the same time.
      await bench.run('update replay_batch set ended_ms = 1')
    },
  },
}

it.each(Object.entries(LISTS))('the list of %s is paged both ways while items are added', async (_name, list) => {
  const { add, keyOf = ({ id }) => id } = list
  for (let count = 0; count < 5; count++) await add()
  const url = typeof list.url === 'string' ? list.url : await list.url()
  const read = async (parameters: Record<string, string>): Promise<Json> => {
    const { body } = await get(`${url}${url.includes('?') ? '&' : '?'}${new URLSearchParams(parameters)}`)
    return { keys: body.data.map(keyOf), ...body }
  }
  const there: string[] = (await read({ limit: '1000' })).keys
  expect(there.length).toBeGreaterThanOrEqual(5)

  const walk = async (cursor: string | null, way: 'nextCursor' | 'prevCursor') => {
    const pages: Json[] = []
    let at = cursor
    do {
      const page: Json = await read({ limit: '2', ...(at === null ? {} : { cursor: at }) })
      pages.splice(way === 'nextCursor' ? pages.length : 0, 0, page)
      at = page[way]
      await add()
    } while (at !== null)
    const shown: string[] = pages.flatMap(({ keys }) => keys)
    expect(new Set(shown).size, 'nothing is shown twice').toBe(shown.length)
    return { shown: shown.filter(key => there.includes(key)), first: pages[0], last: pages.at(-1) }
  }
  const forth = await walk(null, 'nextCursor')
  expect(forth.shown).toEqual(there)
  expect([forth.first.prevCursor, forth.last.nextCursor]).toEqual([null, null])
  const seen = forth.last.keys.filter((key: string) => there.includes(key))
  const back = await walk(forth.last.prevCursor, 'prevCursor')
  expect([...back.shown, ...seen]).toEqual(there)
  expect(back.first.prevCursor).toBeNull()
})

it('a cursor of an earlier release leads on as before', async () => {
  for (let count = 0; count < 3; count++) await publish()
  const url = '/v1/tenants/acme/events'
  const [newest, ...older] = (await get(url)).body.data.map(({ id }: Json) => id)
  const cursor = Buffer.from(newest).toString('base64url')
  expect((await get(`${url}?cursor=${cursor}`)).body.data.map(({ id }: Json) => id)).toEqual(older)
})

it.each(['/v1/audit', '/v1/tenants/acme/events', '/v1/tenants/acme/deliveries', '/v1/deliveries'])(
  '%s refuses a time that ends before it begins',
  async url => {
    for (const to of ['2026-01-02T00:00:00Z', '2026-01-02T01:00:00%2B01:00', '2025-12-31T00:00:00Z']) {
      expect(refused(await get(`${url}?from=2026-01-02T00:00:00Z&to=${to}`))).toEqual([422, 'invalid', ['from']])
    }
    expect((await get(`${url}?from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00.001Z`)).status).toBe(200)
  },
)
