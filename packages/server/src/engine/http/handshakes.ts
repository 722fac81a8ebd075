import type { Clock, Timer } from '../../base/clock.ts'
import type { TenantId } from '../../base/model.ts'

/** Handshakes of a tenant that are not measured, while there are other tenants. */
const UNMEASURED_AT_ONCE = 4
/** How often the thread is looked at while there are any of these. */
const LOOK_MS = 20
/** The thread was kept from everything else for this long: a handshake can be the reason. */
const STALL_MS = 20
/** How long all of a tenant's handshakes are measured then. Twice as long each time. */
const FIRST_MEASURING_MS = 10_000
const LONGEST_MEASURING_MS = 600_000
/** Processor time of a handshake that is costly. Usual ones take one to two milliseconds. */
const COSTLY_MS = 10
/** A tenant rests for this many times what a costly handshake took: it gets less than a hundredth of the thread. */
const REST_FACTOR = 120
const LONGEST_REST_MS = 15_000
/** How long a costly handshake is remembered. */
const REMEMBERED_MS = 600_000
/** Tenants that are remembered, before those that needn't be are looked for. */
const MANY = 1_000

type Record = {
  measuredUntilMs: number
  measuringMs: number
  /** Costly handshakes that are remembered. The first can be chance, such as a garbage collection. */
  costly: number
  costlyAtMs: number
  restsUntilMs: number
  readonly waiting: (() => void)[]
  timer: Timer | undefined
}

/** A connection that is being opened. */
export type Handshake = {
  /** Whether what arrives for TLS has to pass `Handshakes.feed`, which measures what it takes. */
  readonly isMeasured: boolean
  /** It is over, however it ended. */
  end(): void
}

/**
 * Bounds what receivers make TLS cost. OpenSSL verifies a receiver's certificates on this thread, up to 100 KB of them and
 * even if their authority is unknown: a chain of RSA keys with 16,384 bits takes more than a tenth of a second. No setting
 * of Node bounds the sizes.
 *
 * What a handshake takes is known only if its bytes pass through JavaScript, which costs more for each request on the
 * connection. So that is done only for tenants with a handshake in progress while the thread was kept for long, for some
 * time. It hurts none of them. Only a tenant whose handshakes, so measured, are costly for the second time has to rest after
 * each of them, and its other handshakes wait for that.
 */
export class Handshakes {
  readonly #clock: Clock
  readonly #isShared: () => boolean
  readonly #cpuMs: () => number
  /** Those in progress that are not measured. */
  readonly #unmeasured = new Map<TenantId, number>()
  /** Tenants that have had any of these since the last look. */
  readonly #seen = new Set<TenantId>()
  readonly #records = new Map<TenantId, Record>()
  #isLooking = false
  /** What measured ones have taken since the last look. */
  #measuredMs = 0

  /**
   * @param isShared whether several tenants are active. Nothing is measured, and none rests, for one that is alone
   * @param cpuMs processor time of this thread, in milliseconds
   */
  constructor(clock: Clock, isShared: () => boolean, cpuMs: () => number = threadCpuMs) {
    this.#clock = clock
    this.#isShared = isShared
    this.#cpuMs = cpuMs
  }

  begin(tenant: TenantId): Handshake {
    if (this.#isMeasured(tenant)) return { isMeasured: true, end: () => {} }
    this.#unmeasured.set(tenant, (this.#unmeasured.get(tenant) ?? 0) + 1)
    this.#seen.add(tenant)
    if (!this.#isLooking) this.#look()
    let isOver = false
    const end = () => {
      if (isOver) return
      isOver = true
      const left = this.#unmeasured.get(tenant)! - 1
      if (left === 0) this.#unmeasured.delete(tenant)
      else this.#unmeasured.set(tenant, left)
    }
    return { isMeasured: false, end }
  }

  /** Whether the tenant has to rest now. */
  isResting(tenant: TenantId): boolean {
    const restsUntilMs = this.#records.get(tenant)?.restsUntilMs ?? 0
    return this.#clock.monotonicMs() < restsUntilMs && this.#isShared()
  }

  /** Does a step of a measured handshake, at once or after the tenant's rest. */
  feed(tenant: TenantId, step: () => void): void {
    const record = this.#recordOf(tenant)
    if (record.waiting.length === 0 && !this.isResting(tenant)) this.#measure(record, step)
    else {
      record.waiting.push(step)
      this.#awaitRest(tenant, record)
    }
  }

  #isMeasured(tenant: TenantId): boolean {
    if (!this.#isShared()) return false
    const record = this.#records.get(tenant)
    const nowMs = this.#clock.monotonicMs()
    if (record !== undefined && nowMs < Math.max(record.measuredUntilMs, endOf(record))) return true
    return (this.#unmeasured.get(tenant) ?? 0) >= UNMEASURED_AT_ONCE
  }

  #measure(record: Record, step: () => void): void {
    const begunMs = this.#cpuMs()
    step()
    const usedMs = this.#cpuMs() - begunMs
    this.#measuredMs += usedMs
    if (usedMs < COSTLY_MS) return
    const nowMs = this.#clock.monotonicMs()
    record.costly = nowMs < endOf(record) ? record.costly + 1 : 1
    record.costlyAtMs = nowMs
    if (record.costly > 1) record.restsUntilMs = nowMs + Math.min(usedMs * REST_FACTOR, LONGEST_REST_MS)
  }

  #awaitRest(tenant: TenantId, record: Record): void {
    const waitMs = record.restsUntilMs - this.#clock.monotonicMs()
    record.timer ??= this.#clock.after(Math.max(0, waitMs), () => {
      record.timer = undefined
      while (record.waiting.length > 0 && !this.isResting(tenant)) this.#measure(record, record.waiting.shift()!)
      if (record.waiting.length > 0) this.#awaitRest(tenant, record)
    })
  }

  #look(): void {
    this.#isLooking = true
    this.#measuredMs = 0
    const [atMs, cpuMs] = [this.#clock.monotonicMs(), this.#cpuMs()]
    this.#clock.after(LOOK_MS, () => {
      // A thread that doesn't get the processor is late, too: only what it has used counts.
      const lateMs = this.#clock.monotonicMs() - atMs - LOOK_MS
      const stallMs = Math.min(lateMs, this.#cpuMs() - cpuMs) - this.#measuredMs
      if (stallMs >= STALL_MS && this.#isShared()) for (const tenant of this.#seen) this.#beginMeasuring(tenant)
      this.#seen.clear()
      for (const tenant of this.#unmeasured.keys()) this.#seen.add(tenant)
      this.#isLooking = false
      if (this.#seen.size > 0) this.#look()
    })
  }

  #beginMeasuring(tenant: TenantId): void {
    const record = this.#recordOf(tenant)
    const nowMs = this.#clock.monotonicMs()
    if (nowMs < record.measuredUntilMs) return
    const isLongAgo = nowMs - record.measuredUntilMs >= REMEMBERED_MS
    record.measuringMs = isLongAgo ? FIRST_MEASURING_MS : Math.min(record.measuringMs * 2, LONGEST_MEASURING_MS)
    record.measuredUntilMs = nowMs + record.measuringMs
  }

  #recordOf(tenant: TenantId): Record {
    const known = this.#records.get(tenant)
    if (known !== undefined) return known
    if (this.#records.size >= MANY) this.#forgetOld()
    const never = Number.NEGATIVE_INFINITY
    const times = { measuredUntilMs: never, measuringMs: 0, costlyAtMs: never, restsUntilMs: never }
    const record: Record = { ...times, costly: 0, waiting: [], timer: undefined }
    this.#records.set(tenant, record)
    return record
  }

  #forgetOld(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const [tenant, record] of this.#records) {
      const untilMs = Math.max(record.measuredUntilMs + REMEMBERED_MS, endOf(record))
      if (untilMs <= nowMs && record.waiting.length === 0) this.#records.delete(tenant)
    }
  }
}

/** Until when a tenant's costly handshakes are remembered. */
const endOf = ({ costlyAtMs }: Record): number => costlyAtMs + REMEMBERED_MS

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}
