import { ApiError, type PutEventType } from '@posthorn/client'
import { useNavigate } from '@tanstack/react-router'
import { LinkButton } from '../../kit/button.tsx'
import { Banner } from '../../kit/surfaces.tsx'
import { toast } from '../../kit/toast.tsx'
import { messageOf } from '../../lib/errors.ts'
import { eventTypes } from '../../strings/en/event-types.ts'
import styles from './edit.module.css'
import { tenantOf } from './queries.ts'

const words = eventTypes.check

type Props = {
  readonly result: PutEventType | undefined
  readonly error: unknown
  readonly isNew: boolean
  readonly isDirty: boolean
  readonly isReady: boolean
  readonly isChecking: boolean
}

/** What saving would come to: what the server said when it was asked without storing anything. */
export function CheckResult({ result, error, isNew, isDirty, isReady, isChecking }: Props) {
  return (
    <div className={styles.check} role="status" aria-label={words.label}>
      <Outcome {...{ result, error, isNew, isDirty, isReady, isChecking }} />
      {result !== undefined && !isChecking && result.warnings.length > 0 && (
        <Banner tone="warning">
          {words.warnings}
          <ul className={styles.list}>
            {result.warnings.map(({ field, detail }) => (
              <li key={`${field}${detail}`}>
                {field !== undefined && <code>{field}</code>} {detail}
              </li>
            ))}
          </ul>
        </Banner>
      )}
    </div>
  )
}

function Outcome({ result, error, isNew, isDirty, isReady, isChecking }: Props) {
  if (!isDirty && !isNew) return <p className={styles.note}>{eventTypes.form.unchanged}</p>
  if (!isReady) return <p className={styles.note}>{words.wait}</p>
  if (isChecking) return <p className={styles.note}>{words.checking}</p>
  if (error instanceof ApiError && error.code === 'schema_conflict') return <Conflict error={error} />
  if (error instanceof ApiError && error.fields.length > 0) return <p className={styles.note}>{words.wait}</p>
  if (error !== null && error !== undefined) return <Banner tone="error">{messageOf(error)}</Banner>
  if (result === undefined) return null
  if (isNew) return <Banner tone="success">{words.isNew}</Banner>
  if (result.checkedEvents === null) return <Banner tone="success">{words.same}</Banner>
  return <Banner tone="success">{result.checkedEvents === 0 ? words.none : words.fine(result.checkedEvents)}</Banner>
}

/** Which places of recent payloads the schema would refuse, and an event for each. */
function Conflict({ error }: { readonly error: ApiError }) {
  const navigate = useNavigate()
  const open = async (event: string) => {
    const tenant = await tenantOf(event).catch(() => null)
    if (tenant === null) return toast(words.noEvent, { tone: 'error' })
    await navigate({ to: '/events/$tenant/$id' as '/', params: { tenant, id: event } as never })
  }
  return (
    <Banner tone="error">
      {error.detail.split('. ')[0]}.
      <ul className={styles.list}>
        {error.fields.map(({ detail }) => {
          const event = /evt_[0-9a-z]+/.exec(detail)?.[0]
          return (
            <li key={detail}>
              <bdi>{detail}</bdi>{' '}
              {event !== undefined && <LinkButton onClick={() => void open(event)}>{words.openEvent}</LinkButton>}
            </li>
          )
        })}
      </ul>
    </Banner>
  )
}
