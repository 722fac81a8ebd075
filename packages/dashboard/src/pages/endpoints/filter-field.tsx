import type { FilterTrial } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { posthorn } from '../../app/client.ts'
import { usePermissions } from '../../app/session.ts'
import { TextArea } from '../../kit/field.tsx'
import { Icon } from '../../kit/icon.tsx'
import { Hidden } from '../../kit/kbd.tsx'
import { Link } from '../../kit/link.tsx'
import { cx } from '../../lib/cx.ts'
import { errorUnder, hasStatus, isAway } from '../../lib/errors.ts'
import { shortenId } from '../../lib/format.ts'
import { useSettled } from '../../lib/hooks.ts'
import { endpointChange } from '../../strings/en/endpoint-change.ts'
import styles from './filter-field.module.css'

const words = endpointChange.filter

/** How many events the filter is tried on, and how many of them are listed. */
const RECENT = 20
const LISTED = 6

/** A filter as it is typed: an object, null for none, or what is wrong with the text. */
export type ParsedFilter =
  | { readonly value: Record<string, unknown> | null; readonly error: null }
  | { readonly value: undefined; readonly error: string }

export function parseFilter(text: string): ParsedFilter {
  if (text.trim() === '') return { value: null, error: null }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return { value: undefined, error: words.notObject }
    }
    return { value: value as Record<string, unknown>, error: null }
  } catch {
    return { value: undefined, error: words.notJson }
  }
}

type Props = {
  readonly tenant: string
  readonly value: string
  readonly onChange: (value: string) => void
  /** What the endpoint receives; null for all types. */
  readonly types: readonly string[] | null
  readonly error?: string | null
}

/** A filter with what it does to the newest events. */
export function FilterField({ tenant, value, onChange, types, error }: Props) {
  const { seesPayloads } = usePermissions()
  const settled = useSettled(value, 400)
  const parsed = parseFilter(settled)
  const trial = useQuery({
    queryKey: ['filter-trial', tenant, settled, types],
    queryFn: ({ signal }) =>
      posthorn.endpoints.tryFilter(tenant, { filter: parsed.value ?? {}, types, recent: RECENT }, { signal }),
    enabled: parsed.value != null && seesPayloads && (types === null || types.length > 0),
    staleTime: 10_000,
    placeholderData: undefined,
  })
  const refused = trial.error === null || isAway(trial.error) || hasStatus(trial.error, 403) ? null : trial.error
  return (
    <div className={styles.field}>
      <TextArea
        label={words.label}
        help={words.help}
        mono
        rows={5}
        placeholder={words.placeholder}
        value={value}
        onChange={onChange}
        error={parsed.error ?? (refused && errorUnder(refused, 'filter')) ?? error ?? null}
      />
      {trial.data !== undefined && parsed.value != null && (
        <div className={styles.trial}>
          {trial.data.warnings.map(({ code, detail, field }) => (
            <p key={`${code}${field}`} className={styles.warning}>
              <Icon name="warning" size={14} />
              {detail}
            </p>
          ))}
          <p aria-live="polite">
            {words.previewed(trial.data.data.filter(({ matches }) => matches).length, trial.data.data.length)}
          </p>
          <ul>
            {trial.data.data.slice(0, LISTED).map(one => (
              <Trial key={one.event} tenant={tenant} trial={one} />
            ))}
          </ul>
        </div>
      )}
    </div>
  )
}

function Trial({ tenant, trial }: { readonly tenant: string; readonly trial: FilterTrial }) {
  const { event = '', key, type, matches, undecided, decidedBy } = trial
  return (
    <li className={styles.one}>
      <span className={cx(styles.mark, matches ? styles.passes : styles.stopped)}>
        <Icon name={matches ? 'check' : 'minus'} size={14} />
        <Hidden>{undecided ? words.undecided : matches ? words.passes : words.stopped}</Hidden>
      </span>
      <span className={styles.what}>
        <Link to={'/events/$tenant/$id' as '/'} params={{ tenant, id: event } as never}>
          <bdi>{key ?? shortenId(event)}</bdi>
        </Link>{' '}
        <bdi className={styles.muted}>{type}</bdi>
      </span>
      <bdi className={styles.because} title={decidedBy.because}>
        {undecided ? words.undecided : decidedBy.because}
      </bdi>
    </li>
  )
}
