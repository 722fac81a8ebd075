import type { PublishRequest } from './operations/events/publish-request.ts'

/** Remembered at most; beyond it, all are forgotten, which costs one wait each. */
const MAX_KEYS = 10_000

const keysOf = ({ tenant, events }: PublishRequest): string[] =>
  events.flatMap(({ key }) => (key === null ? [] : [`${tenant}\0${key}`]))

/**
 * Events' keys that somebody's open transaction was seen to hold. What uses them is published apart from everybody
 * else, so that only the first that meets such a key makes others wait.
 */
export class BlockedKeys {
  readonly #keys = new Set<string>()

  has(request: PublishRequest): boolean {
    return this.#keys.size > 0 && keysOf(request).some(key => this.#keys.has(key))
  }

  add(request: PublishRequest): void {
    if (this.#keys.size >= MAX_KEYS) this.#keys.clear()
    for (const key of keysOf(request)) this.#keys.add(key)
  }

  remove(request: PublishRequest): void {
    for (const key of keysOf(request)) this.#keys.delete(key)
  }
}

/** Whether what the one waits for is what the other waits for too: sure only where it has no other key. */
export function isSameKey(one: PublishRequest, other: PublishRequest): boolean {
  const [key, ...more] = keysOf(one)
  return more.length === 0 && key !== undefined && keysOf(other).includes(key)
}
