/** What attackers of the API's port need: connections whose every byte they choose. Only to this machine. */
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

export type RawConnection = {
  readonly socket: Socket
  /** Responses that have arrived, by status. */
  readonly statuses: Map<number, number>
  /** Requests sent that have no response yet. */
  waiting: number
  isClosed: boolean
  /** Sends requests without waiting for responses. */
  send(requests: readonly string[]): void
}

const STATUS = /HTTP\/1\.1 (\d{3}) /g
/** Long enough for a status line that two pieces share, too short for one to be counted twice. */
const OVERLAP = 'HTTP/1.1 200 '.length - 1

/** @param from the address to connect from, one of 127.0.0.0/8 */
export function openRaw(url: string, from: string): RawConnection {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), localAddress: from })
  const connection: RawConnection = {
    socket,
    statuses: new Map(),
    waiting: 0,
    isClosed: false,
    send(requests) {
      this.waiting += requests.length
      socket.write(requests.join(''))
    },
  }
  let tail = ''
  socket.setEncoding('latin1').on('data', (data: string) => {
    const text = tail + data
    for (const [, status] of text.matchAll(STATUS)) {
      connection.statuses.set(Number(status), (connection.statuses.get(Number(status)) ?? 0) + 1)
      connection.waiting--
    }
    tail = text.slice(-OVERLAP)
  })
  // Being cut off is what an attacker expects.
  socket.on('error', () => {})
  socket.on('close', () => (connection.isClosed = true))
  return connection
}

type Request = { readonly path: string; readonly key?: string; readonly body?: object }

export function toRequest({ path, key, body }: Request): string {
  const authorization = key === undefined ? '' : `authorization: Bearer ${key}\r\n`
  if (body === undefined) return `GET ${path} HTTP/1.1\r\nhost: a\r\n${authorization}\r\n`
  const text = JSON.stringify(body)
  const head = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n`
  return `POST ${path} HTTP/1.1\r\nhost: a\r\n${authorization}${head}\r\n${text}`
}

/** What a pipeline sends: `count` requests at a time, at most `waiting` of them without a response. */
export type Pipelining = {
  readonly from: string
  readonly connections: number
  readonly requests: readonly string[]
  readonly count: number
  readonly waiting: number
  readonly perSecond: number
}

const STEP_MS = 50

/** Sends requests on several connections at a steady rate, until the signal. Returns the responses by status. */
export async function pipeline(url: string, plan: Pipelining, signal: AbortSignal): Promise<Map<number, number>> {
  const { from, connections: size, requests, count, waiting, perSecond } = plan
  const total = new Map<number, number>()
  const open = () => openRaw(url, from)
  const end = ({ socket, statuses }: RawConnection) => {
    socket.destroy()
    for (const [status, number] of statuses) total.set(status, (total.get(status) ?? 0) + number)
  }
  const connections = Array.from({ length: size }, open)
  let [credit, turn, next] = [0, 0, 0]
  while (!signal.aborted) {
    credit = Math.min(credit + (perSecond * STEP_MS) / 1_000, perSecond)
    for (let tried = 0; tried < size && credit >= count; tried++) {
      const at = turn++ % size
      if (connections[at]!.isClosed) {
        end(connections[at]!)
        connections[at] = open()
      }
      if (connections[at]!.waiting >= waiting) continue
      connections[at]!.send(Array.from({ length: count }, () => requests[next++ % requests.length]!))
      credit -= count
    }
    await pause(STEP_MS)
  }
  for (const connection of connections) end(connection)
  return total
}

export const sayStatuses = (statuses: ReadonlyMap<number, number>): string =>
  [...statuses].map(([status, count]) => `${count} × ${status}`).join(', ') || 'no responses'
