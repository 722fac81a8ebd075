import { Buffer } from 'node:buffer'
import type { Clock } from '../base/clock.ts'
import { PosthornError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { Loop } from '../base/loop.ts'
import { OPERATOR_TENANT } from '../base/model.ts'
import type { Publisher } from '../publish/publisher.ts'
import type { ReadyNotice } from '../store/operations/notices.ts'
import type { Store } from '../store/store.ts'

const LOOK_MS = 500
/** Secrets are looked through no more often for what expires. */
const EXPIRY_LOOK_MS = 60_000

/**
 * Makes events of notices (store/operations/notices.ts): for the operator's own endpoints, and for those of the tenant
 * that it is about. Any node does; what one that died had taken, another publishes again, with the same keys.
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
      onFailure: error => log.warn({ err: error }, 'operational events could not be published; it is tried again'),
    })
  }

  start(): void {
    this.#loop.start()
  }

  /** After the look that is under way. */
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
      await this.#store.write('finishNotices', { keys })
      // What somebody's open transaction holds up holds up no other: it is tried again with the next look.
      if (keys.length < notices.length) return
    }
  }

  /** False: not yet. */
  async #publish({ key, type, tenant, payload }: ReadyNotice): Promise<boolean> {
    for (const to of new Set([OPERATOR_TENANT, tenant ?? OPERATOR_TENANT])) {
      const event = { type, key: `posthorn:${key}`, payload: Buffer.from(payload) }
      try {
        await this.#publisher.publishOperational(to, event)
      } catch (error) {
        // The tenant is gone, or somebody published another event with this key: it will not go better later.
        const isFinal = error instanceof PosthornError && !TO_RETRY.has(error.code)
        if (error instanceof PosthornError && error.code === 'busy') return false
        if (!isFinal) throw error
        this.#log.warn({ err: error, tenant: to, type, key }, 'an operational event was not published')
      }
    }
    return true
  }
}

const TO_RETRY: ReadonlySet<PosthornError['code']> = new Set(['overloaded', 'store_unavailable', 'busy'])
