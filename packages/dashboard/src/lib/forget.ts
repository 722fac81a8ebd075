/**
 * What modules remember while the pages are open, such as what was looked at last. It belongs to the session: the next
 * person in this tab can be someone else, or of another tenant.
 */
const forgetters = new Set<() => void>()

/** Has a module forget what it remembers, whenever a session has ended or another begins. */
export function onForget(forgetter: () => void): void {
  forgetters.add(forgetter)
}

export function forget(): void {
  for (const forgetter of forgetters) forgetter()
}
