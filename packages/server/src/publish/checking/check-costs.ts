import type { Clock } from '../../base/clock.ts'
import type { TenantId } from '../../base/model.ts'

/** What is checked on the main thread in one go, in milliseconds, as far as it can be predicted. */
const MAX_MS = 2
/** Bodies of up to this size always are: at worst they take about as long. */
const SMALL_BYTES = 8_192
/** Bodies that are not even counted. */
const TINY_BYTES = 2_048
/** Cutting and validating, for each byte and each value, on a slow machine. */
const MS_A_BYTE = 0.000_01
const MS_A_VALUE = 0.000_4
/** Bytes looked at to estimate how many values a body has. At random, so that it can't be made up for that. */
const SAMPLES = 128

/** A tenant can use this share of the main thread's time, and this many milliseconds at once. Then it uses a thread. */
const SHARE = 0.25
const BURST_MS = 25
/** How many times as long as predicted a tenant's bodies can count as: its types can have costly schemas. */
const MAX_FACTOR = 64
/** A pause of the whole process must not count as the tenant's, so a single body changes the factor little. */
const MAX_RISE = 2
const FALL = 0.9
/** Without such bodies it falls too, by half in this time. */
const HALF_LIFE_MS = 10_000
/** Tenants that are remembered. Beyond that, those that owe nothing are forgotten. */
const MAX_TENANTS = 10_000

type Account = {
  /** How many times as long as predicted its bodies take. */
  factor: number
  /** Time used beyond the tenant's share, in milliseconds, and when that was. */
  owedMs: number
  atMs: number
}

/** A check that was begun on the main thread. */
export type BegunCheck = { readonly tenant: TenantId; readonly predictedMs: number; workedMs: number }

/** Decides which bodies are checked on the main thread and which in another (checking/checker.ts), by what they cost. */
export class CheckCosts {
  readonly #clock: Clock
  readonly #accounts = new Map<TenantId, Account>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Null if the body is for another thread. Otherwise the check's time is measured with `work` and counted by `end`;
   * undefined if it is too small for that.
   */
  begin(tenant: TenantId, body: Uint8Array): BegunCheck | undefined | null {
    if (body.length <= TINY_BYTES) return undefined
    const account = this.#accounts.get(tenant)
    if (account !== undefined) this.#refresh(account)
    if (account !== undefined && account.owedMs > BURST_MS) return null
    const predictedMs = body.length * MS_A_BYTE + estimateValues(body) * MS_A_VALUE
    const isSmall = body.length <= SMALL_BYTES
    return isSmall || predictedMs * (account?.factor ?? 1) <= MAX_MS ? { tenant, predictedMs, workedMs: 0 } : null
  }

  work<Result>(check: BegunCheck | undefined, work: () => Result): Result {
    if (check === undefined) return work()
    const begunAtMs = this.#clock.monotonicMs()
    try {
      return work()
    } finally {
      check.workedMs += this.#clock.monotonicMs() - begunAtMs
    }
  }

  end({ tenant, predictedMs, workedMs }: BegunCheck): void {
    let account = this.#accounts.get(tenant)
    if (account === undefined) {
      if (this.#accounts.size >= MAX_TENANTS) this.#tidy()
      account = { factor: 1, owedMs: 0, atMs: this.#clock.monotonicMs() }
      this.#accounts.set(tenant, account)
    }
    this.#refresh(account)
    const factor = workedMs / predictedMs
    const isRising = factor > account.factor
    const next = isRising ? Math.min(factor, account.factor * MAX_RISE) : account.factor * FALL
    account.factor = Math.min(MAX_FACTOR, Math.max(1, next))
    account.owedMs += workedMs
  }

  #refresh(account: Account): void {
    const nowMs = this.#clock.monotonicMs()
    const elapsedMs = nowMs - account.atMs
    account.owedMs = Math.max(0, account.owedMs - elapsedMs * SHARE)
    account.factor = 1 + (account.factor - 1) * 0.5 ** (elapsedMs / HALF_LIFE_MS)
    account.atMs = nowMs
  }

  #tidy(): void {
    for (const [tenant, account] of this.#accounts) {
      this.#refresh(account)
      if (account.owedMs === 0 && account.factor < MAX_RISE) this.#accounts.delete(tenant)
    }
    if (this.#accounts.size >= MAX_TENANTS) this.#accounts.clear()
  }
}

const COMMA = 0x2c
const OPEN_ARRAY = 0x5b
const OPEN_OBJECT = 0x7b

/** About how many values a JSON text has. Commas in strings count too. */
function estimateValues(body: Uint8Array): number {
  let found = 0
  for (let nth = 0; nth < SAMPLES; nth++) {
    const code = body[(Math.random() * body.length) | 0]
    if (code === COMMA || code === OPEN_ARRAY || code === OPEN_OBJECT) found++
  }
  return (found * body.length) / SAMPLES
}
