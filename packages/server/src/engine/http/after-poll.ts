/** Functions to call in order, once the event loop has read its sockets again. */
let waiting: (() => void)[] = []

/**
 * Calls a function once everything that is readable on any socket now has been read. The first turn of the event loop
 * might have asked the operating system already, before the bytes arrived; the second one asks again.
 */
export function afterPoll(run: () => void): void {
  waiting.push(run)
  if (waiting.length === 1) setImmediate(() => setImmediate(runAll))
}

function runAll(): void {
  const due = waiting
  waiting = []
  for (const run of due) run()
}
