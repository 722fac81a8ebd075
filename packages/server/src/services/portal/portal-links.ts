/** The portal of a tenant: links to it, the sessions that they start, and what those can do (decision 52). */

import { type Actor, type ApiKey, SYSTEM } from '../../base/callers.ts'
import { DAY_MS, MINUTE_MS } from '../../base/durations.ts'
import type { FieldError } from '../../base/errors.ts'
import { newId } from '../../base/ids.ts'
import type { PortalLinkId, TenantId } from '../../base/model.ts'
import type { Portal, PortalLink, PortalPermission } from '../../base/portal.ts'
import { OPERATOR_TENANT } from '../../base/tenant.ts'
import { hashOfKey, makePortalLinkToken } from '../../secrets/api-key.ts'
import type { Store } from '../../store/store.ts'
import type { Place } from '../../store/where.ts'
import { checkId, checkPlace, invalid, notFound, requireTenant } from '../checks/refusals.ts'
import { checkStorable } from '../checks/values.ts'
import type { Browser, Sessions, StartedSession } from '../sessions/sessions.ts'
import { withLook } from './permissions.ts'
import { checkReturnUrl } from './return-url.ts'

const DEFAULT_MINUTES = 10
/** A link travels in a page or a mail, and is kept by whatever it passes. */
const MAX_MINUTES = 7 * 24 * 60
const DEFAULT_SESSION_MINUTES = 8 * 60
const MAX_USES = 100
const MAX_USER_CHARACTERS = 256

export type PortalSettings = {
  /** What links give that don't say it, of tenants that don't either. */
  readonly portalMay: readonly PortalPermission[]
  /** The longest that a session lasts, in days. */
  readonly sessionDays: number
  /** Whether links can lead back to plain HTTP on this machine. */
  readonly dev: boolean
}

export type PortalLinkInput = Partial<Portal> & {
  /** How often the link works. Default: once. */
  readonly uses?: number
  /** How long the link works. Default: ten. */
  readonly minutes?: number
  /** How long each of its sessions lasts. Default: eight hours. */
  readonly sessionMinutes?: number
}

export type CreatedPortalLink = { readonly link: PortalLink; readonly token: string }

export class PortalLinks {
  readonly #store: Store
  readonly #sessions: Sessions
  readonly #settings: PortalSettings

  constructor(store: Store, sessions: Sessions, settings: PortalSettings) {
    this.#store = store
    this.#sessions = sessions
    this.#settings = settings
  }

  /**
   * The result is the only place that ever contains the link's token.
   *
   * @param key whose call makes the link, which ends with it and never gives more than it. Null: the root key
   */
  async create(
    tenant: TenantId,
    input: PortalLinkInput,
    key: ApiKey | null,
    by: Actor = SYSTEM,
  ): Promise<CreatedPortalLink> {
    const { portalMay } = await requireTenant(this.#store, tenant)
    if (tenant === OPERATOR_TENANT) throw notFound('tenant')
    this.#check(input)
    const { uses = 1, minutes = DEFAULT_MINUTES, sessionMinutes } = input
    const createdAtMs = this.#store.now()
    const longest = this.#settings.sessionDays * DAY_MS
    const may = withLook(input.may ?? portalMay ?? this.#settings.portalMay)
    const endsWithKeyMs = key?.expiresAtMs ?? Number.POSITIVE_INFINITY
    const link: PortalLink = {
      id: newId('pln', createdAtMs),
      tenant,
      key: key?.id ?? null,
      portal: {
        user: input.user ?? null,
        may: key === null || key.payloads ? may : may.filter(each => each !== 'payloads'),
        theme: input.theme ?? null,
        language: input.language ?? null,
        returnUrl: input.returnUrl ?? null,
      },
      usesLeft: uses,
      sessionMs: Math.min((sessionMinutes ?? DEFAULT_SESSION_MINUTES) * MINUTE_MS, longest),
      createdAtMs,
      expiresAtMs: Math.min(createdAtMs + minutes * MINUTE_MS, endsWithKeyMs),
    }
    const token = makePortalLinkToken()
    const holder = this.#sessions.holderOf(key)
    const isStored = await this.#store.write('createPortalLink', { ...link, hash: hashOfKey(token), holder, by })
    if (!isStored) throw notFound('tenant')
    return { link, token }
  }

  /** Starts a session. Undefined if the token is unknown, used up or has expired, or its key is no longer valid. */
  redeem(token: string, browser: Browser): Promise<StartedSession | undefined> {
    return this.#sessions.startByLink(hashOfKey(token), browser)
  }

  /** Links of a tenant that can still be used. */
  async list(tenant: TenantId, page: Place<PortalLinkId> & { limit: number }): Promise<PortalLink[]> {
    checkPlace('pln', page)
    await requireTenant(this.#store, tenant)
    return this.#store.read('listPortalLinks', { ...page, tenant, nowMs: this.#store.now() })
  }

  /** Ends a link and the sessions that it has started: on this node at once, and on all others within a second. */
  async revoke(tenant: TenantId, id: PortalLinkId, by: Actor = SYSTEM): Promise<void> {
    checkId('pln', id, 'portal link')
    const isThere = await this.#store.write('revokePortalLink', { id, tenant, by, nowMs: this.#store.now() })
    if (!isThere) throw notFound('portal link')
    await this.#sessions.announce()
  }

  #check(input: PortalLinkInput): void {
    const { user, returnUrl } = input
    const faults: FieldError[] = []
    if (typeof user === 'string') {
      if (user.length === 0 || user.length > MAX_USER_CHARACTERS) {
        const detail = `The user must be a string of 1 to ${MAX_USER_CHARACTERS} characters.`
        faults.push({ field: '/user', detail })
      } else checkStorable(user, '/user', faults)
    }
    if (typeof returnUrl === 'string') checkReturnUrl(returnUrl, this.#settings.dev, faults)
    checkWhole(input.uses, '/uses', MAX_USES, faults)
    checkWhole(input.minutes, '/minutes', MAX_MINUTES, faults)
    checkWhole(input.sessionMinutes, '/sessionMinutes', this.#settings.sessionDays * 24 * 60, faults)
    if (faults.length > 0) throw invalid(faults)
  }
}

function checkWhole(value: number | undefined, field: string, max: number, faults: FieldError[]): void {
  if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= max)) return
  faults.push({ field, detail: `The value must be a whole number from 1 to ${max}.` })
}
