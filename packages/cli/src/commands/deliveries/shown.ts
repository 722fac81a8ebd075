import type { Delivery } from '@posthorn/client'

/** What was shown of the deliveries that changed last, so that the list doesn't show the same again. */
export class Shown {
  /** The latest time in any of them. Undefined before the first. */
  latestMs: number | undefined
  readonly #states = new Map<string, string>()
  readonly #most: number

  constructor(most = 20_000) {
    this.#most = most
  }

  has(id: string): boolean {
    return this.#states.has(id)
  }

  isNew({ id, state, attemptCount, heldReason, nextAttemptAt, createdAt, endedAt, lastAttempt }: Delivery): boolean {
    const as = JSON.stringify([state, attemptCount, heldReason, nextAttemptAt])
    const known = this.#states.get(id)
    // What has ended stays so: this is an earlier record that was read after the list.
    if (known !== undefined && endedAt === null && !isOpen(known)) return false
    const isNew = known !== as
    this.#states.delete(id)
    this.#states.set(id, as)
    if (this.#states.size > this.#most) this.#states.delete(this.#states.keys().next().value!)
    const times = [createdAt, endedAt, lastAttempt?.at].flatMap(at => (at == null ? [] : [Date.parse(at)]))
    this.latestMs = Math.max(this.latestMs ?? 0, ...times)
    return isNew
  }
}

const isOpen = (as: string): boolean => as.startsWith('["pending"') || as.startsWith('["held"')
