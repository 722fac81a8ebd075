/**
 * Gives back the memory that a start has taken and no longer needs. V8 lets the space for short-lived objects grow while
 * code is loaded, and shrinks it only in a full collection, which a process that has nothing to do doesn't come to: an
 * idle server kept 15 MB for it on its main thread and 4 MB in each thread of the store.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterUnheld } from './clock.ts'

/** How long after its start a thread is looked at, in milliseconds, and how much of that it can have worked. */
const IDLE_MS = 10_000
const IDLE_SHARE = 0.25

type Collect = (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void

/**
 * Collects this thread's garbage once, ten seconds from now, unless the thread is working by then: it would need the
 * space again. That takes some 40 ms on the main thread, 10 on others.
 */
export function collectOnceIdle(): void {
  const before = performance.eventLoopUtilization()
  afterUnheld(IDLE_MS, () => {
    if (performance.eventLoopUtilization(before).utilization < IDLE_SHARE) collectGarbage()
  })
}

/** Collects all garbage of this thread now. */
export function collectGarbage(): void {
  // The flag is one for all threads of the process and stays set: a thread that cleared it could do so between the two
  // lines of another. It shows only in contexts that are made from now on.
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as Collect
  // Of all kinds, only this one shrinks the space whatever was allocated before.
  gc({ type: 'major', flavor: 'last-resort' })
}
