import { inspect } from 'node:util'

const HIDDEN = '[secret]'

/**
 * A configured secret (C14). Printing, serialising or logging it, or an object that contains it, shows `[secret]`.
 * Only `reveal()` returns the value, so that every use can be found by searching for that word.
 */
export class Hidden<T> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
  }

  reveal(): T {
    return this.#value
  }

  toString(): string {
    return HIDDEN
  }

  toJSON(): string {
    return HIDDEN
  }

  [inspect.custom](): string {
    return HIDDEN
  }
}
