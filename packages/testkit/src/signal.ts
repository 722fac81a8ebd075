/** Waits for a condition and is woken by the code that changes the state, so that tests neither sleep nor poll. */

export type WaitOptions = {
  /** How long to wait before giving up with an error, in milliseconds. Default: 10,000. */
  readonly timeoutMs?: number
}

export type Signal = {
  /** Reports a change, so that every waiter evaluates its predicate again. */
  changed(): void
  /** Resolves as soon as `predicate` holds, now or after a change; rejects after the timeout with the current state. */
  waitFor(predicate: () => boolean, options?: WaitOptions): Promise<void>
}

export function createSignal(describe: () => string): Signal {
  const waiters = new Set<() => void>()
  return {
    changed() {
      for (const look of waiters) look()
    },
    waitFor(predicate, { timeoutMs = 10_000 } = {}) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiters.delete(look)
          reject(new Error(`Timed out after ${timeoutMs} ms: ${describe()}.`))
        }, timeoutMs)
        const end = (settle: () => void) => {
          clearTimeout(timer)
          waiters.delete(look)
          settle()
        }
        const look = () => {
          try {
            if (predicate()) end(resolve)
          } catch (error) {
            end(() => reject(error))
          }
        }
        waiters.add(look)
        look()
      })
    },
  }
}
