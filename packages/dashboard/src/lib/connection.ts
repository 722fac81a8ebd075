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

export const isServerAway = (): boolean => away

/** Calls `back` whenever the server responds again. */
export function onBack(back: () => void): () => void {
  return subscribe(() => {
    if (!away) back()
  })
}

/** How often the server is asked whether it is back, in milliseconds. */
export const PING_MS = 3_000

let ask: () => Promise<void> = () => Promise.resolve()

/** @param ping asks the server whether it is there, and notes it here */
export function askWith(ping: () => Promise<void>): void {
  ask = ping
}

/** Resolves when the server responds: immediately, or when it is back. */
export async function untilThere(): Promise<void> {
  await ask()
  if (!away) return
  await new Promise<void>(resolve => {
    const timer = setInterval(() => void ask(), PING_MS)
    const stop = onBack(() => {
      clearInterval(timer)
      stop()
      resolve()
    })
  })
}
