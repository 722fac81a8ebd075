/** A process that does only what is unavoidable: it makes the same POSTs and nothing else. */
import { Agent, request } from 'node:https'
import { answerCommands } from './child.ts'
import { makePayload } from './events.ts'
import { type Client, type DispatchHandler, openClient, openPool, type Pool } from './undici.ts'

/** Ways to send: two of undici, and Node's own client. */
export const WAYS = ['dispatch', 'request', 'node:https'] as const
export type Way = (typeof WAYS)[number]

export type BareLoopCommand = {
  /** Default: `dispatch`. */
  readonly way?: Way
  readonly origin: string
  readonly caPem: string
  readonly path: string
  /** Rotates through this many paths below `path`, starting with `<path>/0`. Default: all requests go to `path`. */
  readonly pathCount?: number
  /** The headers that Posthorn sends, without the event's id. */
  readonly headers: readonly string[]
  readonly requests: number
  readonly inFlight: number
}

/** Bodies are made before the clock starts, as Posthorn doesn't make its bodies either: the publisher does. */
const BODIES = Array.from({ length: 1_000 }, (_, serial) => Buffer.from(makePayload(serial)))

/** Posthorn's default `responseTimeoutMs`. */
const DEADLINE_MS = 15_000

const clients: Client[] = []
let pool: Pool | undefined
let agent: Agent | undefined
let serial = 0

answerCommands((command: BareLoopCommand): Promise<number> => {
  if (command.way === 'request') return oneByOne(command, byRequest(command))
  if (command.way === 'node:https') return oneByOne(command, byHttps(command))
  return byDispatch(command)
})

/** Keeps `inFlight` requests running until all are made. */
async function oneByOne({ requests, inFlight }: BareLoopCommand, send: () => Promise<number>): Promise<number> {
  let started = 0
  const sendOn = async () => {
    while (started < requests) {
      started++
      const status = await send()
      if (status !== 204) throw new Error(`the receiver responded with ${status}`)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, sendOn))
  return requests
}

function byRequest({ origin, caPem: ca, path, headers, inFlight }: BareLoopCommand): () => Promise<number> {
  pool ??= openPool(origin, { ca, connections: inFlight, deadlineMs: DEADLINE_MS })
  const opened = pool
  return async () => {
    const own = [...headers, 'webhook-id', nextId()]
    const { statusCode, body } = await opened.request({ method: 'POST', path, headers: own, body: nextBody() })
    await body.dump()
    return statusCode
  }
}

function byHttps({ origin, caPem: ca, path, headers, inFlight }: BareLoopCommand): () => Promise<number> {
  agent ??= new Agent({ keepAlive: true, maxSockets: inFlight, ca, minVersion: 'TLSv1.3' })
  const options = { agent, method: 'POST' }
  const url = `${origin}${path}`
  const { host } = new URL(origin)
  return () => {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const body = nextBody()
    // Node sends a list of headers unchanged and adds nothing to it.
    const own = ['host', host, ...headers, 'webhook-id', nextId(), 'content-length', String(body.length)]
    const sent = request(url, { ...options, headers: own }, answer => {
      answer.resume()
      answer.on('end', () => resolve(answer.statusCode!))
    })
    sent.on('error', reject)
    sent.end(body)
    return promise
  }
}

function byDispatch(command: BareLoopCommand): Promise<number> {
  while (clients.length < command.inFlight) clients.push(openClient(command.origin, command.caPem))
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const { path, pathCount = 0 } = command
  const paths = pathCount === 0 ? [path] : Array.from({ length: pathCount }, (_, index) => `${path}/${index}`)
  let started = 0
  let ended = 0
  const onEnd = (client: Client, handler: DispatchHandler) => {
    ended++
    if (started < command.requests) send(client, handler)
    else if (ended === command.requests) resolve(ended)
  }
  const send = (client: Client, handler: DispatchHandler) => {
    client.dispatch(
      {
        method: 'POST',
        path: paths[started++ % paths.length]!,
        headers: [...command.headers, 'webhook-id', nextId()],
        body: nextBody(),
      },
      handler,
    )
  }
  for (const client of clients.slice(0, Math.min(command.inFlight, command.requests)))
    send(client, createHandler(client, onEnd, reject))
  return promise
}

/** Creates the handler for all requests of a connection; it has one request at a time. */
function createHandler(
  client: Client,
  onEnd: (client: Client, handler: DispatchHandler) => void,
  onError: (error: Error) => void,
): DispatchHandler {
  const handler: DispatchHandler = {
    onRequestStart() {},
    onResponseStart(_controller, status) {
      if (status !== 204) onError(new Error(`the receiver responded with ${status}`))
    },
    onResponseData() {},
    onResponseEnd: () => onEnd(client, handler),
    onResponseError: (_controller, error) => onError(error),
  }
  return handler
}

const nextBody = () => BODIES[serial % BODIES.length]!

/** Returns an id as long as a real one. */
function nextId(): string {
  return `evt_${(++serial).toString(32).padStart(26, '0')}`
}
