import type { Endpoint, SchedulePreview } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { catalogueQuery } from '../../../app/catalogue.ts'
import { posthorn } from '../../../app/client.ts'
import { usePermissions } from '../../../app/session.ts'
import { Button } from '../../../kit/button.tsx'
import { Select } from '../../../kit/choices.tsx'
import { TextField } from '../../../kit/field.tsx'
import { ErrorState } from '../../../kit/surfaces.tsx'
import { toast } from '../../../kit/toast.tsx'
import { fieldError, messageOf } from '../../../lib/errors.ts'
import { formatDuration } from '../../../lib/format.ts'
import { useSettled } from '../../../lib/hooks.ts'
import { MAX_RETRIES, parseSchedule, writeSchedule } from '../../../lib/schedule.ts'
import { endpointChange } from '../../../strings/en/endpoint-change.ts'
import { common } from '../../../strings/index.ts'
import styles from '../one.module.css'
import { useChanged } from './changed.ts'
import { ScheduleAxis } from './schedule-axis.tsx'

const words = endpointChange.retries

type Props = { readonly endpoint: Endpoint }

/** When a delivery that fails is attempted again, on a time axis. */
export function Retries({ endpoint }: Props) {
  const { tenant, id, schedule } = endpoint
  const { canManage } = usePermissions()
  const [type, setType] = useState('')
  const [isEditing, setEditing] = useState(false)
  const query = useQuery({
    queryKey: ['endpoint', tenant, id, 'schedule', type, schedule],
    queryFn: ({ signal }) => posthorn.retries.getEndpointSchedule(tenant, id, type === '' ? {} : { type }, { signal }),
  })
  const types = useTypesWithSchedule()
  if (isEditing) return <Editor endpoint={endpoint} current={query.data} onClose={() => setEditing(false)} />
  return (
    <section className={styles.retries}>
      <div className={styles.latestHead}>
        <h2>{words.title}</h2>
        {canManage && (
          <Button small onClick={() => setEditing(true)}>
            {words.edit}
          </Button>
        )}
      </div>
      {schedule === null && types.length > 0 && (
        <div className={styles.forType}>
          <Select
            label={words.forType}
            value={type}
            options={[{ value: '', label: words.anyType }, ...types.map(name => ({ value: name, label: name }))]}
            onChange={setType}
          />
        </div>
      )}
      {query.data !== undefined && <Preview preview={query.data} />}
      {query.data === undefined && query.error !== null && (
        <ErrorState error={query.error} onRetry={() => void query.refetch()} />
      )}
    </section>
  )
}

/** The types whose schedule isn't the operator's. */
function useTypesWithSchedule(): string[] {
  const { data } = useQuery(catalogueQuery)
  return (data ?? []).filter(({ schedule }) => schedule !== null).map(({ name }) => name)
}

function Preview({ preview }: { readonly preview: SchedulePreview }) {
  const { retries, source } = preview
  const last = retries.at(-1)
  return (
    <>
      <p>
        <b>{words.sources[source]}</b>{' '}
        {words.ends(retries.length, formatDuration((last?.earliestSeconds ?? 0) * 1_000))}
      </p>
      <ScheduleAxis preview={preview} />
      {retries.length > 0 && <p className={styles.small}>{words.random}</p>}
    </>
  )
}

type EditorProps = Props & { readonly current: SchedulePreview | undefined; readonly onClose: () => void }

/** Writes a schedule, and draws it meanwhile. */
function Editor({ endpoint, current, onClose }: EditorProps) {
  const { tenant, id } = endpoint
  const [text, setText] = useState(() => writeSchedule(endpoint.schedule ?? current?.schedule ?? []))
  const [failure, setFailure] = useState<unknown>(null)
  const [isBusy, setBusy] = useState(false)
  const changed = useChanged(tenant, id)
  const { seconds, bad } = parseSchedule(text)
  // While a wait is being written, the schedule before it stays drawn.
  const [whole, setWhole] = useState(seconds)
  if (seconds !== null && seconds.join() !== whole?.join()) setWhole(seconds)
  const settled = useSettled(whole?.join(',') ?? '', 300)
  const preview = useQuery({
    queryKey: ['schedule-preview', settled],
    queryFn: ({ signal }) => posthorn.retries.previewSchedule({ schedule: settled }, { signal }),
  })
  const isTooLong = (seconds?.length ?? 0) > MAX_RETRIES
  const error = bad !== null ? words.bad(bad) : isTooLong ? words.tooMany : fieldError(failure, 'schedule')
  const save = async (schedule: readonly number[] | null) => {
    setBusy(true)
    setFailure(null)
    try {
      const { signingSecret: _, ...saved } = await posthorn.endpoints.update(tenant, id, { schedule })
      toast(words.saved)
      onClose()
      await changed(saved)
    } catch (cause) {
      setFailure(cause)
    } finally {
      setBusy(false)
    }
  }
  return (
    <form
      className={styles.retries}
      onSubmit={event => {
        event.preventDefault()
        if (seconds !== null && !isTooLong) void save(seconds)
      }}
    >
      <div className={styles.latestHead}>
        <h2>{words.title}</h2>
      </div>
      <TextField
        autoFocus
        label={words.field}
        help={words.fieldHelp}
        value={text}
        onChange={setText}
        error={error ?? (failure === null ? null : messageOf(failure))}
      />
      {preview.data !== undefined && <Preview preview={preview.data} />}
      <div className={styles.formActions}>
        <Button type="submit" kind="primary" busy={isBusy} disabled={seconds === null || isTooLong}>
          {endpointChange.save}
        </Button>
        {endpoint.schedule !== null && (
          <Button disabled={isBusy} onClick={() => void save(null)}>
            {words.reset}
          </Button>
        )}
        <Button onClick={onClose}>{common.cancel}</Button>
      </div>
    </form>
  )
}
