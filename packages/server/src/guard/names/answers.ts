import type { Answer } from './name-servers.ts'

type Kept = { readonly answer: Answer; readonly untilMs: number; readonly asker: string; readonly wasSlow: boolean }

/** How long a failure is kept, and the longest that an answer is, whatever its time to live says, in milliseconds. */
const FAILURE_MS = 2_000
const MAX_TTL_MS = 300_000
const MAX_NAMES = 10_000
const MAX_NAMES_OF_ASKER = 1_000

/**
 * What names resolved to, for their time to live. An asker with many names evicts its own. The number of names bounds
 * the memory, because the number of addresses in an answer is bounded (names.ts).
 */
export class KeptAnswers {
  /** Least recently stored first. */
  readonly #kept = new Map<string, Kept>()
  readonly #byAsker = new Map<string, Set<string>>()

  /** The answer that still applies. */
  get(name: string, nowMs: number): Answer | undefined {
    const kept = this.#kept.get(name)
    return kept !== undefined && kept.untilMs > nowMs ? kept.answer : undefined
  }

  /** Whether the last look-up of the name took so long that it was given up. */
  wasSlow(name: string): boolean {
    return this.#kept.get(name)?.wasSlow === true
  }

  keep(name: string, answer: Answer, asker: string, nowMs: number, wasSlow: boolean): void {
    const isFound = 'addresses' in answer
    const untilMs = nowMs + (isFound ? Math.min(answer.ttlMs, MAX_TTL_MS) : FAILURE_MS)
    this.#put(name, { answer, untilMs, asker, wasSlow })
  }

  /** Remembers that a look-up was given up. Someone with more patience can still try. */
  noteSlow(name: string, asker: string, nowMs: number): void {
    this.#put(name, { answer: { code: 'EAI_AGAIN' }, untilMs: nowMs, asker, wasSlow: true })
  }

  #put(name: string, kept: Kept): void {
    this.#forget(name)
    const { asker } = kept
    const names = this.#byAsker.get(asker) ?? new Set()
    this.#byAsker.set(asker, names.add(name))
    this.#kept.set(name, kept)
    if (names.size > MAX_NAMES_OF_ASKER) this.#forgetFirst(names)
    if (this.#kept.size > MAX_NAMES) this.#forgetFirst(this.#kept.keys())
  }

  clear(): void {
    this.#kept.clear()
    this.#byAsker.clear()
  }

  #forgetFirst(names: Iterable<string>): void {
    const [first] = names
    this.#forget(first!)
  }

  #forget(name: string): void {
    const kept = this.#kept.get(name)
    if (kept === undefined) return
    this.#kept.delete(name)
    const names = this.#byAsker.get(kept.asker)!
    names.delete(name)
    if (names.size === 0) this.#byAsker.delete(kept.asker)
  }
}
