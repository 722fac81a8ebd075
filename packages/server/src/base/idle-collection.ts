/**
 * Gives back the memory that a start has taken and no longer needs. V8 lets the space for short-lived objects grow while
 * code is loaded, and shrinks it only in a full collection, which a process that has nothing to do doesn't come to: an
 * idle server kept 15 MB for it on its main thread and 4 MB in each thread of the store.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterUnheld } from './clock.ts'

/** How long a thread must have had next to nothing to do, in milliseconds. */
const IDLE_MS = 10_000
const IDLE_SHARE = 0.05
/** A thread that is busy for longer than that has collections of its own. */
const TRIES = 6

type Collect = (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void

/** Collects this thread's garbage once, when it is idle: that takes some 40 ms on the main thread, 10 on others. */
export function collectOnceIdle(tries = TRIES): void {
  const before = performance.eventLoopUtilization()
  afterUnheld(IDLE_MS, () => {
    if (performance.eventLoopUtilization(before).utilization < IDLE_SHARE) collect()
    else if (tries > 1) collectOnceIdle(tries - 1)
  })
}

function collect(): void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as Collect
  setFlagsFromString('--no-expose-gc')
  // Of all kinds, only this one shrinks the space whatever was allocated before.
  gc({ type: 'major', flavor: 'last-resort' })
}
