import type { Clock, Timer } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { OPERATOR_TENANT } from '../../base/tenant.ts'
import { type Keyring, SecretUnreadable } from '../../secrets/keyring.ts'
import { readNotificationSecrets } from '../../secrets/notification-secrets.ts'
import type { Sending, TakenMessage } from '../../store/operations/notifications/messages.ts'
import type { Store } from '../../store/store.ts'
import type { BackgroundWork, Stepper } from '../works.ts'
import { chatOf, mailOf } from './forms.ts'
import type { Mailer } from './mailer.ts'
import { wordsOf } from './words.ts'

/** Messages sent at the same time. */
const MESSAGES_A_STEP = 10
const LIMITS_A_STEP = 500
/** Notifications are looked for whenever one is due, and have no schedule of their own. */
const AT_ONCE_MS = 0
/** How long messages that are being sent have left once the node stops: others wait for it, and it for no one's server. */
const LAST_MS = 5_000

export type NotificationsOptions = {
  /** Null: no mail server is set. */
  readonly mailer: Mailer | null
  /** Posts JSON to a chat's incoming webhook, through the guard. */
  readonly post: (url: string, body: object, tenant: string) => Promise<Sending>
  /** The URL that others reach the API by, with a slash at its end. Known once the server listens. */
  readonly apiUrl: () => string
  /** The pages that messages lead to: the operator's, or those of tenants. Null if there are none. */
  readonly pagesUrl: (of: 'operator' | 'tenant') => string | null
  readonly clock: Pick<Clock, 'after'>
}

/** Sends what notifications have to say: one node at a time, some messages at a time. */
export class Notifications implements BackgroundWork {
  readonly name = 'notifications'
  readonly #store: Pick<Store, 'read' | 'write' | 'now'>
  readonly #keyring: Pick<Keyring, 'open'>
  readonly #log: Pick<Logger, 'warn'>
  readonly #options: NotificationsOptions
  readonly #stopping = new AbortController()
  #last: Timer | undefined

  constructor(
    store: Pick<Store, 'read' | 'write' | 'now'>,
    keyring: Pick<Keyring, 'open'>,
    log: Pick<Logger, 'warn'>,
    options: NotificationsOptions,
  ) {
    this.#store = store
    this.#keyring = keyring
    this.#log = log
    this.#options = options
  }

  isWanted = (): Promise<boolean> => this.#store.read('peekMessages', { nowMs: this.#store.now() })

  async run(steps: Stepper): Promise<{ state: string; afterMs: number }> {
    for (;;) {
      const looked = await steps.step(() => this.#step())
      if (looked < MESSAGES_A_STEP) break
    }
    await steps.step(() => this.#store.write('dropOldLimits', { nowMs: this.#store.now(), limit: LIMITS_A_STEP }))
    return { state: '', afterMs: AT_ONCE_MS }
  }

  /** Leaves what is being sent a few seconds. What isn't sent by then is tried again as if the node had died. */
  stop(): void {
    this.#last ??= this.#options.clock.after(LAST_MS, () => this.#stopping.abort())
  }

  close(): void {
    this.#last?.cancel()
    this.#stopping.abort()
  }

  async #step(): Promise<number> {
    const args = { nowMs: this.#store.now(), limit: MESSAGES_A_STEP }
    const { looked, messages } = await this.#store.write('takeMessages', args)
    await Promise.all(messages.map(message => this.#send(message)))
    return looked
  }

  async #send(message: TakenMessage): Promise<void> {
    const { notification, attempt } = message
    const sending = await unless(this.#stopping.signal, () => this.#try(message))
    if (sending === null) return
    const isTest = message.content.kind === 'test'
    const finished = { notification, attempt, sending, isTest, nowMs: this.#store.now() }
    const isGivenUp = await this.#store.write('finishMessage', finished)
    if (sending.isSent) return
    const what = { notification, tenant: message.tenant, kind: message.kind, attempt, reason: sending.reason }
    this.#log.warn(what, isGivenUp ? 'notification dropped' : 'notification failed; retrying')
  }

  async #try(message: TakenMessage): Promise<Sending> {
    const { notification, kind, tenant, madeAtMs } = message
    const { mailer, post, apiUrl, pagesUrl } = this.#options
    try {
      const secrets = readNotificationSecrets(this.#keyring.open(notification, message.sealed))
      const base = `${apiUrl()}notification-links/`
      const pages = pagesUrl(tenant === OPERATOR_TENANT ? 'operator' : 'tenant')
      const links = { confirm: `${base}${secrets.confirm}`, unsubscribe: `${base}${secrets.unsubscribe}`, pages }
      const words = wordsOf(message, links, this.#store.now())
      if (kind !== 'email') return await post(secrets.address, chatOf(kind, words), tenant)
      if (mailer === null) return { isSent: false, reason: 'no mail server', isFinal: false }
      const messageId = `<${notification}.${madeAtMs}@${new URL(apiUrl()).hostname.replace(/[[\]]/g, '')}>`
      const mail = { ...mailOf(words), to: secrets.address, messageId, unsubscribeUrl: links.unsubscribe }
      return await mailer.send(mail, this.#stopping.signal)
    } catch (error) {
      if (error instanceof SecretUnreadable) return { isSent: false, reason: 'address unreadable', isFinal: true }
      this.#log.warn({ err: error, notification }, 'notification failed')
      return { isSent: false, reason: 'internal', isFinal: false }
    }
  }
}

/** What work that never fails returns, or null as soon as a signal says that no one waits for it. */
function unless<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result | null> {
  if (signal.aborted) return Promise.resolve(null)
  return new Promise(resolve => {
    const giveUp = () => resolve(null)
    signal.addEventListener('abort', giveUp, { once: true })
    void work().then(result => {
      signal.removeEventListener('abort', giveUp)
      resolve(result)
    })
  })
}
