import { useSyncExternalStore } from 'react'

/** Whether the server responds. What fails to reach it says so; what reaches it, too. */

let away = false
const listeners = new Set<() => void>()

export function setAway(value: boolean): void {
  if (away === value) return
  away = value
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function useAway(): boolean {
  return useSyncExternalStore(subscribe, () => away)
}

/** Calls `back` whenever the server responds again. */
export function onBack(back: () => void): () => void {
  return subscribe(() => {
    if (!away) back()
  })
}
