import type { EndpointState, Replay, ReplayBatch } from '@posthorn/client'
import type { IconName } from '../../kit/icon.tsx'
import { formatClock } from '../../lib/format.ts'
import type { Tone } from '../../lib/states.ts'
import { replays } from '../../strings/en/replays.ts'

/** What a replay, of one tenant or across tenants, says of itself. */

export type AnyReplay = Replay | ReplayBatch

export type ReplayStage = keyof typeof replays.states

export function isBatch(replay: AnyReplay): replay is ReplayBatch {
  return 'searching' in replay
}

/** The state as it is shown. `done` in the API means created: it is shown as done when everything has ended. */
export function stageOf(replay: AnyReplay): ReplayStage {
  const { state, made, ended } = replay
  if (state === 'running') return isBatch(replay) && replay.searching ? 'searching' : 'running'
  if (state === 'done') return ended < made ? 'sending' : 'done'
  if (state === 'cancelled') return ended < made ? 'cancelling' : 'cancelled'
  return state
}

export const STAGES: Readonly<Record<ReplayStage, readonly [tone: Tone, icon: IconName]>> = {
  searching: ['blue', 'search'],
  running: ['blue', 'clock'],
  paused: ['violet', 'pause'],
  sending: ['blue', 'clock'],
  done: ['green', 'check'],
  cancelling: ['grey', 'minus'],
  cancelled: ['grey', 'minus'],
}

/** Whether its numbers still change. */
export function isMoving(replay: AnyReplay): boolean {
  return !['done', 'cancelled', 'paused'].includes(stageOf(replay)) || replay.ended < replay.made
}

export type Parts = {
  readonly ended: number
  readonly sending: number
  readonly skipped: number
  /** Null if it isn't known how many there are. */
  readonly left: number | null
}

export function partsOf({ deliveries, made, skipped, ended, state }: AnyReplay): Parts {
  const left = deliveries === null ? null : Math.max(0, deliveries - made - skipped)
  return { ended, sending: Math.max(0, made - ended), skipped, left: state === 'cancelled' ? 0 : left }
}

export function sentenceOf(replay: AnyReplay): string {
  const { says } = replays
  const { made, deliveries } = replay
  const { sending } = partsOf(replay)
  switch (stageOf(replay)) {
    case 'searching':
      return says.searching(isBatch(replay) ? replay.tenants : 0)
    case 'running':
      return says.running(made, deliveries)
    case 'paused':
      return says.paused(made, deliveries)
    case 'sending':
      return says.sending(made, sending)
    case 'done':
      return says.done(made)
    case 'cancelling':
      return says.cancelling(sending)
    case 'cancelled':
      return says.cancelled(made)
  }
}

/** Which outcomes it covers: `Exhausted and missed`. */
export function outcomesOf({
  states,
  missing,
}: {
  readonly states: readonly EndpointState[]
  readonly missing: boolean
}) {
  const order = ['exhausted', 'cancelled', 'delivered'] as const
  const what = order.filter(state => states.includes(state)).map(state => replays.what[state])
  return replays.enumerate([...what, ...(missing ? [replays.what.missing] : [])])
}

/** The whole selection but its period, in a line: `Exhausted · COVER_REFERENCE · one endpoint`. */
export function selectionOf(replay: AnyReplay): string {
  const { types } = replay
  return [
    outcomesOf(replay),
    replay.statuses?.join(', '),
    types === null ? replays.allTypes : types.length === 1 ? types[0] : replays.types(types.length),
    'endpoint' in replay && replay.endpoint !== null && replays.oneEndpoint,
    'event' in replay && replay.event !== null && replays.oneEvent,
  ]
    .filter(Boolean)
    .join(' · ')
}

/** `06:00:00 – 12:00:00`, `since 29 Nov 14:00:00`, `any time`. */
export function periodOf({ from, to }: Pick<AnyReplay, 'from' | 'to'>, now: number): string {
  const clock = (time: string) => formatClock(Date.parse(time), now)
  if (from !== null && to !== null) return `${clock(from)} – ${clock(to)}`
  if (from !== null) return replays.since(clock(from))
  return to === null ? replays.ever : replays.until(clock(to))
}
