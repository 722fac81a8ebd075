/** A process that does what can't be spared: the same POSTs by undici's `dispatch`, and nothing else. */
import { answerCommands } from './child.ts'
import { makePayload } from './events.ts'
import { type Client, type DispatchHandler, openClient } from './undici.ts'

export type BareLoopCommand = {
  readonly origin: string
  readonly caPem: string
  readonly path: string
  /** In turn to so many paths below it, `<path>/0` the first. Default: all to the path itself. */
  readonly pathCount?: number
  /** The headers that Posthorn sends, but the id of the event. */
  readonly headers: readonly string[]
  readonly requests: number
  readonly inFlight: number
}

/** Bodies made before the clock starts: Posthorn doesn't make its own either, the publisher does. */
const BODIES = Array.from({ length: 1_000 }, (_, serial) => Buffer.from(makePayload(serial)))

const clients: Client[] = []
let serial = 0

answerCommands((command: BareLoopCommand): Promise<number> => {
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
        body: BODIES[serial % BODIES.length]!,
      },
      handler,
    )
  }
  for (const client of clients.slice(0, Math.min(command.inFlight, command.requests)))
    send(client, createHandler(client, onEnd, reject))
  return promise
})

/** One for all requests of a connection, since it has one at a time. */
function createHandler(
  client: Client,
  onEnd: (client: Client, handler: DispatchHandler) => void,
  onError: (error: Error) => void,
): DispatchHandler {
  const handler: DispatchHandler = {
    onRequestStart() {},
    onResponseStart(_controller, status) {
      if (status !== 204) onError(new Error(`the receiver answered ${status}`))
    },
    onResponseData() {},
    onResponseEnd: () => onEnd(client, handler),
    onResponseError: (_controller, error) => onError(error),
  }
  return handler
}

/** As long as a real one. */
function nextId(): string {
  return `evt_${(++serial).toString(32).padStart(26, '0')}`
}
