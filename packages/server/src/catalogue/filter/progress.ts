import type { TextTest } from './texts.ts'

/** Characters that are searched in one go: a tenth of a millisecond at most. */
const WINDOW = 16_384

type Found = { readonly at: number; readonly isFound: boolean }

/**
 * What an evaluation has found out about long strings, so that it continues there after an interruption. It is evaluated
 * from the start again, which takes half a millisecond at most apart from such strings.
 */
export class Progress {
  readonly #results = new Map<TextTest, Map<string, boolean>>()
  readonly #searches = new Map<string, Map<string, Found>>()

  resultOf(test: TextTest, value: string): boolean | undefined {
    return this.#results.get(test)?.get(value)
  }

  keepResult(test: TextTest, value: string, result: boolean): void {
    insideOf(this.#results, test).set(value, result)
  }

  /**
   * Searches a long string, a window at a time.
   *
   * @param charge counts characters before they are searched, and throws if there are too many
   */
  search(value: string, text: string, from: number, charge: (characters: number) => void): number {
    const known = insideOf(this.#searches, value)
    const key = `${from} ${text}`
    const before = known.get(key)
    if (before?.isFound) return before.at
    for (let at = before?.at ?? from; at < value.length; at += WINDOW) {
      known.set(key, { at, isFound: false })
      charge(WINDOW)
      const found = value.slice(at, at + WINDOW + text.length - 1).indexOf(text)
      if (found < 0) continue
      known.set(key, { at: at + found, isFound: true })
      return at + found
    }
    return -1
  }
}

function insideOf<Key, Inner, Value>(outer: Map<Key, Map<Inner, Value>>, key: Key): Map<Inner, Value> {
  const inner = outer.get(key) ?? new Map<Inner, Value>()
  outer.set(key, inner)
  return inner
}
