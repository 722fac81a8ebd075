/**
 * What modules remember while the pages are open, such as what was looked at last. It belongs to the session: the next
 * person in this tab can be someone else, or of another tenant.
 */
const callbacks = new Set<() => void>()

/** Has a module forget what it remembers, whenever a session has ended or another begins. */
export function onForget(callback: () => void): void {
  callbacks.add(callback)
}

export function forget(): void {
  for (const callback of callbacks) callback()
}
