/**
 * N8: a tenant that overloads its own receivers. Three ways: it publishes faster than they respond; they respond late
 * and with large heads and bodies; two thousand of them refuse all connections while hundreds of thousands of
 * deliveries are pending. Before, the same events go to receivers that respond immediately, or to none.
 */
import { randomBytes } from 'node:crypto'
import { Child } from '../child.ts'
import type { RunOptions } from '../definition.ts'
import { EVENT_TYPE } from '../events.ts'
import { post, publishingHeaders } from '../posting.ts'
import type { Setting } from '../setting.ts'
import { openClient } from '../undici.ts'
import { neighbourBench } from './neighbour.ts'
import type { SlowReceiverAnswer, SlowReceiverCommand } from './slow-receiver.ts'

const SECONDS = { full: 600, short: 30 }
/** Calls at the same time while endpoints are being registered. */
const AT_ONCE = 16

type Tenant = 'harmless' | 'attacker'
type Response = Pick<SlowReceiverCommand, 'status' | 'delayMs' | 'headBytes' | 'bodyBytes'>
type Plan = {
  /** Events in each call. */
  readonly batch: number
  /** Size of each payload, in bytes. */
  readonly payloadBytes: number
  readonly callsPerSecond: number
  /** Stop after this number of calls. Default: when the phase ends. */
  readonly calls?: number
}

const AT_ONCE_204: Response = { status: 204, delayMs: 0, headBytes: 0, bodyBytes: 0 }

type Receiver = Child<SlowReceiverCommand, SlowReceiverAnswer>
const receivers: Receiver[] = []

async function endReceivers(): Promise<void> {
  for (const receiver of receivers.splice(0)) await receiver.end()
}

/** Opens ports in a process of their own, and registers an endpoint at each. */
async function registerReceiving(setting: Setting, tenant: Tenant, ports: number, response: Response): Promise<void> {
  const child: Receiver = new Child('neighbours/slow-receiver.ts')
  receivers.push(child)
  const { certPem, keyPem } = await setting.authority.issue({ names: [], ips: ['127.0.0.1'] })
  const opened = await child.ask({ certPem, keyPem, ports, ...response })
  await register(
    setting,
    tenant,
    opened.map(port => `https://127.0.0.1:${port}/hooks`),
  )
}

async function register({ posthorn }: Setting, tenant: Tenant, urls: readonly string[]): Promise<void> {
  await posthorn.call('PUT', `tenants/${tenant}`, {})
  const rest = [...urls]
  const registerNext = async () => {
    for (let url = rest.pop(); url !== undefined; url = rest.pop()) {
      const clientSecret = randomBytes(24).toString('base64url')
      await posthorn.call('POST', `tenants/${tenant}/endpoints`, { url, clientSecret, types: [EVENT_TYPE] })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, registerNext))
}

/** Publishes batches at a steady rate until `signal` is aborted, and waits for the calls. */
async function publish({ posthorn }: Setting, tenant: Tenant, plan: Plan, signal: AbortSignal): Promise<void> {
  const { url, apiKey } = posthorn
  const [path, headers] = [`/v1/tenants/${tenant}/events`, publishingHeaders(apiKey)]
  const free: ReturnType<typeof openClient>[] = []
  const body = bodyOf(plan)
  const call = async () => {
    const client = free.pop() ?? openClient(url)
    await post(client, { path, headers, body, status: 202 })
    free.push(client)
  }
  const begunAt = performance.now()
  const calls: Promise<void>[] = []
  while (!signal.aborted && calls.length < (plan.calls ?? Number.POSITIVE_INFINITY)) {
    const dueAt = begunAt + (calls.length * 1_000) / plan.callsPerSecond
    if (dueAt <= performance.now()) calls.push(call())
    else await new Promise(resolve => setTimeout(resolve, Math.max(0, dueAt - performance.now())))
  }
  await Promise.all(calls)
}

function bodyOf({ batch, payloadBytes }: Plan): Buffer {
  const payload = { coverId: '5db7873e-16a2-41e4-acf0-000000000000', status: 'Expired', filler: '' }
  payload.filler = 'x'.repeat(Math.max(0, payloadBytes - JSON.stringify(payload).length))
  const event = {
    type: EVENT_TYPE,
    payload: {
      ...payload,
      notificationId: '382e7554-b150-4037-9b1a-000000000000',
      notificationTimestamp: '2026-11-07T15:18:12.9392875Z',
      case: '2026/12-07',
    },
  }
  return Buffer.from(JSON.stringify(batch === 1 ? event : new Array(batch).fill(event)))
}

const FASTER: Plan = { batch: 50, payloadBytes: 8_192, callsPerSecond: 6 }
const FASTER_PORTS = 4
const FASTER_DELAY_MS = 2_000

/** Ten times as many events as the receivers take. */
export const fasterPublisher = neighbourBench({
  id: 'N8',
  name: 'neighbour-of-overload',
  summary: "a neighbour's p99, and memory, while a tenant publishes faster than its receivers respond",
  title: 'Latency of a tenant, and memory, while another publishes ten times as fast as its receivers respond',
  factor: 1.2,
  measuresMemory: true,
  seconds: SECONDS,
  async prepare(setting) {
    await registerReceiving(setting, 'harmless', 1, AT_ONCE_204)
    await registerReceiving(setting, 'attacker', FASTER_PORTS, { ...AT_ONCE_204, delayMs: FASTER_DELAY_MS })
  },
  harmless: (setting, signal) => publish(setting, 'harmless', FASTER, signal),
  attack: (setting, signal) => publish(setting, 'attacker', FASTER, signal),
  end: endReceivers,
  setup: { ...FASTER, endpoints: FASTER_PORTS, delayMs: FASTER_DELAY_MS },
})

const LARGE: Plan = { batch: 10, payloadBytes: 200, callsPerSecond: 1 }
const LARGE_PORTS = 20
const LARGE_RESPONSE: Response = { status: 200, delayMs: 1_000, headBytes: 14_000, bodyBytes: 32_768 }

export const largeResponses = neighbourBench({
  id: 'N8-heads',
  name: 'neighbour-of-large-heads',
  summary: "a neighbour's p99, and memory, while a tenant's receivers respond late with large heads",
  title: "Latency of a tenant, and memory, while another's receivers respond late, with large heads and bodies",
  factor: 1.2,
  measuresMemory: true,
  seconds: SECONDS,
  async prepare(setting) {
    await registerReceiving(setting, 'harmless', LARGE_PORTS, AT_ONCE_204)
    await registerReceiving(setting, 'attacker', LARGE_PORTS, LARGE_RESPONSE)
  },
  harmless: (setting, signal) => publish(setting, 'harmless', LARGE, signal),
  attack: (setting, signal) => publish(setting, 'attacker', LARGE, signal),
  end: endReceivers,
  setup: { ...LARGE, endpoints: LARGE_PORTS, ...LARGE_RESPONSE },
})

const REFUSING = 2_000
/** Nothing listens there: these ports are not among those that the system assigns. */
const FIRST_REFUSING_PORT = 20_000
const PENDING = { full: 600_000, short: 100_000 }
const REFUSED = { batch: 1, payloadBytes: 200, callsPerSecond: 10 }

const refusedPlan = ({ short }: RunOptions): Plan => ({
  ...REFUSED,
  calls: (short ? PENDING.short : PENDING.full) / REFUSING,
})

export const refusingReceivers = neighbourBench({
  id: 'N8-refusing',
  name: 'neighbour-of-refusing',
  summary: `a neighbour's p99, and memory, while ${REFUSING} endpoints of a tenant refuse connections`,
  title: `Latency of a tenant, and memory, while ${REFUSING} endpoints of another refuse connections and have a backlog`,
  factor: 1.2,
  measuresMemory: true,
  seconds: SECONDS,
  async prepare(setting) {
    await register(setting, 'harmless', [])
    const urls = Array.from({ length: REFUSING }, (_, nth) => `https://127.0.0.1:${FIRST_REFUSING_PORT + nth}/hooks`)
    await register(setting, 'attacker', urls)
  },
  harmless: (setting, signal, options) => publish(setting, 'harmless', refusedPlan(options), signal),
  attack: (setting, signal, options) => publish(setting, 'attacker', refusedPlan(options), signal),
  setup: { ...REFUSED, endpoints: REFUSING, pending: PENDING.full },
})
