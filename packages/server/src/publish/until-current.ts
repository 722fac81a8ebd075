import type { Store } from '../store/store.ts'

/** Maximum number of tries while the configuration keeps changing. */
const MAX_TRIES = 10
/** After this many tries, configuration changes by this process have to wait, so that they can't starve the caller. */
const PATIENT_TRIES = 2

/**
 * Waits for something that takes long and doesn't depend on the tenants' configuration: meanwhile, changes don't have to
 * wait.
 */
export type Unheld = <Result>(other: Promise<Result>) => Promise<Result>

/**
 * Matches against the configuration and stores, until what was stored matches the current one. Returns `stale` if the
 * configuration changed each time.
 *
 * @param tryOnce returns `stale` if the configuration had changed and nothing, or not everything, was stored
 */
export async function untilCurrent<Result>(
  store: Pick<Store, 'holdChanges'>,
  tryOnce: (unheld: Unheld) => Promise<Result | 'stale'>,
): Promise<Result | 'stale'> {
  let release: (() => void) | undefined
  const unheld: Unheld = async other => {
    if (release === undefined) return other
    release()
    release = undefined
    try {
      return await other
    } finally {
      release = store.holdChanges()
    }
  }
  try {
    for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
      if (attempt === PATIENT_TRIES + 1) release = store.holdChanges()
      const result = await tryOnce(unheld)
      if (result !== 'stale') return result
    }
  } finally {
    release?.()
  }
  return 'stale'
}
