import { Buffer } from 'node:buffer'
import type { EventId } from '../base/model.ts'
import type { InboxItem } from '../store/operations/inbox/inbox.ts'
import type { Store } from '../store/store.ts'

/** Payloads kept, by their stored size. Each is parsed once, however many rounds its event takes. */
const MAX_BYTES = 4 * 1024 * 1024
const MAX_COUNT = 64

/** The parsed payloads of events that are being matched from the inbox. */
export class Payloads {
  readonly #store: Store
  /** In order of use, the most recently used last. */
  readonly #kept = new Map<EventId, { readonly value: unknown; readonly bytes: number }>()
  #bytes = 0

  constructor(store: Store) {
    this.#store = store
  }

  /** Undefined if the payload is no longer kept. Throws StoreUnavailable. */
  async get({ tenant, event }: InboxItem): Promise<unknown> {
    const known = this.#kept.get(event)
    if (known !== undefined) {
      this.#kept.delete(event)
      this.#kept.set(event, known)
      return known.value
    }
    const payload = await this.#store.read('readPayload', { tenant, event })
    if (payload === null) return undefined
    const value: unknown = JSON.parse(Buffer.from(payload).toString())
    this.#kept.set(event, { value, bytes: payload.length })
    this.#bytes += payload.length
    for (const oldest of this.#kept.keys()) {
      if (oldest === event || (this.#bytes <= MAX_BYTES && this.#kept.size <= MAX_COUNT)) break
      this.drop(oldest)
    }
    return value
  }

  drop(event: EventId): void {
    this.#bytes -= this.#kept.get(event)?.bytes ?? 0
    this.#kept.delete(event)
  }
}
