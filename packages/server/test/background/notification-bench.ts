/** Notifications from the fact to a real SMTP server, on either store, with a clock that tests put forward. */
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeEach, expect } from 'vitest'
import { createMailer, type MailerOptions, type SmtpServer } from '../../src/background/notifications/mailer.ts'
import { Notifications as Work } from '../../src/background/notifications/notifications.ts'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { MINUTE_MS } from '../../src/base/durations.ts'
import type { Endpoint } from '../../src/base/model.ts'
import type { NotificationKind } from '../../src/base/notification.ts'
import { Posting } from '../../src/engine/posting.ts'
import { CONTRACT_PORTS } from '../../src/guard/ports.ts'
import { createKeyring, type Keyring } from '../../src/secrets/keyring.ts'
import { Notifications } from '../../src/services/notifications/notifications.ts'
import type { Store } from '../../src/store/store.ts'
import { anEndpoint, aTenant } from '../store/builders.ts'
import type { Engine, Opened } from '../store/engines.ts'
import { type Mailbox, type Received, startMailbox } from './mailbox.ts'
import { atOnce, log } from './setup.ts'

export const URL_SECRET = 'a-secret-in-the-path'
export const TO = 'ada@acme.example'

export const tokenIn = (mail: Received, kind: 'pnc' | 'pnu'): string =>
  new RegExp(`${kind}_[A-Za-z0-9_-]{43}`).exec(mail.part('text/plain'))![0]

type BenchOptions = Omit<MailerOptions, 'clock'> & { readonly dev: boolean; readonly mail?: SmtpServer }

export class NotificationBench {
  opened!: Opened
  store!: Store
  mailbox!: Mailbox
  service!: Notifications
  /** Of the tenant acme. */
  endpoint!: Endpoint
  /** How far the store's time is ahead, in milliseconds. */
  aheadMs = 0
  #keyring!: Keyring
  #posting!: Posting
  #work!: Work

  async open(engine: Engine): Promise<void> {
    this.opened = await engine.open()
    this.aheadMs = 0
    this.store = this.later(this.opened.store)
    this.#keyring = createKeyring(randomBytes(32))
    this.mailbox = await startMailbox()
    this.endpoint = anEndpoint('acme', { url: `https://hooks.example.com/${URL_SECRET}?token=${URL_SECRET}` })
    await aTenant(this.store, 'acme', [this.endpoint])
    await aTenant(this.store, 'posthorn')
    this.use({ dev: true })
  }

  async close(): Promise<void> {
    this.#posting.close()
    await this.mailbox.close()
    await this.opened.close()
  }

  /** A store in the bench's time. */
  later(store: Store): Store {
    return new Proxy(store, {
      get: (target, name) => {
        if (name === 'now') return () => target.now() + this.aheadMs
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  use({ dev, mail = this.mailbox.server, ...options }: BenchOptions): void {
    const policy = { dev, targetPorts: CONTRACT_PORTS, allowTarget: [] }
    const settings = { connectTimeoutMs: 5_000, responseTimeoutMs: 5_000, maxInFlightPerHost: 4, extraCa: [] }
    this.#posting?.close()
    this.#posting = new Posting({ ...policy, ...settings, proxy: null, userAgent: 'Posthorn/test' }, systemClock)
    this.service = new Notifications(this.store, this.#keyring, { ...policy, hasMail: true })
    this.#work = this.node(this.store, mail, options)
  }

  /** What one node sends with. */
  node(
    store: Store,
    mail: SmtpServer = this.mailbox.server,
    { clock = systemClock, ...options }: Omit<MailerOptions, 'clock'> & { readonly clock?: Clock } = {},
  ): Work {
    const posting = this.#posting
    return new Work(store, this.#keyring, log, {
      clock,
      mailer: createMailer(mail, 'Acme webhooks <hooks@provider.example>', { ...options, clock }),
      post: (url, body, tenant) => posting.post(url, body, tenant),
      apiUrl: () => 'https://hooks.provider.example/',
      pagesUrl: of => `https://hooks.provider.example/${of === 'tenant' ? 'portal/' : ''}`,
    })
  }

  run = () => this.#work.run(atOnce)

  /** Lets time pass, with a look in each minute, as a node has. */
  async pass(ms: number, everyMs = MINUTE_MS): Promise<void> {
    for (const endMs = this.aheadMs + ms; this.aheadMs < endMs; ) {
      this.aheadMs += everyMs
      await this.run()
    }
  }

  async fault(change: 'disabled' | 'enabled', of = this.endpoint): Promise<void> {
    const reason = change === 'disabled' ? 'manual' : null
    const { tenant, id } = of
    await this.store.write('setEndpointState', { tenant, id, state: change, nowMs: this.store.now(), reason })
  }

  /** What a node does with what happened. */
  async publishNotices(): Promise<number> {
    const notices = await this.store.write('claimNotices', { nowMs: this.store.now() })
    await this.store.write('finishNotices', { keys: notices.map(({ key }) => key), nowMs: this.store.now() })
    return notices.length
  }

  async disable(of = this.endpoint): Promise<void> {
    await this.fault('enabled', of)
    await this.fault('disabled', of)
    expect(await this.publishNotices()).toBeGreaterThan(0)
  }

  /** Has a fact of any type found, as the transaction that makes it true does. */
  async note(type: string, data: object, of = this.endpoint): Promise<void> {
    const values = { tenant: of.tenant, endpoint: of.id, ...data }
    await this.opened.run(
      'insert into notice (key, type, tenant, gathers, due_ms, count, data) values ($1, $2, $3, 0, 0, 1, $4)',
      [`${type}:${of.id}:${this.store.now()}`, type, of.tenant, JSON.stringify(values)],
    )
    expect(await this.publishNotices()).toBe(1)
  }

  exhaust(count: number, of = this.endpoint): Promise<void> {
    return this.note('posthorn.delivery.exhausted', { count, deliveries: [{ key: 'a-key', type: 'T' }] }, of)
  }

  async confirmed(tenant = 'acme', address = TO, kind: NotificationKind = 'email') {
    const made = await this.service.create(tenant, { kind, address })
    await this.run()
    const token = tokenIn(this.mailbox.mails.at(-1)!, 'pnc')
    expect((await this.service.follow(token, null))?.confirmedAtMs).not.toBeNull()
    this.mailbox.mails.length = 0
    return made
  }
}

export function useNotifications(engine: Engine): NotificationBench {
  const bench = new NotificationBench()
  beforeEach(() => bench.open(engine))
  afterEach(() => bench.close())
  afterAll(() => engine.stop())
  return bench
}
