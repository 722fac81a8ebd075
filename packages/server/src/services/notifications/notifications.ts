/** Who is told by mail or chat of what happens to a tenant's endpoints (decision 55). */
import { createHash } from 'node:crypto'
import { type Actor, SYSTEM } from '../../base/callers.ts'
import { DAY_MS } from '../../base/durations.ts'
import { type FieldError, PosthornError } from '../../base/errors.ts'
import { newId } from '../../base/ids.ts'
import type { NotificationId, TenantId } from '../../base/model.ts'
import {
  NOTIFICATION_TYPES,
  type Notification,
  type NotificationKind,
  type NotificationLanguage,
  type NotificationType,
  OPERATOR_NOTIFICATION_TYPES,
} from '../../base/notification.ts'
import { OPERATOR_TENANT } from '../../base/tenant.ts'
import type { TargetPolicy } from '../../guard/target.ts'
import { hashOfKey, makeConfirmToken, makeUnsubscribeToken } from '../../secrets/api-key.ts'
import type { Keyring } from '../../secrets/keyring.ts'
import { writeNotificationSecrets } from '../../secrets/notification-secrets.ts'
import type { Link } from '../../store/operations/notifications/notifications.ts'
import type { Store } from '../../store/store.ts'
import type { Place } from '../../store/where.ts'
import { checkId, checkPlace, invalid, notFound, requireTenant } from '../checks/refusals.ts'
import { checkAddress } from './address.ts'

/** How many a tenant can have. */
const MAX_PER_TENANT = 50
const LIMITS = { perAddress: 3, perAddressInMonth: 20, perTenant: 20 }
const NEVER = { sentAtMs: null, failure: null }
/** How long an address can be confirmed. */
const CONFIRM_MS = 3 * DAY_MS

export type NotificationSettings = TargetPolicy & {
  /** Whether a mail server is set. */
  readonly hasMail: boolean
}

export type NotificationInput = {
  readonly kind: NotificationKind
  readonly address: string
  /** Default: all that the tenant can be told of. */
  readonly types?: readonly string[]
  /** Default: English. */
  readonly language?: NotificationLanguage
}

export type NotificationChange = Pick<NotificationInput, 'types' | 'language'>

export class Notifications {
  readonly #store: Store
  readonly #keyring: Pick<Keyring, 'seal'>
  readonly #settings: NotificationSettings
  readonly #onWork: () => void

  /** @param onWork called when there might be something to send */
  constructor(
    store: Store,
    keyring: Pick<Keyring, 'seal'>,
    settings: NotificationSettings,
    onWork: () => void = () => {},
  ) {
    this.#store = store
    this.#keyring = keyring
    this.#settings = settings
    this.#onWork = onWork
  }

  /** Nothing but the request to confirm it is sent to the address until it is confirmed. */
  async create(tenant: TenantId, input: NotificationInput, by: Actor = SYSTEM): Promise<Notification> {
    await requireTenant(this.#store, tenant)
    const { kind, language = 'en' } = input
    const faults: FieldError[] = []
    if (kind === 'email' && !this.#settings.hasMail) {
      const detail = 'This installation sends no mail: its operator has to set smtpUrl and mailFrom first.'
      faults.push({ field: '/kind', detail })
    }
    const types = checkTypes(tenant, input.types, faults)
    const checked = checkAddress(kind, input.address, this.#settings, faults)
    if (faults.length > 0 || checked === undefined) throw invalid(faults)
    const createdAtMs = this.#store.now()
    const id = newId('ntf', createdAtMs)
    const [confirm, unsubscribe] = [makeConfirmToken(), makeUnsubscribeToken()]
    const confirmUntilMs = createdAtMs + CONFIRM_MS
    const secrets = { address: checked.address, confirm, unsubscribe }
    const { shown } = checked
    const created = await this.#store.write('createNotification', {
      ...{ id, tenant, kind, shown, types, language, confirmUntilMs, createdAtMs },
      addressHash: new Uint8Array(createHash('sha256').update(checked.identity).digest()),
      sealed: this.#keyring.seal(id, writeNotificationSecrets(secrets)),
      confirmHash: hashOfKey(confirm),
      unsubscribeHash: hashOfKey(unsubscribe),
      most: MAX_PER_TENANT,
      limits: LIMITS,
      by,
    })
    switch (created.kind) {
      case 'no_tenant':
        throw notFound('tenant')
      case 'exists':
        throw new PosthornError('conflict', `The tenant has a notification to this address already: ${created.id}.`)
      case 'too_many':
        throw new PosthornError(
          'conflict',
          `The tenant has ${MAX_PER_TENANT} notifications, the most it can have. Delete one first.`,
        )
      case 'limited':
        throw this.#limited(created.untilMs)
      case 'created':
        this.#onWork()
        return { id, tenant, kind, shown, types, language, confirmedAtMs: null, confirmUntilMs, ...NEVER, createdAtMs }
    }
  }

  async list(tenant: TenantId, page: Place<NotificationId> & { limit: number }): Promise<Notification[]> {
    checkPlace('ntf', page)
    await requireTenant(this.#store, tenant)
    return this.#store.read('listNotifications', { ...page, tenant })
  }

  async get(tenant: TenantId, id: NotificationId): Promise<Notification> {
    checkId('ntf', id, 'notification')
    await requireTenant(this.#store, tenant)
    const found = await this.#store.read('getNotification', { id, tenant })
    if (found === null) throw notFound('notification')
    return found
  }

  async update(
    tenant: TenantId,
    id: NotificationId,
    input: NotificationChange,
    by: Actor = SYSTEM,
  ): Promise<Notification> {
    const before = await this.get(tenant, id)
    const faults: FieldError[] = []
    const types = input.types === undefined ? before.types : checkTypes(tenant, input.types, faults)
    if (faults.length > 0) throw invalid(faults)
    const after = { types, language: input.language ?? before.language }
    const args = { id, tenant, ...after, by, nowMs: this.#store.now() }
    if (!(await this.#store.write('updateNotification', args))) throw notFound('notification')
    return { ...before, ...after }
  }

  async delete(tenant: TenantId, id: NotificationId, by: Actor = SYSTEM): Promise<void> {
    checkId('ntf', id, 'notification')
    if (!(await this.#store.write('deleteNotification', { id, tenant, by, nowMs: this.#store.now() }))) {
      throw notFound('notification')
    }
  }

  /** Has the request to confirm the address sent again. */
  async requestConfirmation(tenant: TenantId, id: NotificationId): Promise<Notification> {
    checkId('ntf', id, 'notification')
    const nowMs = this.#store.now()
    const args = { id, tenant, nowMs, untilMs: nowMs + CONFIRM_MS, limits: LIMITS }
    const asked = await this.#store.write('requestConfirmation', args)
    if (asked === null) throw notFound('notification')
    if (asked.kind === 'limited') throw this.#limited(asked.untilMs)
    if (asked.kind === 'confirmed') throw new PosthornError('conflict', 'The address has been confirmed already.')
    this.#onWork()
    return this.get(tenant, id)
  }

  /** Has a test sent to an address that is confirmed. `sentAtMs` or `failure` then say how that ended. */
  async requestTest(tenant: TenantId, id: NotificationId): Promise<Notification> {
    checkId('ntf', id, 'notification')
    const asked = await this.#store.write('requestTest', { id, tenant, nowMs: this.#store.now() })
    if (asked === null) throw notFound('notification')
    switch (asked.kind) {
      case 'limited':
        throw this.#limited(asked.untilMs)
      case 'unconfirmed':
        throw new PosthornError(
          'conflict',
          'The address has not been confirmed yet. Nothing is sent to it before that.',
        )
      case 'busy': {
        const detail = 'Another message to this address is being sent. lastFailure says why if it takes long.'
        throw new PosthornError('conflict', detail)
      }
      case 'sent':
        this.#onWork()
        return this.get(tenant, id)
    }
  }

  /** The notification that a link in a message is of. Null if the link doesn't work, or no longer. */
  find(token: string): Promise<Notification | null> {
    const link = this.#linkOf(token)
    return link === null ? Promise.resolve(null) : this.#store.read('findNotification', link)
  }

  /** Follows a link: confirms the address, or removes the notification. Anyone can try tokens, which writes nothing. */
  async follow(token: string, address: string | null): Promise<Notification | null> {
    const link = this.#linkOf(token)
    if (link === null || (await this.#store.read('findNotification', link)) === null) return null
    return this.#store.write('followLink', { ...link, by: { ...SYSTEM, address } })
  }

  #linkOf(token: string): Link | null {
    const link = linkOf(token)
    return link === null ? null : { link, hash: hashOfKey(token), nowMs: this.#store.now() }
  }

  #limited(untilMs: number): PosthornError {
    const retryAfterSeconds = Math.max(1, Math.ceil((untilMs - this.#store.now()) / 1_000))
    return new PosthornError(
      'rate_limited',
      'No more of these messages can be requested at the moment, for this address or by this tenant. Try again after ' +
        'the number of seconds in Retry-After.',
      { retryAfterSeconds },
    )
  }
}

/** Which link of a message a token is of, by its form. Null: of none. */
export function linkOf(token: string): Link['link'] | null {
  const [, kind] = /^pn([cu])_[A-Za-z0-9_-]{43}$/.exec(token) ?? []
  return kind === undefined ? null : kind === 'c' ? 'confirm' : 'unsubscribe'
}

function checkTypes(tenant: TenantId, types: readonly string[] | undefined, faults: FieldError[]): NotificationType[] {
  const known: readonly NotificationType[] =
    tenant === OPERATOR_TENANT ? OPERATOR_NOTIFICATION_TYPES : NOTIFICATION_TYPES
  if (types === undefined) return [...known]
  if (types.length === 0)
    faults.push({ field: '/types', detail: 'Give at least one type, or delete the notification.' })
  types.forEach((type, at) => {
    if (known.some(each => each === type)) return
    faults.push({ field: `/types/${at}`, detail: `The value must be one of ${known.join(', ')}.` })
  })
  return known.filter(each => types.includes(each))
}
