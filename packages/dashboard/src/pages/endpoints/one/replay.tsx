import type { CreatedReplay, CreateReplayBody, Endpoint } from '@posthorn/client'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { posthorn } from '../../../app/client.ts'
import { Checkbox, Select } from '../../../kit/choices.tsx'
import { ConfirmDialog } from '../../../kit/dialog.tsx'
import { TextField } from '../../../kit/field.tsx'
import { toast } from '../../../kit/toast.tsx'
import { messageOf } from '../../../lib/errors.ts'
import { fromField, toField } from '../../../lib/time-field.ts'
import { endpoint as strings } from '../../../strings/en/endpoint.ts'
import styles from '../one.module.css'

const words = strings.replay

type Start = keyof typeof words.starts
type Which = keyof typeof words.states

const AGO_MS: Readonly<Partial<Record<Start, number>>> = { hour: 3_600_000, day: 86_400_000, week: 7 * 86_400_000 }

/** The first failure ends after its event was published: with timeouts, a rate limit or a queue, minutes after. */
const BEFORE_MS = 10 * 60_000

type Props = { readonly endpoint: Endpoint; readonly onClose: () => void }

/** Sends what was published since a time again. It is counted first; the page shows the progress. */
export function ReplayDialog({ endpoint, onClose }: Props) {
  const { tenant, failingSince } = endpoint
  const client = useQueryClient()
  const [openedAt] = useState(() => Date.now())
  const [start, setStart] = useState<Start>(failingSince === null ? 'day' : 'failing')
  const [own, setOwn] = useState(() => toField(openedAt - 3_600_000))
  const [which, setWhich] = useState<readonly Which[]>(['exhausted'])
  const from = fromOf(start, own, failingSince, openedAt)
  const body = bodyOf(endpoint, from, which)
  const count = useQuery({
    queryKey: ['replay-count', tenant, body],
    queryFn: ({ signal }) => posthorn.replays.create(tenant, { ...body, dryRun: true }, { signal }),
    enabled: body !== null,
    placeholderData: undefined,
  })
  const deliveries = body === null ? 0 : count.data?.deliveries
  const replay = async () => {
    if (body === null) return
    const created = (await posthorn.replays.create(tenant, body)) as CreatedReplay
    toast(words.started(created.deliveries))
    await client.invalidateQueries({ queryKey: ['replays'] })
  }
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={words.title}
      action={deliveries === undefined ? words.counting : words.count(deliveries)}
      disabled={deliveries === undefined || deliveries === 0}
      onConfirm={replay}
    >
      <div className={styles.form}>
        <Select label={words.since} value={start} options={startsFor(failingSince)} onChange={setStart} />
        {start === 'own' && (
          <TextField label={words.own} type="datetime-local" step={1} value={own} onChange={setOwn} />
        )}
        <fieldset className={styles.choices}>
          <legend>{words.which}</legend>
          {(Object.keys(words.states) as Which[]).map(one => (
            <Checkbox
              key={one}
              label={words.states[one]}
              checked={which.includes(one)}
              onChange={next => setWhich(next ? [...which, one] : which.filter(other => other !== one))}
            />
          ))}
        </fieldset>
        <p>{which.length === 0 ? words.nothingChosen : words.help}</p>
        {count.error !== null && (
          <p role="alert" className={styles.error}>
            {messageOf(count.error)}
          </p>
        )}
      </div>
    </ConfirmDialog>
  )
}

function startsFor(failingSince: string | null): { value: Start; label: string }[] {
  return (Object.keys(words.starts) as Start[])
    .filter(value => value !== 'failing' || failingSince !== null)
    .map(value => ({ value, label: words.starts[value] }))
}

function fromOf(start: Start, own: string, failingSince: string | null, now: number): string | null {
  if (start === 'own') return fromField(own)
  if (start === 'failing') {
    return failingSince === null ? null : new Date(Date.parse(failingSince) - BEFORE_MS).toISOString()
  }
  return new Date(now - (AGO_MS[start] ?? 0)).toISOString()
}

/** The call's body. Null if nothing is chosen, or the time isn't one. */
function bodyOf(endpoint: Endpoint, from: string | null, which: readonly Which[]): CreateReplayBody | null {
  if (from === null || which.length === 0) return null
  const states = which.filter(one => one !== 'missing')
  return { endpoint: endpoint.id, from, states, missing: which.includes('missing') }
}
