/** Why an event did or didn't arrive at an endpoint, in a sentence, with what to do about it. */
import type { Endpoint, EventEndpoint } from '@posthorn/client'
import { formatDuration, NONE } from '../../terminal/index.ts'
import { outcomeOf } from '../deliveries/columns.ts'
import { listed } from '../values.ts'

export type Reasoned = {
  readonly tenant: string
  /** The event's id. */
  readonly event: string
  readonly type: string
  /** What became of it at the endpoint. */
  readonly at: EventEndpoint
  /** The endpoint as it is now. Null if it was deleted, or if it doesn't matter. */
  readonly endpoint: Endpoint | null
  /** Whether it is known to have been deleted since. */
  readonly isGone: boolean
  /** What decides in its present filter. Null if it isn't known. */
  readonly filter: { readonly matches: boolean; readonly because: string } | null
}

type Reason = {
  readonly sentence: string
  /** The words of a command to type, without `posthorn`. Null if nothing needs to be done, or nothing can be. */
  readonly next: readonly string[] | null
}

/** Nothing can be sent to an endpoint that is gone, so nothing is to be typed. */
export function reasonOf(about: Reasoned, nowMs: number): Reason {
  const reason = reasonThen(about, nowMs)
  return about.isGone ? { sentence: `${reason.sentence} The endpoint was deleted since.`, next: null } : reason
}

function reasonThen(about: Reasoned, nowMs: number): Reason {
  const { at, tenant, event } = about
  const ago = (time: string | null | undefined) =>
    time === null || time === undefined ? NONE : `${formatDuration(nowMs - Date.parse(time))} ago`
  const ahead = (time: string | null | undefined) =>
    time === null || time === undefined ? 'soon' : `in ${formatDuration(Math.max(0, Date.parse(time) - nowMs))}`
  const last = at.lastAttempt
  const attempts = at.attemptCount === 1 ? '1 attempt' : `${at.attemptCount} attempts`
  const failed =
    last === null ? `${attempts} failed` : `attempt ${at.attemptCount} failed ${ago(last.at)} (${why(last)})`
  const look = at.delivery === null ? null : ['deliveries', 'attempts', at.delivery, '--tenant', tenant]
  const again = ['replay', '--tenant', tenant, '--event', event, '--endpoint', at.endpoint]
  switch (at.state) {
    case 'delivered':
      return {
        sentence: `It arrived ${ago(at.endedAt)}: ${outcomeOf(last)} at attempt ${at.attemptCount}.`,
        next: null,
      }
    case 'exhausted':
      return { sentence: `Given up ${ago(at.endedAt)} after ${attempts}: the last got ${why(last)}.`, next: again }
    case 'cancelled':
      return at.reason === 'deleted'
        ? { sentence: `Cancelled ${ago(at.endedAt)}, because the endpoint was deleted.`, next: null }
        : { sentence: `Someone cancelled it ${ago(at.endedAt)}.`, next: [...again, '--state', 'cancelled'] }
    case 'being_made':
      return { sentence: 'Not decided yet: its deliveries are still being created.', next: null }
    case 'held':
      return held(about, ago)
    case 'pending':
      return { sentence: pending(about, { failed, ahead }), next: pendingNext(about, look) }
    case 'not_made':
      return { sentence: notMade(about), next: notMadeNext(about, again) }
  }
}

const why = (attempt: EventEndpoint['lastAttempt']): string => {
  if (attempt === null) return 'no response that is kept'
  return attempt.status === null ? `no response: ${attempt.error}` : `${attempt.status}`
}

function held({ at, tenant, endpoint }: Reasoned, ago: (time: string | null | undefined) => string): Reason {
  if (at.heldReason === 'set_aside') {
    return {
      sentence: 'Set aside: it was in flight at three crashes of the server. Look at it before you retry it.',
      next: ['deliveries', 'retry', at.delivery!, '--tenant', tenant],
    }
  }
  const reasons = {
    manual: 'by a call',
    gone: 'because the receiver responded with 410',
    failing: 'after days of failures',
  }
  const reason = endpoint?.disabledReason == null ? '' : ` ${reasons[endpoint.disabledReason]}`
  const since = endpoint?.disabledAt == null ? '' : `, ${ago(endpoint.disabledAt)}`
  return {
    sentence: `Held, because the endpoint is disabled${reason}${since}. It is sent once the endpoint is enabled.`,
    next: ['endpoints', 'enable', at.endpoint, '--tenant', tenant],
  }
}

type Words = { readonly failed: string; readonly ahead: (time: string | null | undefined) => string }

function pending({ at, endpoint }: Reasoned, { failed, ahead }: Words): string {
  const next = `The next attempt is due ${ahead(at.nextAttemptAt)}.`
  const before = at.attemptCount === 0 ? '' : ` ${capital(failed)}.`
  switch (at.reason) {
    case 'next_attempt':
      return `Not yet:${before === '' ? '' : before.replace(/^ A/, ' a')} ${next}`
    case 'paused':
      return `Waiting: the receiver asked for a pause (Retry-After), which ends ${ahead(endpoint?.pausedUntil)}.${before}`
    case 'earlier_delivery':
      return `Waiting behind ${at.behind}: the endpoint is ordered, and that delivery has not ended.${before}`
    case 'failing':
      return `Due, but the receiver is failing, so it gets requests slowly.${before}`
    case 'rate_limit':
      return `Due, but the endpoint has a rate limit${rateOf(endpoint)}.${before}`
    case 'no_listener':
      return 'Waiting: the endpoint is a listener, and no one listens.'
    default:
      return `About to be sent.${before}`
  }
}

const rateOf = (endpoint: Endpoint | null): string =>
  endpoint?.rateLimit == null ? '' : ` of ${endpoint.rateLimit.requests} requests in ${endpoint.rateLimit.perSeconds} s`

function pendingNext({ at, tenant }: Reasoned, look: Reason['next']): Reason['next'] {
  if (at.reason === 'earlier_delivery') return ['deliveries', 'attempts', at.behind!, '--tenant', tenant]
  if (at.reason === 'no_listener') return listenNext(at.endpointUid, tenant)
  return at.attemptCount === 0 ? null : look
}

/** Another name would be another listener. Those with a uid of their own belong to other programs. */
function listenNext(uid: string | null, tenant: string): Reason['next'] {
  const name = /^listen:(.+)$/.exec(uid ?? '')?.[1]
  return name === undefined ? null : ['listen', '--tenant', tenant, '--name', name]
}

function notMade({ at, type, endpoint, filter }: Reasoned): string {
  switch (at.reason) {
    case 'type': {
      const types = endpoint?.types
      const now =
        types == null ? '' : ` Now it wants ${listed(types.slice(0, 5))}${types.length > 5 ? ' and others' : ''}.`
      return `Not sent: the endpoint did not want ${type} when the event was published.${now}`
    }
    case 'filter': {
      const now =
        filter === null
          ? ''
          : ` ${filter.matches ? 'Its present filter lets it through' : 'Its filter'}: ${filter.because}`
      return `Not sent: the endpoint's filter did not let it through when it was published.${now}`
    }
    case 'registered_later':
      return 'Not sent: the endpoint was registered after the event was published.'
    case 'deleted':
      return 'Not sent: the endpoint was deleted before.'
    case 'rejected':
      return 'Not sent: the event was rejected.'
    case 'test':
      return 'Not sent: the event was a test of another endpoint.'
    default:
      return 'Not sent. What would tell why is no longer kept.'
  }
}

/** Named together with the event, it gets it whatever it wants. */
function notMadeNext({ at }: Reasoned, again: readonly string[]): Reason['next'] {
  return ['type', 'filter', 'registered_later'].includes(at.reason ?? '') ? [...again, '--missing'] : null
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
