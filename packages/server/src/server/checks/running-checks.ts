/**
 * The checks of an installation as the process that serves it makes them: at most once a minute, one at a time, each in
 * a limited time. One that hangs is reported, and not made again until it has ended.
 */
import type { ChecksReport } from '../../api/options.ts'
import type { Clock } from '../../base/clock.ts'
import { MINUTE_MS, SECOND_MS } from '../../base/durations.ts'
import { type Finding, fail, warn } from '../../base/findings.ts'
import type { Config } from '../../config/config.ts'
import type { Resolver } from '../../guard/lookup.ts'
import type { Store } from '../../store/store.ts'
import type { CheckedStore, Installation } from './installation.ts'
import { type Check, runChecks } from './run.ts'
import { checkFolder } from './store-checks.ts'

/** How long a report is returned again. */
const FRESH_MS = MINUTE_MS
/** How long a check can take, and all of them together. */
const CHECK_MS = 5 * SECOND_MS
const ALL_MS = 15 * SECOND_MS
/** Reading a larger file takes too long to do it for a call. */
const MAX_PAGES_BYTES = 64 * 1024 * 1024

export type RunningChecksOptions = {
  readonly store: Store
  readonly config: Config
  readonly clock: Clock
  readonly resolver: Resolver
}

export class RunningChecks {
  readonly #installation: Installation
  readonly #clock: Clock
  #latest: ChecksReport | undefined
  /** When the latest report was complete, by the monotonic clock. */
  #madeAtMs = Number.NEGATIVE_INFINITY
  #making: Promise<ChecksReport> | undefined
  /** Checks that were still running when their time was up. */
  readonly #hanging = new Set<string>()

  constructor({ store, config, clock, resolver }: RunningChecksOptions) {
    const checked = checkedStore(store)
    this.#installation = { store: checked, config, clock, resolver, isFull: false, maxPagesBytes: MAX_PAGES_BYTES }
    this.#clock = clock
  }

  /** The latest report, unless it is older than a minute. Never rejects. */
  async report(): Promise<ChecksReport> {
    const isFresh = this.#clock.monotonicMs() - this.#madeAtMs < FRESH_MS
    if (isFresh && this.#latest !== undefined) return this.#latest
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined
    })
    return this.#making
  }

  async #make(): Promise<ChecksReport> {
    const { config, clock, store } = this.#installation
    const beganAtMs = clock.monotonicMs()
    const findings: Finding[] = []
    const tell = (found: readonly Finding[]) => void findings.push(...found)
    const folder: Check = { part: 'folder', run: () => checkFolder(config) }
    const runOne = (check: Check) => this.#run(check, ALL_MS - (clock.monotonicMs() - beganAtMs))
    if (store.engine === 'sqlite') tell(await runOne(folder))
    if (!findings.some(({ part, level }) => part === 'store' && level === 'fail')) await runChecks(runOne, tell)
    this.#madeAtMs = clock.monotonicMs()
    this.#latest = { findings, checkedAtMs: clock.now(), durationMs: Math.round(this.#madeAtMs - beganAtMs) }
    return this.#latest
  }

  async #run({ part, run }: Check, leftMs: number): Promise<readonly Finding[]> {
    const remedy = 'look at the load of the store, the disk and the name servers; posthorn doctor has no time limit'
    if (this.#hanging.has(part)) return [warn(part, 'not checked: the previous check has not ended', remedy)]
    if (leftMs <= 0) return [warn(part, 'not checked: the other checks took too long', remedy)]
    const { promise: late, resolve } = Promise.withResolvers<undefined>()
    const timer = this.#clock.after(Math.min(CHECK_MS, leftMs), () => resolve(undefined))
    this.#hanging.add(part)
    const running = run(this.#installation)
      .catch(error => [unreadable(part, error)])
      .finally(() => this.#hanging.delete(part))
    const found = await Promise.race([running, late])
    timer.cancel()
    return found ?? [warn(part, 'the check takes too long', remedy)]
  }
}

function unreadable(part: string, error: unknown): Finding {
  return fail(part, `could not be checked (${(error as Error).message})`, 'make sure that the store is available')
}

const checkedStore = (store: Store): CheckedStore => ({
  engine: store.engine,
  read: store.read.bind(store),
  now: () => store.now(),
  durability: () => store.durability(),
  checkPages: () => store.read('checkPages', {}),
  tryWriting: () => store.writeApart('writeMeta', { key: 'doctor_ms', value: String(store.now()) }, CHECK_MS),
})
