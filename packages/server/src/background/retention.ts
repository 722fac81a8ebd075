import { DAY_MS, HOUR_MS } from '../base/durations.ts'
import type { Logger } from '../base/logger.ts'
import type { DeliveryId, EventId, TenantId } from '../base/model.ts'
import type { Retention as Ages } from '../base/tenant.ts'
import type { DuePage } from '../store/operations/retention.ts'
import type { Store } from '../store/store.ts'
import type { BackgroundWork, Stepper } from './works.ts'

const EVERY_MS = HOUR_MS

/** Events read at a time, and removed in one commit: about two hundred rows. */
const EVENTS_A_STEP = 64
const DELIVERIES_A_STEP = 128
const ROWS_A_STEP = 200
/** Free pages that one commit gives back, and how many can stay free, since new rows reuse them. */
const PAGES_A_STEP = 64
const SPARE_PAGES = 256
const SPARE_PART = 0.05

export type RetentionSettings = {
  /** In days. 0 keeps events forever. */
  readonly retentionDays: number
  /** In days. 0 means as long as the event. */
  readonly payloadRetentionDays: number
  readonly answerRetentionDays: number
  readonly auditRetentionDays: number
}

export type RetentionReport = {
  /** Removed rows: events, deliveries and attempts. */
  rows: number
  payloads: number
  /** Deliveries whose stored responses were removed. */
  answers: number
  /** Idempotency keys, audit log entries, API keys, sessions, erasures, endpoints with what they sent before, and tenants. */
  others: number
}

type RetentionStore = Pick<Store, 'read' | 'write' | 'now' | 'engine' | 'spanDays'>

/** A tenant's own retention periods, or those of the settings where it has none. Infinity means forever. */
export function agesOf(retention: Ages | null, settings: RetentionSettings): Record<keyof Ages, number> {
  const age = (own: number | null | undefined, byDefault: number) => own ?? (byDefault || Number.POSITIVE_INFINITY)
  return {
    days: age(retention?.days, settings.retentionDays),
    payloadDays: age(retention?.payloadDays, settings.payloadRetentionDays),
    answerDays: age(retention?.answerDays, settings.answerRetentionDays),
  }
}

/**
 * Removes what is done with after its retention period, alongside full load; payloads and responses earlier if they
 * have a shorter one. On PostgreSQL whole days are dropped with their tables (background/history.ts), and the steps
 * here remove the rest: rows of tenants with a shorter period, and of days that pending or held deliveries keep.
 */
export class Retention implements BackgroundWork {
  readonly name = 'retention'
  readonly #store: RetentionStore
  readonly #log: Pick<Logger, 'info'>
  readonly #settings: RetentionSettings

  constructor(store: RetentionStore, log: Pick<Logger, 'info'>, settings: RetentionSettings) {
    this.#store = store
    this.#log = log
    this.#settings = settings
  }

  async run(steps: Stepper): Promise<{ state: string; afterMs: number }> {
    const report: RetentionReport = { rows: 0, payloads: 0, answers: 0, others: 0 }
    const longest = await this.#store.read('readLongestRetention', {})
    for (let after = ''; ; ) {
      const next = await this.#store.read('nextRetained', { after })
      if (next === null) break
      after = next.tenant
      const ages = agesOf(next.retention, this.#settings)
      await this.#dropEvents(next.tenant, ages.days, longest, steps, report)
      if (ages.payloadDays < ages.days) await this.#removePayloads(next.tenant, ages.payloadDays, steps, report)
      if (ages.answerDays < ages.days) await this.#removeAnswers(next.tenant, ages.answerDays, steps, report)
    }
    report.others = await this.#dropLeftovers(steps)
    await this.#giveBackPages(steps)
    if (Object.values(report).some(count => count > 0))
      this.#log.info({ ...report }, 'removed data past its retention period')
    return { state: JSON.stringify({ atMs: this.#store.now(), ...report }), afterMs: EVERY_MS }
  }

  async #dropEvents(tenant: TenantId, days: number, longest: number, steps: Stepper, report: RetentionReport) {
    if (days === Number.POSITIVE_INFINITY) return
    const { retentionDays } = this.#settings
    const droppedDays = retentionDays === 0 ? 0 : Math.max(retentionDays, longest)
    // Leave rows that are dropped with their tables, plus a day, so that both don't work on the same ones.
    const spanDays = days === droppedDays ? this.#store.spanDays(droppedDays) : 0
    const beforeMs = this.#store.now() - (days + (spanDays === 0 ? 0 : spanDays + 1)) * DAY_MS
    const limit = EVENTS_A_STEP
    for (let after: EventId | null = null; ; ) {
      const page: DuePage<EventId> = await steps.step(() =>
        this.#store.read('readDueEvents', { tenant, after, beforeMs, limit }),
      )
      if (page.last === null) break
      after = page.last
      for (let isMore = page.due.length > 0; isMore; ) {
        const args = { tenant, events: page.due, beforeMs, maxDeliveries: DELIVERIES_A_STEP }
        const dropped = await steps.step(() => this.#store.write('dropEvents', args))
        report.rows += dropped.rows
        isMore = dropped.isMore
      }
    }
    for (let after: DeliveryId | null = null; ; ) {
      const page: DuePage<DeliveryId> = await steps.step(() =>
        this.#store.read('readOrphans', { tenant, after, beforeMs, limit }),
      )
      if (page.last === null) return
      after = page.last
      if (page.due.length === 0) continue
      const args = { tenant, deliveries: page.due }
      report.rows += await steps.step(() => this.#store.write('dropDeliveries', args))
    }
  }

  async #removePayloads(tenant: TenantId, days: number, steps: Stepper, report: RetentionReport): Promise<void> {
    const beforeMs = this.#store.now() - days * DAY_MS
    const limit = EVENTS_A_STEP
    let after = await this.#store.read('readMark', { tenant, kind: 'event' })
    for (;;) {
      const page: DuePage<EventId> = await steps.step(() =>
        this.#store.read('readDueEvents', { tenant, after, beforeMs, limit }),
      )
      if (page.last === null) break
      const { due: events, kept, last: mark } = page
      await steps.step(() => this.#store.write('removePayloads', { tenant, events, beforeMs, kept, mark }))
      report.payloads += events.length
      after = mark
    }
    for (let behind: EventId | null = null; ; ) {
      const args = { tenant, after: behind, beforeMs, limit }
      const page: DuePage<EventId> = await steps.step(() => this.#store.read('readKeptEvents', args))
      if (page.last === null) return
      behind = page.last
      const { due: events } = page
      if (events.length === 0) continue
      report.payloads += events.length
      await steps.step(() => this.#store.write('removePayloads', { tenant, events, beforeMs, kept: [], mark: null }))
    }
  }

  async #removeAnswers(tenant: TenantId, days: number, steps: Stepper, report: RetentionReport): Promise<void> {
    const beforeMs = this.#store.now() - days * DAY_MS
    const limit = EVENTS_A_STEP
    let after = await this.#store.read('readMark', { tenant, kind: 'delivery' })
    for (;;) {
      const page: DuePage<DeliveryId> = await steps.step(() =>
        this.#store.read('readDeliveryPage', { tenant, after, beforeMs, limit }),
      )
      if (page.last === null) break
      const { due: deliveries, kept, last: mark } = page
      await steps.step(() => this.#store.write('removeAnswers', { tenant, deliveries, kept, mark }))
      report.answers += deliveries.length
      after = mark
    }
    for (let behind: DeliveryId | null = null; ; ) {
      const args = { tenant, after: behind, beforeMs, limit }
      const page: DuePage<DeliveryId> = await steps.step(() => this.#store.read('readKeptDeliveries', args))
      if (page.last === null) return
      behind = page.last
      const { due: deliveries } = page
      if (deliveries.length === 0) continue
      report.answers += deliveries.length
      await steps.step(() => this.#store.write('removeAnswers', { tenant, deliveries, kept: [], mark: null }))
    }
  }

  /** Removes each kind of leftover until none remains. */
  async #dropLeftovers(steps: Stepper): Promise<number> {
    const limit = ROWS_A_STEP
    const nowMs = this.#store.now()
    const { retentionDays, auditRetentionDays } = this.#settings
    let count = await untilNone(steps, () => this.#store.write('dropExpiredKeys', { limit }))
    // Until then, a browser that still has the cookie is told that its session has ended, not that it is unknown.
    const endedMs = nowMs - DAY_MS
    count += await untilNone(steps, () => this.#store.write('dropOldSessions', { limit, beforeMs: endedMs }))
    if (auditRetentionDays > 0) {
      const beforeMs = nowMs - auditRetentionDays * DAY_MS
      count += await untilNone(steps, () => this.#store.write('dropOldAudit', { limit, beforeMs }))
      count += await untilNone(steps, () => this.#store.write('dropOldApiKeys', { limit, beforeMs }))
      count += await untilNone(steps, () => this.#store.write('dropOldErasures', { limit, beforeMs }))
    }
    // If events are kept forever, these go once nothing refers to them, but not before a day after their deletion.
    const beforeMs = nowMs - Math.max(1, retentionDays) * DAY_MS
    count += await untilNone(steps, () => this.#store.write('dropDeletedEndpoints', { limit, beforeMs }))
    count += await untilNone(steps, () => this.#store.write('dropOldTemplates', { limit, beforeMs }))
    count += await untilNone(steps, () => this.#store.write('dropDeletedTenants', { limit, beforeMs }))
    return count
  }

  /** Shrinks the file after many rows were removed. Some pages are left free for new rows. */
  async #giveBackPages(steps: Stepper): Promise<void> {
    let { free, all } = await this.#store.write('giveBackPages', { pages: 0 })
    const spare = () => Math.max(SPARE_PAGES, all * SPARE_PART)
    if (free <= 2 * spare()) return
    while (free > spare()) {
      const left = await steps.step(() => this.#store.write('giveBackPages', { pages: PAGES_A_STEP }))
      if (left.free >= free) return
      free = left.free
      all = left.all
    }
  }
}

async function untilNone(steps: Stepper, dropSome: () => Promise<number>): Promise<number> {
  let dropped = 0
  for (;;) {
    const count = await steps.step(dropSome)
    if (count === 0) return dropped
    dropped += count
  }
}
