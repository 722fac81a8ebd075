import type { DeliveryDetail } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { StateBadge } from '../../kit/badge.tsx'
import { JsonView } from '../../kit/json-view.tsx'
import { Link } from '../../kit/link.tsx'
import { formatDuration } from '../../lib/format.ts'
import { shownState } from '../../lib/states.ts'
import { endpoint } from '../../strings/en/endpoint.ts'
import { wordsFor } from '../../strings/en/errors.ts'
import { deliveryQuery } from '../deliveries/queries.ts'
import styles from './one.module.css'

const words = endpoint.test

/** How often a test is looked at until its first attempt has ended, in milliseconds. */
const LOOK_MS = 400

type Props = { readonly tenant: string; readonly delivery: string }

/** What became of a test event: the receiver's response as soon as it is there. */
export function TestResult({ tenant, delivery: id }: Props) {
  const { data: delivery } = useQuery({
    ...deliveryQuery(tenant, id),
    refetchInterval: ({ state }) => ((state.data?.attempts.length ?? 0) > 0 ? false : LOOK_MS),
  })
  const attempt = delivery?.attempts.at(-1)
  return (
    <div className={styles.result} aria-live="polite">
      {delivery === undefined || attempt === undefined ? (
        <p className={styles.muted}>{words.waiting}</p>
      ) : (
        <>
          <p className={styles.resultSays}>
            <StateBadge state={shownState(delivery)} /> {says(delivery)}
          </p>
          {attempt.error !== null && (
            <p className={styles.muted}>{attempt.explanation ?? wordsFor(attempt.error).mend}</p>
          )}
          {attempt.responseBody !== '' && <JsonView text={attempt.responseBody} label={words.response} />}
          <Link to="/deliveries/$tenant/$id" params={{ tenant, id }}>
            {words.open}
          </Link>
        </>
      )}
    </div>
  )
}

function says({ attempts, state }: DeliveryDetail): string {
  const attempt = attempts.at(-1)
  if (attempt === undefined) return ''
  if (attempt.error === null) return words.arrived(attempt.status ?? 0, formatDuration(attempt.durationMs))
  const why = [attempt.status, wordsFor(attempt.error).short].filter(part => part !== null).join(', ')
  return `${words.failed(why)} ${state === 'pending' ? words.retrying : ''}`
}
