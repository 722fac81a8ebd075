/** N11: a tenant disables and enables endpoints with a backlog, in loops, so that all of it is held and released. */
import { makeBatch } from '../events.ts'
import { post, publishingHeaders } from '../posting.ts'
import type { Setting } from '../setting.ts'
import { TENANT } from '../setting.ts'
import { openClient } from '../undici.ts'
import { neighbourBench } from './neighbour.ts'
import { keyOf } from './refused-calls.ts'
import { registerAll } from './registering-attacker.ts'

const ENDPOINTS = 8
const PENDING = 500
const BATCH = 100
const PAUSE_MS = 100
/** Nothing listens there: these ports are not among those that the system assigns. */
const FIRST_REFUSING_PORT = 20_000

const made = { calls: 0 }

export const changingEndpoints = neighbourBench({
  id: 'N11',
  name: 'changing-endpoints',
  summary: 'latency of a neighbour while a tenant disables and enables endpoints with a backlog',
  title: `A tenant disables and enables ${ENDPOINTS} endpoints with ${PENDING} pending deliveries each, in loops`,
  factor: 3,
  prepare: async (setting, say) => {
    const ports = Array.from({ length: ENDPOINTS }, (_, nth) => FIRST_REFUSING_PORT + nth)
    const urls = ports.map(port => `https://127.0.0.1:${port}/hooks`)
    await registerAll(setting.posthorn, TENANT, urls)
    const { url, apiKey } = setting.posthorn
    const [path, headers] = [`/v1/tenants/${TENANT}/events`, publishingHeaders(apiKey)]
    const client = openClient(url)
    for (let at = 0; at < PENDING; at += BATCH) {
      await post(client, { path, headers, body: makeBatch(at, BATCH), status: 202 })
    }
    say(`${ENDPOINTS * PENDING} deliveries are pending`)
  },
  harmless: (setting, signal) => loop(setting, signal, () => [['GET', '/healthz']]),
  attack: (setting, signal) =>
    loop(setting, signal, id => [
      ['POST', `/v1/tenants/${TENANT}/endpoints/${id}/disable`],
      ['POST', `/v1/tenants/${TENANT}/endpoints/${id}/enable`],
    ]),
  check: async (_setting, say) => {
    say(`${made.calls} calls in both phases`)
  },
  setup: { endpoints: ENDPOINTS, pending: PENDING },
  notes: ['*Before*, the tenant calls `/healthz` in as many loops, ten times a second in each.'],
})

async function loop(
  setting: Setting,
  signal: AbortSignal,
  callsFor: (id: string) => readonly (readonly [method: string, path: string])[],
): Promise<void> {
  const { url, call } = setting.posthorn
  const headers = { authorization: `Bearer ${await keyOf(setting)}` }
  const { data } = await call<{ data: { id: string; url: string }[] }>('GET', `tenants/${TENANT}/endpoints?limit=100`)
  const ids = data.filter(endpoint => endpoint.url.includes(':2000')).map(({ id }) => id)
  const one = async (id: string) => {
    while (!signal.aborted) {
      for (const [method, path] of callsFor(id)) {
        const response = await fetch(`${url}${path}`, { method, headers })
        await response.arrayBuffer()
        if (!response.ok) throw new Error(`${method} ${path} returned ${response.status}`)
        made.calls++
      }
      await new Promise(resolve => setTimeout(resolve, PAUSE_MS))
    }
  }
  await Promise.all(ids.map(one))
}
