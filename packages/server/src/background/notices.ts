import { Buffer } from 'node:buffer'
import type { Clock } from '../base/clock.ts'
import { PosthornError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { Loop } from '../base/loop.ts'
import { OPERATOR_TENANT } from '../base/tenant.ts'
import type { Publisher } from '../publish/publisher.ts'
import type { ReadyNotice } from '../store/operations/notices.ts'
import type { Store } from '../store/store.ts'
import { payloadWith, whatToRead } from './failure-notices.ts'

const LOOK_MS = 500
/** Minimum time between two searches for expiring secrets. */
const EXPIRY_LOOK_MS = 60_000

/**
 * Publishes notices (store/operations/notices.ts) as operational events, for the operator's own endpoints and for those
 * of the tenant concerned. Any node does it. If a node dies, another publishes what it had claimed, with the same keys.
 */
export class Notices {
  readonly #store: Store
  readonly #publisher: Pick<Publisher, 'publishOperational'>
  readonly #clock: Clock
  readonly #log: Logger
  readonly #loop: Loop
  #expiryLookedAtMs = Number.NEGATIVE_INFINITY

  constructor(store: Store, publisher: Pick<Publisher, 'publishOperational'>, clock: Clock, log: Logger) {
    this.#store = store
    this.#publisher = publisher
    this.#clock = clock
    this.#log = log
    this.#loop = new Loop({
      clock,
      everyMs: LOOK_MS,
      run: () => this.#look(),
      onFailure: error => log.warn({ err: error }, 'publishing operational events failed; retrying'),
    })
  }

  start(): void {
    this.#loop.start()
  }

  /** Resolves after the current look. */
  stop(): Promise<void> {
    return this.#loop.stop()
  }

  async #look(): Promise<void> {
    await this.#warnExpiring()
    if (await this.#store.read('peekNotices', { nowMs: this.#store.now() })) await this.#publishAll()
  }

  async #warnExpiring(): Promise<void> {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#expiryLookedAtMs < EXPIRY_LOOK_MS) return
    while (!this.#loop.isStopped && (await this.#store.write('warnExpiring', { nowMs: this.#store.now() })) > 0);
    this.#expiryLookedAtMs = nowMs
  }

  async #publishAll(): Promise<void> {
    while (!this.#loop.isStopped) {
      const notices = await this.#store.write('claimNotices', { nowMs: this.#store.now() })
      if (notices.length === 0) return
      const keys: string[] = []
      for (const notice of notices) if (await this.#publish(notice)) keys.push(notice.key)
      await this.#store.write('finishNotices', { keys, nowMs: this.#store.now() })
      // A notice that an open transaction blocks must not hold up others: it is retried at the next look.
      if (keys.length < notices.length) return
    }
  }

  /** Returns false if the notice has to be retried later. */
  async #publish(notice: ReadyNotice): Promise<boolean> {
    const { key, type, tenant } = notice
    const query = whatToRead(notice)
    const payload = payloadWith(notice, query === null ? null : await this.#store.read('readFailure', query))
    for (const to of new Set([OPERATOR_TENANT, tenant ?? OPERATOR_TENANT])) {
      const event = { type, key: `posthorn:${key}`, payload: Buffer.from(payload) }
      try {
        await this.#publisher.publishOperational(to, event)
      } catch (error) {
        // The tenant was deleted, or another event was published with this key: a retry would not help.
        const isFinal = error instanceof PosthornError && !TO_RETRY.has(error.code)
        if (error instanceof PosthornError && error.code === 'busy') return false
        if (!isFinal) throw error
        this.#log.warn({ err: error, tenant: to, type, key }, 'operational event dropped')
      }
    }
    return true
  }
}

const TO_RETRY: ReadonlySet<PosthornError['code']> = new Set(['overloaded', 'store_unavailable', 'busy'])
