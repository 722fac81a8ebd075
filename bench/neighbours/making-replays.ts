/** N10: a tenant with many endpoints makes replays of what they never got, pauses, resumes and cancels them, in a loop. */
import { randomBytes } from 'node:crypto'
import { EVENT_TYPE } from '../events.ts'
import { deliverBatches, type Setting, TENANT } from '../setting.ts'
import { neighbourBench } from './neighbour.ts'
import { keyOf } from './refused-calls.ts'

const ENDPOINTS = 5_000
const AT_ONCE = 32
const EVENTS = 100
const LOOPS = 4

const made = { replays: 0 }

export const makingReplays = neighbourBench({
  id: 'N10',
  name: 'making-replays',
  summary: 'latency of a neighbour while a tenant makes, pauses, resumes and cancels replays for many endpoints',
  title: `A tenant with ${ENDPOINTS} endpoints makes and cancels replays in ${LOOPS} loops`,
  factor: 3,
  prepare: async (setting, say) => {
    await deliverBatches(setting, EVENTS)
    await Promise.all(Array.from({ length: AT_ONCE }, () => register(setting, ENDPOINTS / AT_ONCE)))
    say(`${ENDPOINTS} endpoints registered`)
  },
  harmless: (setting, signal) => loop(setting, signal, { states: ['cancelled'] }),
  attack: (setting, signal) => loop(setting, signal, { missing: true, types: [EVENT_TYPE] }),
  check: async (_setting, say) => {
    say(`${made.replays} replays were made`)
  },
  setup: { endpoints: ENDPOINTS, events: EVENTS, loops: LOOPS },
  notes: ['*Before*, the replays find nothing to send.'],
})

async function register({ posthorn, origin }: Setting, count: number): Promise<void> {
  for (let made = 0; made < count; made++) {
    const clientSecret = randomBytes(24).toString('base64url')
    const endpoint = { url: `${origin}/hooks`, clientSecret, types: [EVENT_TYPE] }
    await posthorn.call('POST', `tenants/${TENANT}/endpoints`, endpoint, 60_000)
  }
}

async function loop(setting: Setting, signal: AbortSignal, selection: object): Promise<void> {
  const { url } = setting.posthorn
  const headers = { authorization: `Bearer ${await keyOf(setting)}`, 'content-type': 'application/json' }
  const post = async (path: string, body?: object): Promise<{ id?: string }> => {
    const init = body === undefined ? {} : { headers, body: JSON.stringify(body) }
    const { authorization } = headers
    const response = await fetch(`${url}/v1/tenants/${TENANT}/replays${path}`, {
      method: 'POST',
      headers: { authorization },
      ...init,
    })
    return (await response.json()) as { id?: string }
  }
  const one = async () => {
    while (!signal.aborted) {
      const { id } = await post('', selection)
      if (id === undefined) continue
      made.replays++
      for (const action of ['pause', 'resume', 'cancel']) await post(`/${encodeURIComponent(id)}/${action}`)
    }
  }
  await Promise.all(Array.from({ length: LOOPS }, one))
}
