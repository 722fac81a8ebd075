import type { TenantId } from '../base/model.ts'
import { SharedBudget } from '../base/shared-budget.ts'

/** Payload bytes of all requests in flight: a thousand slow receivers of large events would need a gigabyte. */
const MAX_BYTES = 64 * 1_048_576
/** What is reserved for a payload until it has been read: the largest that can be published by default. */
const UNREAD_BYTES = 1_048_576

/** The memory for the payloads of requests in flight, which all tenants share. */
export class Bodies {
  readonly #bytes = new SharedBudget(MAX_BYTES)

  /** Whether the tenant can have another payload of any size in flight. */
  hasRoom(tenant: TenantId): boolean {
    return this.#bytes.isLeft(tenant, UNREAD_BYTES)
  }

  /** @param payload null if it has to be read */
  begin(tenant: TenantId, payload: Uint8Array | null): Body {
    return new Body(this.#bytes, tenant, payload === null ? UNREAD_BYTES : payload.length)
  }
}

/** The memory of one request. */
export class Body {
  readonly #bytes: SharedBudget
  readonly #tenant: TenantId
  #reserved: number

  constructor(bytes: SharedBudget, tenant: TenantId, reserved: number) {
    this.#bytes = bytes
    this.#tenant = tenant
    this.#reserved = reserved
    bytes.reserve(tenant, reserved)
  }

  /** The payload has been read, and has this size. */
  resize(bytes: number): void {
    this.#bytes.release(this.#tenant, this.#reserved)
    this.#reserved = bytes
    this.#bytes.reserve(this.#tenant, bytes)
  }

  /** The request has ended, or is not sent. */
  end(): void {
    this.resize(0)
  }
}
