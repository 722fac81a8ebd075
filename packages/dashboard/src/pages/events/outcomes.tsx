import type { EventEndpoint } from '@posthorn/client'
import { type ReactNode, useState } from 'react'
import { StateBadge } from '../../kit/badge.tsx'
import { LinkButton } from '../../kit/button.tsx'
import { Icon } from '../../kit/icon.tsx'
import { Link } from '../../kit/link.tsx'
import { Countdown, Time } from '../../kit/time.tsx'
import { formatDuration } from '../../lib/format.ts'
import { shortUrl } from '../../lib/url.ts'
import { wordsFor } from '../../strings/en/errors.ts'
import { events as words } from '../../strings/en/events.ts'
import { group, type NotSentReason, stateOf } from './outcome.ts'
import styles from './outcomes.module.css'
import { WhyFilter } from './why-filter.tsx'

type Props = {
  readonly tenant: string
  readonly event: string
  readonly endpoints: readonly EventEndpoint[]
}

/** What became of an event at each endpoint: where it was sent, then where it was not, with the reason in words. */
export function Outcomes({ tenant, event, endpoints }: Props) {
  const { sent, making, notSent } = group(endpoints)
  const deliveries = sent.reduce((sum, { deliveryCount }) => sum + deliveryCount, 0)
  return (
    <>
      {sent.length + making.length > 0 && (
        <section className={styles.part}>
          <div className={styles.head}>
            <h3>{words.sent}</h3>
            {deliveries > sent.length && (
              <Link to="/deliveries" search={{ tenant, event } as never}>
                {words.allDeliveries(deliveries)}
              </Link>
            )}
          </div>
          <ul className={styles.rows}>
            {[...sent, ...making].map(one => (
              <li key={one.endpoint}>
                <Sent tenant={tenant} outcome={one} />
              </li>
            ))}
          </ul>
        </section>
      )}
      {notSent.length > 0 && (
        <section className={styles.part}>
          <h3>{words.notSent}</h3>
          {notSent.map(([reason, those]) => (
            <NotSent key={reason} tenant={tenant} event={event} reason={reason} endpoints={those} />
          ))}
        </section>
      )}
    </>
  )
}

type SentProps = { readonly tenant: string; readonly outcome: EventEndpoint }

function Sent({ tenant, outcome }: SentProps) {
  const { endpointUrl, endpointUid, delivery } = outcome
  const state = stateOf(outcome)
  const row = (
    <>
      <span className={styles.state}>
        {state === null ? <span className={styles.muted}>{words.waits.making}</span> : <StateBadge state={state} />}
      </span>
      <span className={styles.target}>
        <bdi title={endpointUrl ?? undefined}>{endpointUid ?? shortUrl(endpointUrl)}</bdi>
        <span className={styles.muted}>
          <Result outcome={outcome} />
        </span>
      </span>
      <Icon name="right" size={14} />
    </>
  )
  if (delivery === null) return <div className={styles.row}>{row}</div>
  return (
    <Link className={styles.row} to="/deliveries/$tenant/$id" params={{ tenant, id: delivery }} search={{} as never}>
      {row}
    </Link>
  )
}

/** What came of it so far, or what it waits for. */
function Result({ outcome }: { readonly outcome: EventEndpoint }) {
  const { state, reason, lastAttempt, attemptCount, nextAttemptAt, endedAt } = outcome
  const parts: ReactNode[] = []
  if (lastAttempt !== null) {
    const { status, error, durationMs } = lastAttempt
    const said = error === null ? String(status ?? '') : `${status ?? ''} ${wordsFor(error).short}`.trim()
    if (said !== '') parts.push(said)
    if (state === 'delivered') {
      parts.push(formatDuration(durationMs))
      if (attemptCount > 1) parts.push(words.atAttempt(attemptCount))
    } else if (attemptCount > 0) parts.push(words.afterAttempts(attemptCount))
  }
  if (
    nextAttemptAt !== null &&
    (reason === 'next_attempt' || (reason === null && state === 'pending' && attemptCount > 0))
  ) {
    parts.push(
      <>
        {words.waits.next_attempt} <Countdown to={nextAttemptAt} due={words.dueNow} />
      </>,
    )
  } else if (reason !== null && Object.hasOwn(words.waits, reason)) {
    parts.push(words.waits[reason as keyof typeof words.waits])
  } else if (state === 'pending' && attemptCount === 0) parts.push(words.waits.about)
  if (endedAt !== null) parts.push(<Time at={endedAt} focusable={false} />)
  return parts.map((part, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a sentence
    <span key={index}>
      {index > 0 && ' · '}
      {part}
    </span>
  ))
}

/** How many endpoints are listed under a reason before one asks for all. */
const LISTED = 3

type NotSentProps = {
  readonly tenant: string
  readonly event: string
  readonly reason: NotSentReason
  readonly endpoints: readonly EventEndpoint[]
}

function NotSent({ tenant, event, reason, endpoints }: NotSentProps) {
  const [isAll, setAll] = useState(false)
  const mend = words.mend[reason]
  const shown = isAll || endpoints.length <= LISTED + 1 ? endpoints : endpoints.slice(0, LISTED)
  return (
    <div className={styles.reason}>
      <p>{words.why[reason](endpoints.length)}.</p>
      <ul>
        {shown.map(({ endpoint, endpointUid, endpointUrl }) => (
          <li key={endpoint} className={styles.other}>
            <Link to={'/endpoints/$tenant/$id' as '/'} params={{ tenant, id: endpoint } as never} search={{} as never}>
              <bdi title={endpointUrl ?? undefined}>{endpointUid ?? shortUrl(endpointUrl)}</bdi>
            </Link>
            {reason === 'filter' && <WhyFilter tenant={tenant} event={event} endpoint={endpoint} />}
          </li>
        ))}
        {shown.length < endpoints.length && (
          <li>
            <LinkButton onClick={() => setAll(true)}>{words.showAll(endpoints.length)}</LinkButton>
          </li>
        )}
      </ul>
      {mend !== null && <p className={styles.muted}>{mend}</p>}
    </div>
  )
}
