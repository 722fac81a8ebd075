import type { FilterTrial } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { usePermissions } from '../../app/session.ts'
import { Button } from '../../kit/button.tsx'
import { Icon } from '../../kit/icon.tsx'
import { JsonEditor, useJson } from '../../kit/json-editor.tsx'
import { Link } from '../../kit/link.tsx'
import { shortenId } from '../../lib/format.ts'
import { useSettled } from '../../lib/hooks.ts'
import { place } from '../../lib/json-document.ts'
import { register as words } from '../../strings/en/register.ts'
import type { Check } from './check.ts'
import { parseFilter } from './draft.ts'
import type { Part } from './form.tsx'
import { trialQuery } from './queries.ts'
import styles from './register.module.css'

type Props = Pick<Part, 'draft' | 'change'> & {
  readonly tenant: string | null
  readonly check: Check
}

/** A filter on the payload, and what it does to the newest events. */
export function FilterField({ draft, change, tenant, check }: Props) {
  const [isOpen, setOpen] = useState(false)
  // What is half written is no filter yet: the events are asked for when one pauses.
  const settled = useSettled(draft.filter, 500)
  const document = useJson(settled)
  if (!isOpen) {
    return (
      <div>
        <Button
          icon="filter"
          onClick={() => {
            change({ filter: words.filter.start })
            setOpen(true)
          }}
        >
          {words.filter.add}
        </Button>
      </div>
    )
  }
  const { value } = parseFilter(settled)
  // What the server said of another filter has no place in this one.
  const isChecked = value != null && check.filter.text === JSON.stringify(value)
  const problems = isChecked ? check.filter.problems : []
  const faults = document.isJson ? place(settled, problems) : document.problems
  const isTried = isChecked && problems.length === 0 && Object.keys(value).length > 0
  return (
    <div className={styles.filter}>
      <JsonEditor
        label={words.filter.label}
        help={words.filter.help}
        value={draft.filter}
        onChange={filter => change({ filter })}
        problems={draft.filter.trim() === '' ? [] : faults}
        minLines={5}
        maxLines={16}
        actions={
          <Button
            small
            kind="quiet"
            onClick={() => {
              change({ filter: '' })
              setOpen(false)
            }}
          >
            {words.filter.remove}
          </Button>
        }
      />
      <p className={styles.help}>{words.filter.operators}</p>
      {tenant !== null && value != null && isTried && draft.types?.length !== 0 && (
        <Preview tenant={tenant} filter={value} types={draft.types} />
      )}
    </div>
  )
}

type PreviewProps = {
  readonly tenant: string
  readonly filter: Record<string, unknown>
  readonly types: readonly string[] | null
}

/** Which of the newest events would be sent, and which part of the filter decided. */
function Preview({ tenant, filter, types }: PreviewProps) {
  const { seesPayloads } = usePermissions()
  const trial = useQuery({ ...trialQuery(tenant, filter, types), enabled: seesPayloads })
  if (!seesPayloads) return <p className={styles.help}>{words.filter.noPermission}</p>
  // What is wrong with the filter stands at its field.
  if (trial.isError) return null
  if (trial.data === undefined) return <p className={styles.help}>{words.filter.trying}</p>
  const { data } = trial.data
  const matched = data.filter(({ matches }) => matches).length
  return (
    <div className={styles.trial} data-stale={trial.isPlaceholderData || undefined}>
      <p role="status">{data.length === 0 ? words.filter.noEvents : words.filter.matched(matched, data.length)}</p>
      {data.length > 0 && (
        <ul aria-label={words.filter.preview} className={styles.trials}>
          {data.map(one => (
            <Trial key={one.event} trial={one} tenant={tenant} showType={types?.length !== 1} />
          ))}
        </ul>
      )}
    </div>
  )
}

type TrialProps = { readonly trial: FilterTrial; readonly tenant: string; readonly showType: boolean }

function Trial({ trial, tenant, showType }: TrialProps) {
  const { event = '', key, type, matches, undecided, decidedBy } = trial
  return (
    <li data-matches={matches || undefined} data-typed={showType || undefined}>
      <span className={styles.mark}>
        <Icon name={matches ? 'check' : 'minus'} size={14} />
        {matches ? words.filter.sent : words.filter.notSent}
      </span>
      <Link to={'/events/$tenant/$id' as '/'} params={{ tenant, id: event } as never} target="_blank">
        <bdi>{key ?? shortenId(event)}</bdi>
      </Link>
      {showType && <bdi className={styles.trialType}>{type}</bdi>}
      <bdi className={styles.because} title={decidedBy.because}>
        {undecided ? words.filter.undecided : decidedBy.because}
      </bdi>
    </li>
  )
}
