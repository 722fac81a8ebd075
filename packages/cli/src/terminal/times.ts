/** Times as people read them: relative to now, or absolute in UTC. */
const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** What stands for a time, or any other value, that there is none of. */
export const NONE = '–'

/** A duration in its largest unit, rounded down: `42 s`, `3 min`, `7 h`, `12 d`. */
export function formatDuration(ms: number): string {
  if (ms < MINUTE) return `${Math.floor(Math.max(ms, 0) / SECOND)} s`
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)} h`
  return `${Math.floor(ms / DAY)} d`
}

/** `3 min ago`, `in 2 h`, `now`. */
export function formatRelative(atMs: number, nowMs: number): string {
  const distance = Math.abs(nowMs - atMs)
  if (distance < SECOND) return 'now'
  return atMs < nowMs ? `${formatDuration(distance)} ago` : `in ${formatDuration(distance)}`
}

/** `2026-11-30 18:51:17Z`. */
export function formatUtc(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')}Z`
}

export type FormatTime = (at: string | null | undefined) => string

/** Formats times of the API (RFC 3339). A value that is no time is returned as it is. */
export function timeFormatter(nowMs: () => number, isUtc: boolean): FormatTime {
  return at => {
    if (at === null || at === undefined) return NONE
    const atMs = Date.parse(at)
    if (Number.isNaN(atMs)) return at
    return isUtc ? formatUtc(atMs) : formatRelative(atMs, nowMs())
  }
}
