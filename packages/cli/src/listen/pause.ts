import { setTimeout as wait } from 'node:timers/promises'

/** Waits. Returns whether the time has passed: false if the signal was aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await wait(ms, undefined, { signal })
    return true
  } catch (error) {
    if (signal.aborted) return false
    throw error
  }
}
