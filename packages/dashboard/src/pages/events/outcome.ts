import type { EventEndpoint } from '@posthorn/client'
import type { ShownState } from '../../lib/states.ts'
import { events } from '../../strings/en/events.ts'

/** What became of an event, in words. */

export type NotSentReason = keyof typeof events.why

export type Outcomes = {
  /** Endpoints that have a delivery of the event. */
  readonly sent: readonly EventEndpoint[]
  readonly making: readonly EventEndpoint[]
  /** Endpoints that got none, by reason. */
  readonly notSent: readonly (readonly [reason: NotSentReason, endpoints: readonly EventEndpoint[]])[]
}

export function group(endpoints: readonly EventEndpoint[]): Outcomes {
  const sent: EventEndpoint[] = []
  const making: EventEndpoint[] = []
  const notSent = new Map<NotSentReason, EventEndpoint[]>()
  for (const one of endpoints) {
    if (one.state === 'being_made') making.push(one)
    else if (one.state !== 'not_made') sent.push(one)
    else {
      const reason = reasonOf(one)
      notSent.set(reason, [...(notSent.get(reason) ?? []), one])
    }
  }
  return { sent: sent.sort((a, b) => rankOf(a) - rankOf(b)), making, notSent: [...notSent] }
}

/** Trouble first: what failed, what still waits, and then what arrived. */
const RANKS: readonly (ShownState | null)[] = ['exhausted', 'retrying', 'held', 'pending', 'cancelled', 'delivered']

const rankOf = (one: EventEndpoint) => RANKS.indexOf(stateOf(one))

function reasonOf({ reason }: EventEndpoint): NotSentReason {
  return reason !== null && Object.hasOwn(events.why, reason) ? (reason as NotSentReason) : 'unknown'
}

/** The state as its badge shows it. Null if there is no delivery. */
export function stateOf({ state, attemptCount }: EventEndpoint): ShownState | null {
  if (state === 'being_made' || state === 'not_made') return null
  return state === 'pending' && attemptCount > 0 ? 'retrying' : state
}

const UNDER_WAY = ['retrying', 'pending', 'held'] as const

/** One sentence: where it arrived, and what is left. */
export function sentenceOf(endpoints: readonly EventEndpoint[], isRejected: boolean, isPart: boolean): string {
  const { says } = events
  if (isRejected) return says.rejected
  if (endpoints.length === 0) return says.noEndpoints
  const { sent, making } = group(endpoints)
  const before = isPart ? `${says.newest(endpoints.length)} ` : ''
  if (sent.length === 0) return before + (making.length > 0 ? says.making : says.none(endpoints.length))
  const counts = new Map<ShownState, number>()
  for (const one of sent) {
    const state = stateOf(one)
    if (state !== null) counts.set(state, (counts.get(state) ?? 0) + 1)
  }
  const arrived = counts.get('delivered') ?? 0
  const rest = (['retrying', 'pending', 'exhausted', 'held', 'cancelled'] as const)
    .filter(state => counts.has(state))
    .map(state => says.states[state](counts.get(state) ?? 0))
  const isOver = making.length === 0 && !UNDER_WAY.some(state => counts.has(state))
  const first =
    arrived === sent.length && making.length === 0
      ? says.all(arrived)
      : says.some(arrived, sent.length + making.length, isOver)
  return `${before}${first}${rest.length === 0 ? '' : ` ${capital(rest.join(', '))}.`}${making.length > 0 ? ` ${says.making}` : ''}`
}

/** Whether something is about to happen, so that it is worth looking again at once. */
export function isUnderWay({ state, nextAttemptAt }: EventEndpoint, now: number): boolean {
  if (state === 'being_made') return true
  return state === 'pending' && (nextAttemptAt === null || Date.parse(nextAttemptAt) < now + 2_000)
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
