import { DAY_MS } from '../base/durations.ts'
import type { Logger } from '../base/logger.ts'
import type { TenantId } from '../base/model.ts'
import type { Retention } from '../base/tenant.ts'
import type { Checked, Mismatch } from '../store/operations/books.ts'
import type { Store } from '../store/store.ts'
import { agesOf, type RetentionSettings } from './retention.ts'
import type { BackgroundWork, Stepper } from './works.ts'

const EVERY_MS = DAY_MS
/** Younger rows might belong to an open transaction, or be dated by a node whose clock is slightly off. */
const MARGIN_MS = 60_000
const ROWS_A_STEP = 256
/** Maximum number of mismatches to store with their ids. All of them are logged. */
const MAX_KEPT = 1_000

/** The progress of a consistency check, or the result of a finished one. */
export type CheckState = {
  readonly beganAtMs: number
  /** Null while the check is running. */
  readonly endedAtMs: number | null
  /** Tenants up to this one have been checked. */
  readonly after: TenantId
  readonly looked: number
  /** Mismatches found so far. */
  readonly found: number
}

/** Null if no check has started yet. */
export function parseCheckState(state: string | null): CheckState | null {
  return state === null || state === '' ? null : (JSON.parse(state) as CheckState)
}

type CheckStore = Pick<Store, 'read' | 'now'>
type BooksStore = CheckStore & Pick<Store, 'write'>

/** Receives the mismatches that were found twice. */
export type CheckSink = {
  found(mismatches: readonly Mismatch[]): Promise<void>
}

/**
 * The consistency check: once a day, compares everything that was accepted and is kept with what became of it, in small
 * reads (store/operations/books.ts says what must be true). A mismatch is looked at again a moment later, then stored,
 * logged with its ids, and counted.
 *
 * The store keeps the progress of a check, so that it resumes after a restart or on another node.
 */
export class Books implements BackgroundWork {
  readonly name = 'books'
  readonly #store: BooksStore
  readonly #log: Pick<Logger, 'info' | 'error'>
  readonly #settings: RetentionSettings
  #mismatches = 0

  constructor(store: BooksStore, log: Pick<Logger, 'info' | 'error'>, settings: RetentionSettings) {
    this.#store = store
    this.#log = log
    this.#settings = settings
  }

  /** How many mismatches the latest check has found, as far as this node knows. */
  mismatches(): number {
    return this.#mismatches
  }

  /** Called before each look, so that every node learns what another one has found. */
  isWanted = async (): Promise<boolean> => {
    this.#mismatches = await this.#store.read('readMismatchCount', {})
    return true
  }

  async run(steps: Stepper, before: string): Promise<{ state: string; afterMs: number }> {
    const state = begin(parseCheckState(before), this.#store.now())
    const check = new BookCheck(this.#store, this.#settings, steps, {
      found: mismatches => this.#keep(mismatches, state),
    })
    for (;;) {
      const tenant = await check.next(state.after)
      if (tenant === null) break
      state.looked += await check.tenant(tenant.tenant, tenant.retention)
      state.after = tenant.tenant
      await steps.keep(JSON.stringify(state))
    }
    await this.#store.write('forgetMismatches', { beforeMs: state.beganAtMs })
    this.#mismatches = await this.#store.read('readMismatchCount', {})
    this.#log.info({ looked: state.looked, mismatches: this.#mismatches }, 'consistency check finished')
    return { state: JSON.stringify({ ...state, endedAtMs: this.#store.now() }), afterMs: EVERY_MS }
  }

  async #keep(mismatches: readonly Mismatch[], state: { found: number }): Promise<void> {
    for (const mismatch of mismatches) this.#log.error({ ...mismatch }, 'consistency check found a mismatch')
    const kept = mismatches.slice(0, Math.max(0, MAX_KEPT - state.found))
    state.found += mismatches.length
    if (kept.length > 0) await this.#store.write('storeMismatches', { mismatches: kept, nowMs: this.#store.now() })
    this.#mismatches = Math.max(this.#mismatches, state.found)
  }
}

function begin(before: CheckState | null, nowMs: number): { -readonly [K in keyof CheckState]: CheckState[K] } {
  if (before !== null && before.endedAtMs === null) return { ...before }
  return { beganAtMs: nowMs, endedAtMs: null, after: '', looked: 0, found: 0 }
}

/** Checks everything of a tenant, one tenant at a time. */
export class BookCheck {
  readonly #store: CheckStore
  readonly #settings: RetentionSettings
  readonly #steps: Pick<Stepper, 'step'>
  readonly #sink: CheckSink

  constructor(store: CheckStore, settings: RetentionSettings, steps: Pick<Stepper, 'step'>, sink: CheckSink) {
    this.#store = store
    this.#settings = settings
    this.#steps = steps
    this.#sink = sink
  }

  next(after: TenantId): Promise<{ readonly tenant: TenantId; readonly retention: Retention | null } | null> {
    return this.#store.read('nextRetained', { after })
  }

  /** Returns how many rows were checked. */
  async tenant(tenant: TenantId, retention: Retention | null): Promise<number> {
    const range = this.#rangeOf(retention)
    const events = await this.#walk(tenant, (after: string | null) =>
      this.#store.read('checkEvents', { tenant, after, ...range, limit: ROWS_A_STEP }),
    )
    const deliveries = await this.#walk(tenant, (after: string | null) =>
      this.#store.read('checkDeliveries', { tenant, after, ...range, limit: ROWS_A_STEP }),
    )
    const live = await this.#walk(tenant, (after: string | null) =>
      this.#store.read('checkLiveDeliveries', { tenant, after, toMs: range.toMs, limit: ROWS_A_STEP }),
    )
    await this.#judge(tenant, await this.#tenantsEndpoints(tenant), () => this.#tenantsEndpoints(tenant))
    return events + deliveries + live
  }

  async #tenantsEndpoints(tenant: TenantId): Promise<readonly Mismatch[]> {
    const { mismatches } = await this.#store.read('checkTenant', { tenant })
    return mismatches
  }

  /** Leaves out rows near the end of their retention period, with a day to spare: some might already be removed. */
  #rangeOf(retention: Retention | null): { fromMs: number; toMs: number } {
    const nowMs = this.#store.now()
    const { days } = agesOf(retention, this.#settings)
    const fromMs = days === Number.POSITIVE_INFINITY ? 0 : Math.max(0, nowMs - (days - 1) * DAY_MS)
    return { fromMs, toMs: nowMs - MARGIN_MS }
  }

  async #walk(tenant: TenantId, look: (after: string | null) => Promise<Checked<string>>): Promise<number> {
    let looked = 0
    for (let after: string | null = null; ; ) {
      const from: string | null = after
      const page: Checked<string> = await this.#steps.step(() => look(from))
      await this.#judge(tenant, page.mismatches, async () => (await look(from)).mismatches)
      looked += page.looked
      if (page.last === null || page.looked < ROWS_A_STEP) return looked
      after = page.last
    }
  }

  /** Reports mismatches that a second look confirms, but none of a tenant that is being erased. */
  async #judge(
    tenant: TenantId,
    first: readonly Mismatch[],
    lookAgain: () => Promise<readonly Mismatch[]>,
  ): Promise<void> {
    if (first.length === 0) return
    const again = await this.#steps.step(lookAgain)
    const same = (a: Mismatch) => again.some(b => a.kind === b.kind && a.id === b.id)
    const found = first.filter(same)
    if (found.length === 0 || (await this.#store.read('isErasing', { tenant }))) return
    await this.#sink.found(found)
  }
}
