/** What the rules need to know of a connection. */
export type Member = {
  /** The key that its last call had; null for the root key. Undefined: keyless, it has brought no valid key. */
  readonly key: object | null | undefined
  /** Calls in progress. */
  readonly calls: number
  /** When it was opened, or when its latest call ended (monotonic). */
  readonly sinceMs: number
}

/** How long a keyless connection is taken for new: it is about to send its first call. */
const NEW_MS = 1_000
/** The part of a group that new connections can take from idle ones. */
const NEW_PART = 1 / 8

/**
 * Connections that share a limit: those of the port, of an address or of a key. It knows which one can be closed to make
 * room; one that has a valid key and a call in progress never is, however quiet it is (a stream).
 */
export class ConnectionGroup<Connection extends Member> {
  size = 0
  /** The one opened or last used longest ago first. */
  readonly #keyless = new Set<Connection>()
  /** With a valid key and no call in progress; the one last used longest ago first. */
  readonly #idle = new Set<Connection>()

  /** To be called when a connection has joined, or has changed. */
  sort(connection: Connection): void {
    this.#keyless.delete(connection)
    this.#idle.delete(connection)
    if (connection.key === undefined) this.#keyless.add(connection)
    else if (connection.calls === 0) this.#idle.add(connection)
  }

  remove(connection: Connection): void {
    this.size--
    this.#keyless.delete(connection)
    this.#idle.delete(connection)
  }

  /**
   * The connection to close to make room: the oldest keyless one, but one that is idle if only a few keyless ones are
   * left and all of them are new. So a flood of new connections closes its own, and a newcomer gets a chance even where
   * all others have a key. Undefined if all have a valid key and a call in progress.
   */
  victim(nowMs: number): Connection | undefined {
    const [keyless] = this.#keyless
    const [idle] = this.#idle
    if (keyless === undefined || idle === undefined) return keyless ?? idle
    const areNew = nowMs - keyless.sinceMs < NEW_MS && this.#keyless.size <= this.size * NEW_PART
    return areNew ? idle : keyless
  }
}
