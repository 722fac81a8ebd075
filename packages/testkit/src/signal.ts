/** Waiting for a state to come true, woken by whoever changes it: no test sleeps or polls. */

export type WaitOptions = {
  /** How long to wait before giving up with an error, milliseconds. Default: 10,000. */
  readonly timeoutMs?: number
}

export type Signal = {
  /** Something changed: every waiter looks again. */
  changed(): void
  /** Resolves as soon as `predicate` holds, now or after a change; rejects after the time-out, describing the state. */
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
          reject(new Error(`Waited ${timeoutMs} ms in vain: ${describe()}.`))
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
