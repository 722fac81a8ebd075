/** A delivery on one line, for `--follow`. */
import type { Delivery } from '@posthorn/client'
import type { ServerRun } from '../../command.ts'
import { cut, pad, plain } from '../../terminal/index.ts'
import { formatClock, formatDay, localZone, offsetAt } from '../../times/zones.ts'
import { endpointOf, outcomeOf, toneOfState } from './columns.ts'

type LineOptions = { readonly nowMs: number; readonly isUtc: boolean; readonly tenant: string | null }

/** One line, with what matters most at its beginning: a narrow terminal cuts its end. */
export function lineOf(
  delivery: Delivery,
  { out, terminal }: ServerRun,
  { nowMs, isUtc, tenant }: LineOptions,
): string {
  const { state, heldReason, attemptCount, lastAttempt, nextAttemptAt, createdAt, endedAt, key, event, type, id } =
    delivery
  const at = endedAt ?? lastAttempt?.at ?? createdAt
  const clock = clockOf(at, nowMs, isUtc)
  const width = terminal.columns
  const shownState = pad(heldReason === null ? state : `held (${heldReason})`, 9)
  const next = nextAttemptAt === null || attemptCount === 0 ? [] : [`next ${out.show.time(nextAttemptAt)}`]
  const attempts = attemptCount === 0 ? [] : [`attempt ${attemptCount}`]
  const rest = [
    pad(outcomeOf(lastAttempt), 3),
    ...(tenant === null ? [delivery.tenant] : []),
    key ?? event,
    type,
    `→ ${endpointOf(delivery)}`,
    ...attempts,
    ...next,
    id,
  ]
  const text = plain(rest.join('  '))
  const left = width === null ? text : cut(text, width - clock.length - shownState.length - 4)
  const tone = toneOfState(state)
  const coloured = tone === undefined ? shownState : out.paint(tone, shownState)
  return `${out.paint('quiet', clock)}  ${coloured}  ${left}`
}

/** `06:00:12`, local unless UTC is wanted; with the day if it isn't today's. */
function clockOf(at: string, nowMs: number, isUtc: boolean): string {
  const zone = isUtc ? 'UTC' : localZone()
  const atMs = Date.parse(at)
  const wallMs = atMs + offsetAt(atMs, zone)
  const seconds = formatClock(wallMs)
  const clock = seconds.length === 5 ? `${seconds}:00` : seconds
  const isToday = formatDay(wallMs) === formatDay(nowMs + offsetAt(nowMs, zone))
  return `${isToday ? '' : `${formatDay(wallMs)} `}${clock}${isUtc ? 'Z' : ''}`
}
