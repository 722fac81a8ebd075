/**
 * The open connections to the API: how many each address and each key can have, which one is closed if there is no
 * room, and how long each can take (decision 39).
 *
 * A connection is keyless until a call on it brings a valid key; then it is idle (no call in progress) or busy. A call
 * with a wrong key makes it keyless again. Each belongs to up to three groups with a limit: the port, its address
 * (unless exempt), and its key's party (a tenant's from anywhere, any other's from an exempt address).
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { ApiKey } from '../../base/callers.ts'
import type { Clock, Timer } from '../../base/clock.ts'
import type { CountedLines } from '../../base/counted-lines.ts'
import type { Network } from '../../guard/address.ts'
import { isTrusted, networkOf, plainAddress } from './client-address.ts'
import { answerTooSlow } from './client-errors.ts'
import { ConnectionGroup } from './connection-group.ts'
import { InnerSocket } from './inner-socket.ts'
import { Openings } from './openings.ts'
import { partyOf } from './party.ts'

/**
 * Why connections are closed. `address`, `key`, `port`: the limit of an address, of a key, of all connections. `slow`: a
 * deadline.
 */
export const CLOSE_REASONS = ['address', 'key', 'port', 'slow'] as const
export type CloseReason = (typeof CLOSE_REASONS)[number]

export type ConnectionOptions = {
  /** Maximum number of open connections. */
  readonly maxConnections: number
  /** Maximum number of open connections from one address, or of one key. */
  readonly maxConnectionsPerAddress: number
  readonly trustedProxies: readonly Network[]
  readonly clock: Clock
}

/** How often deadlines are checked. */
const CHECK_MS = 1_000
/** Until when the head of the first request must have arrived, from the opening. */
export const FIRST_HEAD_MS = 20_000
/**
 * The same for each further request, from the end of the previous call. Blank lines before a request are allowed (RFC
 * 9112 §2.2) and would restart Node's own timeout for idle connections, without beginning a request.
 */
const NEXT_HEAD_MS = 85_000
/** Until when a request's body must have arrived, from the end of its head. */
export const BODY_MS = 120_000
/** How long a client can take for each piece of a response, which is up to about 2 MB. */
const ANSWER_MS = 120_000

/** How many connections an address can open at the same time, however few can stay open. */
const MIN_OPENINGS = 100

/** Exactly these, not the rest of 127.0.0.0/8: what runs on this machine shares them. */
const EXEMPT_ADDRESSES: ReadonlySet<string> = new Set(['127.0.0.1', '::1'])

type Group = ConnectionGroup<Connection>

type Connection = {
  readonly socket: Socket
  readonly address: string
  /** What its address is counted by. Undefined if the address is exempt. */
  readonly network: string | undefined
  readonly isExempt: boolean
  /** It has brought a valid key, so that its opening doesn't count. */
  isKnown: boolean
  /** The party that it is counted for; undefined if it is counted for none. */
  party: string | undefined
  /** The key of the last call, null for the root key. Undefined: keyless. */
  key: ApiKey | null | undefined
  /** Calls in progress. */
  calls: number
  sinceMs: number
  /** The latest request, and when its head was complete. Undefined before the first. */
  request: IncomingMessage | undefined
  requestedAtMs: number
  /** Bytes of responses that the system has taken, and since when the number is the same. */
  flushed: number
  flushedAtMs: number
  /** It was told that it is too slow, and is closed at the next check. */
  isEnding: boolean
}

export class Connections {
  readonly #options: ConnectionOptions
  readonly #lines: CountedLines
  readonly #perAddress: number
  readonly #openings: Openings
  readonly #all = new Map<Socket, Connection>()
  readonly #port: Group = new ConnectionGroup()
  readonly #addresses = new Map<string, Group>()
  readonly #parties = new Map<string, Group>()
  readonly #closed: Record<CloseReason, number> = { address: 0, key: 0, port: 0, slow: 0 }
  #check: Timer | undefined

  constructor(options: ConnectionOptions, lines: CountedLines) {
    this.#options = options
    this.#lines = lines
    // However small the port is, no address and no key can have more than half of it.
    this.#perAddress = Math.min(options.maxConnectionsPerAddress, Math.ceil(options.maxConnections / 2))
    this.#openings = new Openings(options.clock, Math.max(this.#perAddress, MIN_OPENINGS))
  }

  get size(): number {
    return this.#all.size
  }

  /** The number of connections that Posthorn closed since startup, by reason. */
  get closed(): Readonly<Record<CloseReason, number>> {
    return this.#closed
  }

  /** Watches all connections to a server from now on. */
  watch(server: Server): void {
    // Instead of before Node's own listener: that would set up a parser for each refused one.
    const listeners = server.listeners('connection')
    server.removeAllListeners('connection').on('connection', socket => {
      this.#open(socket)
      if (!socket.destroyed) for (const listener of listeners) listener.call(server, socket)
    })
  }

  /** The head of a request has arrived. */
  begin(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#all.get(request.socket)
    if (connection === undefined) return
    connection.request = request
    connection.requestedAtMs = this.#options.clock.monotonicMs()
    connection.calls++
    if (connection.calls === 1) this.#sort(connection)
    response.once('close', () => this.#end(connection))
  }

  /** A call brought a valid key. False if its party has too many connections, none of which is idle. */
  accept(socket: Socket, key: ApiKey | null): boolean {
    const connection = this.#all.get(socket)
    if (connection === undefined || connection.key === key) return true
    const isCounted = connection.isExempt || (key !== null && key.tenant !== null)
    const party = isCounted ? partyOf(key) : undefined
    if (party !== connection.party && !this.#join(connection, party)) return false
    connection.key = key
    if (connection.network !== undefined && !connection.isKnown) this.#openings.giveBack(connection.network)
    connection.isKnown = true
    this.#sort(connection)
    return true
  }

  /** A call brought no valid key. */
  reject(socket: Socket): void {
    const connection = this.#all.get(socket)
    if (connection === undefined || connection.key === undefined) return
    connection.key = undefined
    this.#join(connection, undefined)
    this.#sort(connection)
  }

  /** Who is behind the calls on a connection, as far as is known before they are looked at: its last key's party. */
  partyOf(socket: Socket): string {
    const connection = this.#all.get(socket)
    if (connection === undefined) return ''
    if (connection.key === undefined) return connection.network ?? connection.address
    return connection.party ?? partyOf(connection.key)
  }

  /** Whether the latest call on a connection brought no valid key. */
  isKeyless(socket: Socket): boolean {
    return this.#all.get(socket)?.key === undefined
  }

  /** Whether the address of a connection has no limit, because many share it. */
  isExempt(socket: Socket): boolean {
    return this.#all.get(socket)?.isExempt === true
  }

  /** How many calls are in progress on a connection. */
  callsOf(socket: Socket): number {
    return this.#all.get(socket)?.calls ?? 0
  }

  closeAll(): void {
    for (const { socket } of this.#all.values()) socket.destroy()
  }

  #open(socket: Socket): void {
    const nowMs = this.#options.clock.monotonicMs()
    const address = plainAddress(socket.remoteAddress ?? 'unknown')
    const isExempt =
      // How many clients a program around Posthorn serves is its own affair, wherever they are.
      socket instanceof InnerSocket || EXEMPT_ADDRESSES.has(address) || isTrusted(address, this.#options.trustedProxies)
    const network = isExempt ? undefined : networkOf(address)
    const ofAddress = network === undefined ? undefined : groupOf(this.#addresses, network)
    if (network !== undefined && !this.#openings.take(network)) {
      this.#refuse(socket, address, 'address')
      return
    }
    // The address first: its own connections make room for it before those of others do.
    if (ofAddress !== undefined && !this.#makeRoom(ofAddress, this.#perAddress, 'address')) {
      this.#refuse(socket, address, 'address')
      return
    }
    if (!this.#makeRoom(this.#port, this.#options.maxConnections, 'port')) {
      this.#refuse(socket, address, 'port')
      return
    }
    const connection: Connection = {
      socket,
      address,
      network,
      isExempt,
      isKnown: false,
      key: undefined,
      party: undefined,
      calls: 0,
      sinceMs: nowMs,
      request: undefined,
      requestedAtMs: nowMs,
      flushed: 0,
      flushedAtMs: nowMs,
      isEnding: false,
    }
    this.#all.set(socket, connection)
    this.#port.size++
    if (ofAddress !== undefined && network !== undefined) {
      this.#addresses.set(network, ofAddress)
      ofAddress.size++
    }
    this.#sort(connection)
    socket.once('close', () => this.#forget(connection))
    this.#check ??= this.#options.clock.after(CHECK_MS, () => this.#checkDeadlines())
  }

  /** Closes a connection of a group that is full. False if none can be closed. */
  #makeRoom(group: Group, limit: number, reason: CloseReason): boolean {
    if (group.size < limit) return true
    const victim = group.victim(this.#options.clock.monotonicMs())
    if (victim === undefined) return false
    this.#count(victim.address, reason)
    this.#forget(victim)
    victim.socket.destroy()
    return true
  }

  #refuse(socket: Socket, address: string, reason: CloseReason): void {
    this.#count(address, reason)
    socket.destroy()
  }

  #end(connection: Connection): void {
    connection.calls--
    connection.sinceMs = this.#options.clock.monotonicMs()
    this.#sort(connection)
  }

  /** Moves a connection to another party. False if the party has no room for it. */
  #join(connection: Connection, party: string | undefined): boolean {
    if (party !== undefined) {
      const group = groupOf(this.#parties, party)
      if (!this.#makeRoom(group, this.#perAddress, 'key')) {
        this.#count(connection.address, 'key')
        return false
      }
      this.#leave(connection)
      this.#parties.set(party, group)
      group.size++
    } else this.#leave(connection)
    connection.party = party
    return true
  }

  #leave(connection: Connection): void {
    const { party } = connection
    if (party === undefined) return
    leave(this.#parties, party, connection)
    connection.party = undefined
  }

  /** No longer counts a connection, whose socket might still be closing. */
  #forget(connection: Connection): void {
    if (!this.#all.delete(connection.socket)) return
    this.#port.remove(connection)
    if (connection.network !== undefined) leave(this.#addresses, connection.network, connection)
    this.#leave(connection)
  }

  /** Notes in its groups what a connection is doing. */
  #sort(connection: Connection): void {
    if (!this.#all.has(connection.socket)) return
    const { network, party } = connection
    this.#port.sort(connection)
    if (network !== undefined) this.#addresses.get(network)!.sort(connection)
    if (party !== undefined) this.#parties.get(party)!.sort(connection)
  }

  #checkDeadlines(): void {
    const nowMs = this.#options.clock.monotonicMs()
    for (const connection of this.#all.values()) {
      if (connection.isEnding) connection.socket.destroy()
      else if (isLate(connection, nowMs)) this.#endSlow(connection)
    }
    this.#check = this.#all.size === 0 ? undefined : this.#options.clock.after(CHECK_MS, () => this.#checkDeadlines())
  }

  #endSlow(connection: Connection): void {
    this.#count(connection.address, 'slow')
    const { socket, calls, request } = connection
    const isReading = calls > 0 && request?.complete !== false
    // A client that doesn't read its response would not read this one either.
    if (isReading || socket.writableLength > 0) socket.destroy()
    else {
      connection.isEnding = true
      answerTooSlow(socket)
    }
  }

  #count(address: string, reason: CloseReason): void {
    this.#closed[reason]++
    const limits = { address: this.#perAddress, key: this.#perAddress, port: this.#options.maxConnections }
    const limit = reason === 'slow' ? {} : { limit: limits[reason] }
    this.#lines.add(`connections ${reason}`, 'warn', 'API connections closed', { reason, address, ...limit })
  }
}

function groupOf(groups: ReadonlyMap<string, Group>, name: string): Group {
  return groups.get(name) ?? new ConnectionGroup()
}

function leave(groups: Map<string, Group>, name: string, connection: Connection): void {
  const group = groups.get(name)!
  group.remove(connection)
  if (group.size === 0) groups.delete(name)
}

/** Whether a connection has missed a deadline. None of them begins again with a byte. */
function isLate(connection: Connection, nowMs: number): boolean {
  const { socket, request, requestedAtMs, calls, sinceMs } = connection
  if (request !== undefined && !request.complete) return nowMs - requestedAtMs > BODY_MS
  if (calls === 0) return nowMs - sinceMs > (request === undefined ? FIRST_HEAD_MS : NEXT_HEAD_MS)
  // What was written but not yet taken by the system counts as written, and is what waits.
  const flushed = socket.bytesWritten - socket.writableLength
  if (socket.writableLength === 0 || flushed !== connection.flushed) {
    connection.flushed = flushed
    connection.flushedAtMs = nowMs
    return false
  }
  return nowMs - connection.flushedAtMs > ANSWER_MS
}
