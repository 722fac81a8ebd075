import type { Attempt, DeliveryDetail } from '@posthorn/client'
import { Link } from '../../kit/link.tsx'
import { Countdown } from '../../kit/time.tsx'
import { formatDuration } from '../../lib/format.ts'
import { deliveries } from '../../strings/en/deliveries.ts'
import { menders, wordsFor } from '../../strings/en/errors.ts'
import styles from './detail.module.css'

const words = deliveries.sentence

/** What happened, in one sentence. Without what happens next: that counts down. */
export function sentenceOf(delivery: DeliveryDetail): string {
  const { state, heldReason, attemptCount, attempts } = delivery
  if (state === 'delivered') return words.delivered(attemptCount, formatDuration(attempts.at(-1)?.durationMs ?? 0))
  if (state === 'exhausted') return words.exhausted(attemptCount)
  if (state === 'cancelled') return words.cancelled
  if (state === 'held') return heldReason === 'set_aside' ? words.setAside : words.held
  return attemptCount === 0 ? words.waiting : words.retrying(attemptCount)
}

/** What happened, why, what happens next and when, and whose it is to mend. */
export function Sentence({ delivery }: { readonly delivery: DeliveryDetail }) {
  const { state, nextAttemptAt, attempts, attemptCount } = delivery
  const last = attempts.at(-1)
  return (
    <div className={styles.sentence}>
      <p className={styles.says}>
        {sentenceOf(delivery)}
        {state === 'pending' && nextAttemptAt !== null && (
          <>
            {' '}
            {attemptCount === 0 ? words.first : words.nextIn} <Countdown to={nextAttemptAt} due={deliveries.dueNow} />.
          </>
        )}
        {delivery.heldReason === 'disabled' && (
          <>
            {' '}
            <Link
              to={'/endpoints/$tenant/$id' as '/'}
              params={{ tenant: delivery.tenant, id: delivery.endpoint } as never}
            >
              {deliveries.openEndpoint}
            </Link>
          </>
        )}
      </p>
      {state !== 'delivered' && last !== undefined && last.error !== null && <Why attempt={last} />}
    </div>
  )
}

/** What an attempt's error means and who mends it: the server's own explanation where there is one. */
export function Why({ attempt }: { readonly attempt: Attempt }) {
  if (attempt.error === null) return null
  const { means, mend, by } = wordsFor(attempt.error)
  const status = attempt.status === null ? '' : `${words.was} ${attempt.status}. `
  return (
    <div className={styles.why}>
      <span>
        {status}
        {attempt.explanation ?? means}
      </span>
      {attempt.explanation === null && <span className={styles.mend}>{mend}</span>}
      <span className={styles.by}>{menders[by]}</span>
    </div>
  )
}
