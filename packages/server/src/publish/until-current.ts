import type { Store } from '../store/store.ts'

/** Tries to store against a configuration that keeps moving. */
const MAX_TRIES = 10
/** Tries after which this process's changes of the configuration wait, so that a flood of them can't starve it. */
const PATIENT_TRIES = 2

/**
 * Matches against the configuration and stores, until it was stored against the one that is in force. Answers `stale` if
 * the configuration moved each time.
 *
 * @param tryOnce answers `stale` where the configuration had moved, and nothing, or not all, was stored
 */
export async function untilCurrent<Result>(
  store: Pick<Store, 'holdChanges'>,
  tryOnce: () => Promise<Result | 'stale'>,
): Promise<Result | 'stale'> {
  let release = () => {}
  try {
    for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
      if (attempt === PATIENT_TRIES + 1) release = store.holdChanges()
      const result = await tryOnce()
      if (result !== 'stale') return result
    }
  } finally {
    release()
  }
  return 'stale'
}
