import { inspect } from 'node:util'

const HIDDEN = '[secret]'

/**
 * A configured secret (C14). Printing, serialising or logging it, or whatever holds it, shows `[secret]`;
 * the value comes out of `reveal()` alone, so that every use can be found by searching for that word.
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
