import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import type { Logger } from '../../base/logger.ts'
import type { Store } from '../../store/store.ts'
import type { Reader } from './reader.ts'

/** How often this node says that its streams still listen, and how long each word of it counts. */
export const RENEW_LISTENING_MS = 5_000
const LISTENS_MS = 20_000

type Needs = {
  readonly store: Store
  readonly logger: Pick<Logger, 'debug'>
  /** Ends a stream that no longer counts. */
  readonly end: (reader: Reader) => void
}

/** The streams of this node that get the requests of listeners (decision 54), as the store knows them. */
export class Listening {
  readonly #needs: Needs
  readonly #ids = new Map<Reader, Uint8Array>()

  constructor(needs: Needs) {
    this.#needs = needs
  }

  /** Makes a stream count, and has what waits for it sent. Throws StoreUnavailable. */
  async begin(reader: Reader): Promise<void> {
    const { listen, tenant } = reader.filter
    if (listen === null || tenant === null) return
    const { store } = this.#needs
    const id = Uint8Array.from(randomBytes(16))
    this.#ids.set(reader, id)
    const nowMs = store.now()
    const times = { nowMs, untilMs: nowMs + LISTENS_MS }
    await store.write('beginListening', { tenant, reader: id, endpoints: [...listen.keys()], ...times })
    if (reader.isClosed) return this.end(reader)
    reader.owesOpen = true
    for (const [endpoint, partition] of listen) store.changes.emit({ kind: 'lane', tenant, endpoint, partition })
  }

  end(reader: Reader): void {
    const id = this.#ids.get(reader)
    if (id === undefined) return
    this.#ids.delete(reader)
    // What fails ends by itself.
    void this.#needs.store.write('endListening', { reader: id }).catch(() => {})
  }

  /** Never throws. */
  async renew(): Promise<void> {
    const { store, logger, end } = this.#needs
    const asked = [...this.#ids]
    if (asked.length === 0) return
    const nowMs = store.now()
    const times = { nowMs, untilMs: nowMs + LISTENS_MS }
    try {
      const left = await store.write('renewListening', { readers: asked.map(([, id]) => id), ...times })
      const counts = new Map(Map.groupBy(left, ({ reader }) => reader))
      for (const [reader, id] of asked) {
        const count = counts.get(Buffer.from(id).toString('hex'))?.length ?? 0
        if (count < (reader.filter.listen?.size ?? 0) && this.#ids.get(reader) === id) end(reader)
      }
    } catch (error) {
      logger.debug({ err: error }, 'listening not renewed; retrying')
    }
  }
}
