import { useEffect, useState } from 'react'
import { formatClock, formatDuration, formatLocal, formatRelative, formatUtc, untilNextReading } from '../lib/format.ts'
import { useNow } from '../lib/hooks.ts'
import { common } from '../strings/index.ts'
import styles from './text.module.css'
import { Tooltip } from './tooltip.tsx'

type Props = {
  /** RFC 3339, or milliseconds. */
  readonly at: string | number
  /** `relative`: `2 min ago`. `clock`: `14:02:11`, with the day if it isn't today. Default: relative. */
  readonly as?: 'relative' | 'clock'
  /** Whether the exact time can be reached by keyboard. Off in rows of a table, where the page of the row has it. */
  readonly focusable?: boolean
}

/** A time. On hover and focus it is exact to the millisecond, in the local zone and in UTC. */
export function Time({ at, as = 'relative', focusable = true }: Props) {
  const ms = typeof at === 'number' ? at : Date.parse(at)
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (as !== 'relative') return
    const timer = setTimeout(() => setNow(Date.now()), untilNextReading(ms, now))
    return () => clearTimeout(timer)
  }, [ms, now, as])
  if (Number.isNaN(ms)) return <span>{common.none}</span>
  const text = as === 'relative' ? formatRelative(ms, Math.max(now, Date.now())) : formatClock(ms, now)
  const exact = (
    <span className={styles.zones}>
      <span>{common.local}</span>
      <span>{formatLocal(ms)}</span>
      <span>{common.utc}</span>
      <span>{formatUtc(ms)}</span>
    </span>
  )
  if (!focusable) {
    return (
      <time
        className={styles.time}
        dateTime={new Date(ms).toISOString()}
        title={`${formatLocal(ms)}\n${formatUtc(ms)}`}
      >
        {text}
      </time>
    )
  }
  return (
    <Tooltip text={exact}>
      <time
        className={styles.time}
        dateTime={new Date(ms).toISOString()}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the exact time has to be reachable by keyboard (WCAG 1.4.13)
        tabIndex={0}
      >
        {text}
      </time>
    </Tooltip>
  )
}

/** Counts down to a time, every second: `in 1 min 12 s`, then `due now`. */
export function Countdown({ to, due }: { readonly to: string; readonly due: string }) {
  const left = Date.parse(to) - useNow(1_000)
  const seconds = Math.ceil(left / 1_000)
  if (left <= 500) return <span>{due}</span>
  return <span>in {seconds < 60 ? `${seconds} s` : formatDuration(seconds * 1_000)}</span>
}
