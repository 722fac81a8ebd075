/** Formats attempts as aligned lines. */
export type AttemptLine = {
  readonly atMs: number
  readonly type: string
  readonly receiver: string
  readonly attempt: number
  /** The response's status. Null if there was no response. */
  readonly status: number | null
  readonly errorCode: string | null
  readonly durationMs: number
}

const GREEN = 32
const YELLOW = 33
const RED = 31

export const TABLE_HEAD = [
  'time'.padStart(8),
  'type'.padEnd(26),
  'receiver'.padEnd(8),
  'attempt'.padStart(7),
  'status'.padEnd(17),
  'ms'.padStart(6),
].join('  ')

export function formatAttempt(line: AttemptLine, colours: boolean): string {
  const status = (line.status === null ? (line.errorCode ?? 'no response') : String(line.status)).padEnd(17)
  return [
    `${(line.atMs / 1_000).toFixed(2)} s`.padStart(8),
    line.type.padEnd(26),
    line.receiver.padEnd(8),
    String(line.attempt).padStart(7),
    colours ? `\u001b[${colourOf(line.status)}m${status}\u001b[0m` : status,
    String(Math.round(line.durationMs)).padStart(6),
  ].join('  ')
}

function colourOf(status: number | null): number {
  if (status === null) return RED
  return status >= 200 && status < 300 ? GREEN : YELLOW
}
