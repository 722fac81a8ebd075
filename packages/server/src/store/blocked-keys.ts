import type { PublishRequest } from './operations/events/publish-request.ts'

/** How many keys are remembered. Beyond that, all are forgotten, which costs one wait for each. */
const MAX_KEYS = 10_000

const keysOf = ({ tenant, events }: PublishRequest): string[] =>
  events.flatMap(({ key }) => (key === null ? [] : [`${tenant}\0${key}`]))

/**
 * Event keys that were found to be held by an open transaction. Requests that use them are published separately, so
 * that only the first request to meet a held key makes others wait.
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

/** Whether both requests wait for the same key. That is certain only if the first one has no other key. */
export function isSameKey(one: PublishRequest, other: PublishRequest): boolean {
  const [key, ...more] = keysOf(one)
  return more.length === 0 && key !== undefined && keysOf(other).includes(key)
}
