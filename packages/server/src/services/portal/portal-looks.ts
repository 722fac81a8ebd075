/** How the portals look, and what of it anyone can see (decision 53). */

import { type Actor, SYSTEM } from '../../base/callers.ts'
import { type FieldError, PosthornError } from '../../base/errors.ts'
import type { EventType } from '../../base/model.ts'
import type { PortalLogo, StoredLooks } from '../../base/portal.ts'
import type { Store } from '../../store/store.ts'
import { invalid, notFound } from '../checks/refusals.ts'
import { readLogo } from './logo/logo.ts'
import { LogoRefused } from './logo/refused.ts'
import { type PortalLooksInput, readLooks } from './looks-input.ts'
import { PublicTypes } from './public-types.ts'

/** Calls without a session are answered from memory: only one of them a second reads the store. */
const FRESH_MS = 1_000

type Known = { readonly stored: StoredLooks; readonly logo: PortalLogo | null; readonly readAtMs: number }

export class PortalLooksService {
  readonly #store: Store
  readonly #dev: boolean
  readonly #types: () => Promise<readonly EventType[]>
  readonly #publicTypes = new PublicTypes()
  #known: Known | undefined
  #reading: Promise<Known> | undefined

  /** @param types the catalogue, from memory */
  constructor(store: Store, { dev }: { readonly dev: boolean }, types: () => Promise<readonly EventType[]>) {
    this.#store = store
    this.#dev = dev
    this.#types = types
  }

  get(): Promise<StoredLooks> {
    return this.#store.read('readPortalLooks', {})
  }

  /** Replaces all but the logo. */
  async put(input: PortalLooksInput, by: Actor = SYSTEM): Promise<StoredLooks> {
    const looks = readLooks(input, this.#dev)
    const stored = await this.#store.write('putPortalLooks', { looks, by, nowMs: this.#store.now() })
    this.#forget()
    return stored
  }

  /** Throws `invalid` for a file that can't be a logo. */
  async putLogo(bytes: Uint8Array, by: Actor = SYSTEM): Promise<StoredLooks> {
    const logo = readUpload(bytes)
    await this.#store.write('setPortalLogo', { logo, by, nowMs: this.#store.now() })
    this.#forget()
    return this.get()
  }

  async removeLogo(by: Actor = SYSTEM): Promise<void> {
    const isGone = await this.#store.write('setPortalLogo', { logo: null, by, nowMs: this.#store.now() })
    this.#forget()
    if (!isGone) throw notFound('logo')
  }

  /** The same as `get`, at most a second old. */
  async shown(): Promise<StoredLooks> {
    return (await this.#current()).stored
  }

  /** At most a second old. Null if there is none. */
  async logo(): Promise<PortalLogo | null> {
    return (await this.#current()).logo
  }

  /** The names of the public event types, as JSON. Throws `not_found` while they are not public. */
  async listTypes(): Promise<Buffer> {
    await this.#requirePublic()
    return this.#publicTypes.list(await this.#types())
  }

  /** A public event type as JSON. Throws `not_found`. */
  async getType(name: string): Promise<Buffer> {
    await this.#requirePublic()
    const found = this.#publicTypes.get(await this.#types(), name)
    if (found === undefined) throw notFound('event type')
    return found
  }

  async #requirePublic(): Promise<void> {
    const { looks } = await this.shown()
    if (!looks.publicTypes) throw new PosthornError('not_found', 'The event types are not public here.')
  }

  async #current(): Promise<Known> {
    const known = this.#known
    // A clock that was set back makes nothing fresh for long.
    if (known !== undefined && Math.abs(this.#store.now() - known.readAtMs) < FRESH_MS) return known
    this.#reading ??= this.#read(known?.logo ?? null)
    const reading = this.#reading
    try {
      const read = await reading
      // Unless this node has changed something since the read began.
      if (this.#reading === reading) this.#known = read
      return read
    } catch (error) {
      // While the store is unavailable, the portal looks as it did.
      if (known === undefined) throw error
      return known
    } finally {
      if (this.#reading === reading) this.#reading = undefined
    }
  }

  async #read(before: PortalLogo | null): Promise<Known> {
    const readAtMs = this.#store.now()
    const stored = await this.#store.read('readPortalLooks', {})
    const isSame = stored.logo?.hash === before?.hash
    const logo = stored.logo === null ? null : isSame ? before : await this.#store.read('readPortalLogo', {})
    return { stored, logo, readAtMs }
  }

  #forget(): void {
    this.#known = undefined
    this.#reading = undefined
  }
}

function readUpload(bytes: Uint8Array): PortalLogo {
  try {
    return readLogo(bytes)
  } catch (error) {
    if (!(error instanceof LogoRefused)) throw error
    const fault: FieldError = { field: '', detail: error.message }
    throw invalid([fault])
  }
}
