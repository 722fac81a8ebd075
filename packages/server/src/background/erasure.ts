import type { Logger } from '../base/logger.ts'
import type { EventId, TenantId } from '../base/model.ts'
import type { Store } from '../store/store.ts'
import type { BackgroundWork, Stepper } from './works.ts'

const ROWS_A_STEP = 200
/** Operational events looked at in one step, each up to some ten kilobytes. */
const EVENTS_A_STEP = 50
const PAGES_A_STEP = 64
/** Erasing has no schedule of its own: it runs whenever an erasure is open. */
const AT_ONCE_MS = 0

/**
 * Erases tenants (docs/retention.md): first their rows, some at a time; then, once no attempt can be in flight, what
 * late attempts have left, the rows that nodes look at, and what operational events for the operator quote of their
 * events; finally the traces in the store's files.
 *
 * It needs no saved progress: after an interruption it starts over, and finds less to erase.
 */
export class Erasure implements BackgroundWork {
  readonly name = 'erasing'
  readonly #store: Pick<Store, 'read' | 'write' | 'now' | 'scrub'>
  readonly #log: Pick<Logger, 'info'>

  constructor(store: Pick<Store, 'read' | 'write' | 'now' | 'scrub'>, log: Pick<Logger, 'info'>) {
    this.#store = store
    this.#log = log
  }

  isWanted = async (): Promise<boolean> => (await this.#store.read('findOpenErasures', {})).length > 0

  async run(steps: Stepper): Promise<{ state: string; afterMs: number }> {
    for (;;) {
      const jobs = await this.#store.read('findOpenErasures', {})
      if (jobs.length === 0) return { state: '', afterMs: AT_ONCE_MS }
      for (const { tenant } of jobs) await this.#eraseRows(tenant, false, steps)
      const over = jobs.filter(({ settledAtMs }) => settledAtMs <= this.#store.now())
      for (const { tenant } of over) {
        await this.#eraseRows(tenant, true, steps)
        await this.#forgetQuotes(tenant, steps)
      }
      if (over.length > 0) await this.#finish(over, steps)
      // Unfinished erasures are continued at the next look, by any node.
      if (over.length < jobs.length) return { state: '', afterMs: AT_ONCE_MS }
    }
  }

  async #eraseRows(tenant: TenantId, isLast: boolean, steps: Stepper): Promise<void> {
    const limit = ROWS_A_STEP
    while ((await steps.step(() => this.#store.write('eraseSome', { tenant, isLast, limit }))) > 0);
  }

  /** Operational events are the operator's, but what they quote is the tenant's. */
  async #forgetQuotes(tenant: TenantId, steps: Stepper): Promise<void> {
    for (let after: EventId | null = null; ; ) {
      const args: { tenant: TenantId; after: EventId | null; limit: number } = { tenant, after, limit: EVENTS_A_STEP }
      const page = await steps.step(() => this.#store.read('findQuoting', args))
      if (page.last === null) return
      after = page.last
      if (page.quoting.length > 0) await steps.step(() => this.#store.write('forgetQuotes', { events: page.quoting }))
    }
  }

  async #finish(over: readonly { readonly tenant: TenantId }[], steps: Stepper): Promise<void> {
    // Free pages still contain the erased data, so all of them have to leave the file.
    for (let free = Number.POSITIVE_INFINITY; ; ) {
      const left = await steps.step(() => this.#store.write('giveBackPages', { pages: PAGES_A_STEP }))
      if (left.free === 0 || left.free >= free) break
      free = left.free
    }
    while (!(await steps.step(() => this.#store.scrub())));
    for (const { tenant } of over) {
      await this.#store.write('finishErasure', { tenant, nowMs: this.#store.now() })
      this.#log.info({ tenant }, 'tenant erased')
    }
  }
}
