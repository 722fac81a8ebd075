/**
 * Hands what arrives on connections to Node's parser, one request at a time and in turns (turns.ts). Node would parse all
 * requests that one read of a socket brings, 3,600 in 64 KiB, of all sockets that have something, before it does
 * anything else. So a read is cut behind each end of a head; what is left of it waits, and meanwhile the socket is not
 * read. A request behind others that are in progress waits unparsed: nothing is known of it, and it holds no memory.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { SharedBudget } from '../../base/shared-budget.ts'
import { InnerSocket } from './inner-socket.ts'
import type { Turns } from './turns.ts'

/** Calls of one connection in progress. Further ones wait. Without a valid key, one. */
const CALLS_AT_ONCE = 64
/** Ends of heads, or what looks like one, in a part of a body that is handed over as a whole. */
const ENDS_IN_BODY = 32
/** Size of the reads that wait, of connections without a valid key, in bytes. One whose read has no room is closed. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024

const END_OF_HEAD = '\r\n\r\n'

/** What has to be known of connections. */
export type Owners = {
  /** Who is behind the calls on a connection, as far as is known before they are looked at. */
  partyOf(socket: Socket): string
  /** Whether its latest call brought no valid key. */
  isKeyless(socket: Socket): boolean
  /** Whether its address is one that many share. */
  isExempt(socket: Socket): boolean
  /** Calls in progress. */
  callsOf(socket: Socket): number
}

export class Intake {
  readonly #readers = new WeakMap<Socket, Reader>()
  readonly #shared: Shared

  constructor(owners: Owners, turns: Turns) {
    this.#shared = { owners, turns, waiting: new SharedBudget(MAX_WAITING_BYTES) }
  }

  /** Reads all connections to a server from now on. */
  watch(server: Server): void {
    server.on('connection', (socket: Socket | InnerSocket) => {
      // The program around Posthorn has parsed that request already, and there is one on a connection.
      if (socket instanceof InnerSocket) return
      if (!socket.destroyed) this.#readers.set(socket, new Reader(socket, this.#shared))
    })
    // What follows can't be understood.
    server.prependListener('clientError', (_error, socket) => this.#readers.get(socket as Socket)?.drop())
    server.prependListener('connect', (_request, socket) => this.#readers.get(socket as Socket)?.handOver())
  }

  /** A request has been parsed. To be called after the call has been counted. */
  begin(request: IncomingMessage, response: ServerResponse): void {
    this.#readers.get(request.socket)?.begin(request, response)
  }
}

type Shared = { readonly owners: Owners; readonly turns: Turns; readonly waiting: SharedBudget }

class Reader {
  readonly #socket: Socket
  readonly #shared: Shared
  /** Node's own listener: it hands data to the parser. */
  readonly #parse: (data: Buffer) => void
  /** Node's own listener: the client sends no more. */
  readonly #end: () => void
  readonly #resume: () => void
  readonly #hold: () => void
  /** What is left of the latest read. Undefined: nothing. */
  #left: Buffer | undefined
  #latest: IncomingMessage | undefined
  /** Node has paused the socket: a body or responses aren't taken as fast as they come. */
  #isPausedByNode = false
  #isParsing = false
  /** Its job is in the queue of its party. */
  #isQueued = false
  #isDropped = false
  #isHandedOver = false
  /** The client sends no more, which the parser is told after what is left. */
  #hasEnded = false
  #isFinished = false
  /** What it has reserved, and for whom, while it waits. */
  #reserved: { readonly party: string; readonly bytes: number } | undefined

  constructor(socket: Socket, shared: Shared) {
    this.#socket = socket
    this.#shared = shared
    const parse = socket.listeners('data')[0] as (data: Buffer) => void
    this.#parse = parse
    this.#resume = socket.resume.bind(socket)
    this.#hold = socket.pause.bind(socket)
    socket.pause = () => {
      this.#isPausedByNode = true
      this.#hold()
      return socket
    }
    socket.resume = () => {
      this.#isPausedByNode = false
      this.#proceed()
      return socket
    }
    // With a listener that isn't Node's, the parser no longer reads from the socket itself.
    socket.on('data', data => this.#read(data))
    socket.removeListener('data', parse)
    const end = socket.listeners('end').at(-1) as () => void
    this.#end = end
    socket.removeListener('end', end)
    socket.once('end', () => {
      this.#hasEnded = true
      if (this.#left === undefined) this.#finish()
    })
    socket.once('close', () => this.drop())
  }

  /** Forgets what is left, and whatever arrives from now on. */
  drop(): void {
    this.#isDropped = true
    this.#left = undefined
    this.#release()
    if (this.#socket.destroyed) return
    if (this.#hasEnded) this.#finish()
    else this.#resume()
  }

  /** Tells the parser, once: an end in the middle of a request is an error, for which the reader is dropped. */
  #finish(): void {
    if (this.#isFinished || this.#isHandedOver || this.#socket.destroyed) return
    this.#isFinished = true
    this.#end()
  }

  /** Someone else reads the socket now. */
  handOver(): void {
    this.#isHandedOver = true
    this.drop()
  }

  begin(request: IncomingMessage, response: ServerResponse): void {
    this.#latest = request
    response.once('close', () => {
      if (this.#left !== undefined) this.#proceed()
    })
  }

  get #isInBody(): boolean {
    return this.#latest?.complete === false
  }

  #read(data: Buffer): void {
    if (this.#isDropped) return
    const { owners, waiting } = this.#shared
    const isKeyless = owners.isKeyless(this.#socket)
    this.#left = data
    // A body goes on: it costs little, and its call has had its turn.
    if (this.#isInBody && !isKeyless && endOf(data, ENDS_IN_BODY) === data.length) this.#parseNext(data.length)
    else this.#proceed()
    if (this.#left === undefined || this.#isDropped) return
    this.#hold()
    if (!isKeyless) return
    const party = owners.partyOf(this.#socket)
    if (waiting.tryReserve(party, data.length)) this.#reserved = { party, bytes: data.length }
    else this.#socket.destroy()
  }

  /** Goes on with what is left, or with reading, as soon as it can. */
  #proceed(): void {
    if (this.#isParsing || this.#isQueued || this.#isPausedByNode) return
    if (this.#left === undefined) {
      if (!this.#hasEnded) this.#resume()
      return
    }
    const { owners, turns } = this.#shared
    const limit = owners.isKeyless(this.#socket) ? 1 : CALLS_AT_ONCE
    if (!this.#isInBody && owners.callsOf(this.#socket) >= limit) return
    this.#isQueued = true
    turns.take(owners.partyOf(this.#socket), () => this.#work())
  }

  /** Has the next request parsed. Says whether it came from a stranger. */
  #work(): boolean {
    this.#isQueued = false
    if (this.#left === undefined || this.#socket.destroyed) return false
    const { owners } = this.#shared
    // Something has changed since it was queued, and says so when it is over.
    if (this.#isPausedByNode) return false
    this.#parseNext(endOf(this.#left, this.#isInBody && !owners.isKeyless(this.#socket) ? ENDS_IN_BODY : 1))
    return owners.isKeyless(this.#socket) && !owners.isExempt(this.#socket)
  }

  #parseNext(end: number): void {
    const data = this.#left!
    this.#left = end < data.length ? data.subarray(end) : undefined
    this.#isParsing = true
    this.#parse(end < data.length ? data.subarray(0, end) : data)
    this.#isParsing = false
    if (this.#isDropped) return
    if (this.#left === undefined) {
      this.#release()
      if (this.#hasEnded) this.#finish()
    }
    this.#proceed()
  }

  #release(): void {
    if (this.#reserved === undefined) return
    this.#shared.waiting.release(this.#reserved.party, this.#reserved.bytes)
    this.#reserved = undefined
  }
}

/** Where to cut data: behind that many ends of heads, or its end if no further one follows. */
function endOf(data: Buffer, heads: number): number {
  let end = 0
  for (let count = 0; count <= heads; count++) {
    const at = data.indexOf(END_OF_HEAD, end, 'latin1')
    if (at < 0) return data.length
    if (count === heads) return end
    end = at + END_OF_HEAD.length
  }
  return end
}
