/** Two tenants that use the same uid, key and replay id: nothing that one's key can call shows the other's things. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { PAYLOAD, TYPE } from '../services/setup.ts'
import { ApiBench, type Json } from './setup.ts'

const bench = new ApiBench()
/** In everything that the tenant acme has, and nowhere else. */
const MARKER = 'only-of-acme'
const MARKED = `${PAYLOAD.slice(0, -1)},"note":"${MARKER}"}`

type Things = { readonly endpoint: string; readonly event: string; readonly delivery: string }
let acme: Things
let beta: Things
/** A key of beta that can do everything there. */
let key: string

async function fill(tenant: string, url: string, payload: string): Promise<Things> {
  const endpoint = await bench.endpoint({ url, description: url, uid: 'orders', name: url }, tenant)
  const event = `{"type":"${TYPE}","key":"order-7","payload":${payload}}`
  const { events } = await bench.publish(event, tenant)
  const [delivery] = (await bench.get(`/v1/tenants/${tenant}/deliveries`)).body.data
  await bench.post(`/v1/tenants/${tenant}/replays`, { id: 'outage', event: events[0]!.id })
  return { endpoint, event: events[0]!.id, delivery: delivery.id }
}

beforeAll(async () => {
  await bench.openApi()
  await bench.tenants.put('beta', {})
  await bench.tenants.put('acme', { name: MARKER })
  acme = await fill('acme', `https://hooks.example.com/${MARKER}`, MARKED)
  beta = await fill('beta', 'https://hooks.example.com/b', PAYLOAD)
  key = (await bench.apiKeys.create({ name: 'k', scope: 'all', tenant: 'beta' })).secret
})
afterAll(() => bench.closeApi())

const query = (parameters: Record<string, string>) => new URLSearchParams(parameters).toString()

/** Names of the parameters that a list of beta takes. */
const LISTS = {
  deliveries: ['endpoint', 'event', 'key', 'cursor', 'counts'],
  events: ['key', 'filter', 'text', 'cursor', 'counts'],
  endpoints: ['uid', 'url', 'cursor'],
  replays: ['cursor'],
  search: ['q'],
  stats: ['endpoint'],
} as const

function values(): string[] {
  const filters = [`{"note":["${MARKER}"]}`, '{"note":{"prefix":"only"}}', '{"CoverId":{"prefix":"5"}}']
  const cursors = [acme.event, acme.endpoint, acme.delivery, 'back ', `back ${acme.event}`, `back ${acme.delivery}`]
  const texts = ['orders', 'order-7', 'outage', 'true', MARKER, 'hooks', 'acme', 'acme/orders']
  return [...Object.values(acme), ...texts, ...filters, ...cursors.map(each => Buffer.from(each).toString('base64url'))]
}

describe('a key of one tenant', () => {
  it('gets nothing of another by its ids, in any place of any path', async () => {
    // A stream doesn't end; stream.test.ts reads it.
    const paths = Object.entries(bench.document.paths).filter(
      ([path, item]) =>
        path.startsWith('/v1/tenants/{tenant}/') && !path.endsWith('/stream') && 'get' in (item as object),
    )
    expect(paths.length).toBeGreaterThan(10)
    // Streams would have no end.
    const ending = setInterval(() => bench.streams.endAll(), 5)
    onTestFinished(() => clearInterval(ending))
    for (const [path] of paths) {
      for (const id of [...Object.values(acme), 'orders', 'outage', 'acme', encodeURIComponent('../../acme')]) {
        const url = path.replace('{tenant}', 'beta').replace('{id}', id)
        const { status, text } = await bench.get(url, { key })
        expect([200, 404, 422], url).toContain(status)
        expect(text, url).not.toContain(MARKER)
        for (const own of Object.values(acme)) expect(text.includes(own), `${url} ${own}`).toBe(false)
      }
    }
  })

  it('gets nothing of another by any parameter of a list', async () => {
    for (const [list, parameters] of Object.entries(LISTS)) {
      for (const parameter of parameters) {
        for (const value of values()) {
          const url = `/v1/tenants/beta/${list}?${query({ [parameter]: value })}`
          const { status, body } = await bench.get(url, { key })
          expect([200, 422], url).toContain(status)
          const data = JSON.stringify(body.data ?? [])
          expect(data, url).not.toContain(MARKER)
          for (const own of Object.values(acme)) expect(data.includes(own), `${url} ${own}`).toBe(false)
        }
      }
    }
  })

  it('cannot tell what another has from what no tenant has', async () => {
    const unknown: Things = {
      endpoint: `${acme.endpoint.slice(0, -4)}0000`,
      event: `${acme.event.slice(0, -4)}0000`,
      delivery: `${acme.delivery.slice(0, -4)}0000`,
    }
    const answers = async ({ endpoint, event, delivery }: Things) => {
      const urls = [
        `deliveries?endpoint=${endpoint}`,
        `deliveries?event=${event}`,
        `stats?endpoint=${endpoint}`,
        `search?q=${delivery}`,
        `events/${event}`,
        `endpoints/${endpoint}`,
        `deliveries/${delivery}`,
      ]
      const all: Json[] = []
      for (const url of urls) {
        const { status, text } = await bench.get(`/v1/tenants/beta/${url}`, { key })
        all.push([status, text.replaceAll(endpoint, '').replaceAll(event, '').replaceAll(delivery, '')])
      }
      return all
    }
    expect(await answers(acme)).toEqual(await answers(unknown))
  })

  it('tries filters on the events of its own tenant only', async () => {
    const filter = { note: [MARKER] }
    const attempt = (on: object) => bench.post('/v1/tenants/beta/filter-trials', { filter, ...on }, { key })
    expect((await attempt({ events: [acme.event] })).status).toBe(422)
    expect((await attempt({ events: ['order-7'] })).body.data).toMatchObject([{ event: beta.event, matches: false }])
    expect((await attempt({ recent: 100 })).body.data).toMatchObject([{ event: beta.event, matches: false }])
  })

  it('cannot ask for the lists of all tenants, not even for its own part of them', async () => {
    for (const list of ['deliveries', 'events', 'endpoints', 'search', 'rejected-events', 'set-aside-deliveries']) {
      for (const parameters of ['', '?tenant=beta', '?tenant=acme', '?q=order-7', `?key=order-7`]) {
        const { status, text } = await bench.get(`/v1/${list}${parameters}`, { key })
        expect([status, text.includes(MARKER)], `${list}${parameters}`).toEqual([403, false])
      }
    }
  })
})

describe('the lists of all tenants', () => {
  it.each(['deliveries', 'events', 'endpoints'])(
    'narrow %s to one tenant, also where both have what is asked for',
    async list => {
      const [own, other] = list === 'events' ? [beta.event, acme.event] : [beta.endpoint, acme.endpoint]
      const parameter = { deliveries: 'endpoint=orders', events: 'key=order-7', endpoints: 'uid=orders' }[list]!
      const { text } = await bench.get(`/v1/${list}?tenant=beta&${parameter}`)
      expect([text.includes(own), text.includes(other)]).toEqual([true, false])
    },
  )

  it('find the same uid, key and replay of each tenant', async () => {
    for (const q of ['orders', 'order-7', 'outage']) {
      const { data } = (await bench.get(`/v1/search?q=${q}`)).body
      expect(data.map(({ tenant }: Json) => tenant)).toEqual(['acme', 'beta'])
    }
  })
})
