/** N12: a tenant opens as many streams as it can, reads none of them, and publishes, so that each has much to send. */
import { connect, type Socket } from 'node:net'
import { EVENT_TYPE, makeBatch } from '../events.ts'
import { post, publishingHeaders } from '../posting.ts'
import type { Setting } from '../setting.ts'
import { TENANT } from '../setting.ts'
import { openClient } from '../undici.ts'
import { neighbourBench } from './neighbour.ts'
import { toRequest } from './raw-connections.ts'
import { keyOf } from './refused-calls.ts'

const STREAMS = 100
const BATCH = 100
const BATCHES_PER_SECOND = 12
/** How often streams that were cut off are opened again. */
const OPEN_MS = 500

const opened = { streams: 0 }

export const unreadStreams = neighbourBench({
  id: 'N12',
  name: 'unread-streams',
  summary: 'latency of a neighbour while a tenant reads none of its many streams',
  title: `A tenant has ${STREAMS} streams that it doesn't read, each for other records, and publishes ${BATCH * BATCHES_PER_SECOND} events a second`,
  factor: 3,
  harmless: publish,
  attack: async (setting, signal) => {
    const streams = keepOpen(setting, await keyOf(setting), signal)
    await publish(setting, signal)
    await streams
  },
  check: async (_setting, say) => {
    say(`attack: ${opened.streams} streams were opened`)
    if (opened.streams < STREAMS) throw new Error('Too few streams were opened: this was no attack.')
  },
  setup: { streams: STREAMS, eventsPerSecond: BATCH * BATCHES_PER_SECOND },
  notes: ['*Before*, the tenant publishes as much, and has no streams.'],
})

async function publish({ posthorn }: Setting, signal: AbortSignal): Promise<void> {
  const client = openClient(posthorn.url)
  const [path, headers] = [`/v1/tenants/${TENANT}/events`, publishingHeaders(posthorn.apiKey)]
  const begunAt = performance.now()
  for (let nth = 0; !signal.aborted; nth++) {
    await post(client, { path, headers, body: makeBatch(nth * BATCH, BATCH), status: 202 })
    const restMs = begunAt + ((nth + 1) * 1_000) / BATCHES_PER_SECOND - performance.now()
    if (restMs > 0) await new Promise(resolve => setTimeout(resolve, restMs))
  }
}

/** Opens streams, each with a filter of its own that lets everything pass, and again when they are cut off. */
async function keepOpen({ posthorn }: Setting, key: string, signal: AbortSignal): Promise<void> {
  const { hostname, port } = new URL(posthorn.url)
  const open = new Map<number, Socket>()
  while (!signal.aborted) {
    for (let nth = 0; nth < STREAMS; nth++) {
      if (open.get(nth)?.destroyed === false) continue
      const path = `/v1/tenants/${TENANT}/stream?payloads=true&type=${EVENT_TYPE},OTHER_${nth}`
      const socket = connect(Number(port), hostname, () => socket.write(toRequest({ path, key })))
      socket.on('error', () => {}).pause()
      open.set(nth, socket)
      opened.streams++
    }
    await new Promise(resolve => setTimeout(resolve, OPEN_MS))
  }
  for (const socket of open.values()) socket.destroy()
}
