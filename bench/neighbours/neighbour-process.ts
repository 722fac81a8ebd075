/**
 * A process that is the neighbour: it publishes one event per call at a steady rate, however long each call takes, and
 * receives its own deliveries over TLS. Both are in one process, so that one clock measures both ends.
 */
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { answerCommands } from '../child.ts'
import { EVENT_TYPE, makePayload } from '../events.ts'
import { monotonicMs } from '../monotonic.ts'
import { post, publishingHeaders } from '../posting.ts'
import { type Client, openClient } from '../undici.ts'

export type NeighbourReceiver = {
  /** Closes each connection after its response, so that each delivery needs a new one. Default: false. */
  readonly closes?: boolean
  /** Responds to requests on paths below this one a second time, a moment later. Default: to none. */
  readonly strayPath?: string
}

export type NeighbourCommand =
  /** Opens the receiver's port. */
  | ({ readonly kind: 'listen'; readonly certPem: string; readonly keyPem: string } & NeighbourReceiver)
  | {
      readonly kind: 'publish'
      readonly url: string
      readonly apiKey: string
      readonly tenant: string
      readonly perSecond: number
      readonly seconds: number
      /** How long to wait for the last deliveries, in milliseconds. */
      readonly patienceMs: number
    }

/** Latencies in milliseconds, from each call's planned beginning. */
export type NeighbourAnswer = {
  /** For `listen`. */
  readonly port: number
  /** Until the response. */
  readonly publish: readonly number[]
  /** Until the first bytes of the delivery. Missing deliveries are not included. */
  readonly delivery: readonly number[]
  /** Calls that failed or had another response than 202, the first of them in words. */
  readonly refused: number
  readonly firstRefusal: string | null
  /** Accepted events that the receiver didn't get in time. */
  readonly missing: number
}

const NOTHING: NeighbourAnswer = { port: 0, publish: [], delivery: [], refused: 0, firstRefusal: null, missing: 0 }
/** Delay before the first call, so that it isn't already late. */
const HEAD_START_MS = 20
const LOOK_MS = 20

/** When each event arrived, by its id. */
const arrivedAtMs = new Map<string, number>()
const free: Client[] = []
const MAX_STRAY_MS = 40
let strayDelays = 1
let serial = 0

answerCommands((command: NeighbourCommand) => (command.kind === 'listen' ? listen(command) : publish(command)))

async function listen(command: Extract<NeighbourCommand, { kind: 'listen' }>): Promise<NeighbourAnswer> {
  const { certPem, keyPem, closes = false, strayPath } = command
  const server = createServer({ cert: certPem, key: keyPem, minVersion: 'TLSv1.3', keepAliveTimeout: 60_000 })
  server.on('request', (request, response) => {
    const id = String(request.headers['webhook-id'])
    if (!arrivedAtMs.has(id)) arrivedAtMs.set(id, monotonicMs())
    request.resume()
    request.on('end', () => response.writeHead(204, closes ? { connection: 'close' } : {}).end())
    if (strayPath === undefined || !request.url!.startsWith(strayPath)) return
    const { socket } = request
    socket.setNoDelay(true)
    setTimeout(() => socket.destroyed || socket.write('HTTP/1.1 204 No Content\r\n\r\n'), strayDelays++ % MAX_STRAY_MS)
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(0, '127.0.0.1', resolve)
  await promise
  return { ...NOTHING, port: (server.address() as AddressInfo).port }
}

type PublishCommand = Extract<NeighbourCommand, { kind: 'publish' }>

/** A call that finds no free connection opens another, so that it never waits for an earlier one. */
async function publish(command: PublishCommand): Promise<NeighbourAnswer> {
  const { url, apiKey, tenant, perSecond, seconds } = command
  const [path, headers] = [`/v1/tenants/${tenant}/events`, publishingHeaders(apiKey)]
  const count = perSecond * seconds
  const firstAtMs = monotonicMs() + HEAD_START_MS
  const accepted: { readonly id: string; readonly plannedAtMs: number; readonly acceptedAtMs: number }[] = []
  const refusals: string[] = []
  const send = async (plannedAtMs: number) => {
    const client = free.pop() ?? openClient(url)
    try {
      const body = Buffer.from(`{"type":"${EVENT_TYPE}","payload":${makePayload(serial++)}}`)
      const text = await post(client, { path, headers, body, status: 202 })
      accepted.push({ id: (JSON.parse(text) as { id: string }).id, plannedAtMs, acceptedAtMs: monotonicMs() })
      free.push(client)
    } catch (error) {
      refusals.push(error instanceof Error ? error.message : String(error))
    }
  }
  const underWay: Promise<void>[] = []
  while (underWay.length < count) {
    const plannedAtMs = firstAtMs + (underWay.length * 1_000) / perSecond
    if (plannedAtMs <= monotonicMs()) underWay.push(send(plannedAtMs))
    else await pause(1)
  }
  await Promise.all(underWay)
  const untilMs = monotonicMs() + command.patienceMs
  const isMissing = ({ id }: { id: string }) => !arrivedAtMs.has(id)
  while (accepted.some(isMissing) && monotonicMs() < untilMs) await pause(LOOK_MS)
  const arrived = accepted.filter(event => !isMissing(event))
  const answer = {
    port: 0,
    publish: accepted.map(({ plannedAtMs, acceptedAtMs }) => acceptedAtMs - plannedAtMs),
    delivery: arrived.map(({ id, plannedAtMs }) => arrivedAtMs.get(id)! - plannedAtMs),
    refused: refusals.length,
    firstRefusal: refusals[0] ?? null,
    missing: accepted.length - arrived.length,
  }
  arrivedAtMs.clear()
  return answer
}

const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))
