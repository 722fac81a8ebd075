import type { EventType } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { posthorn } from '../../app/client.ts'
import { usePermissions } from '../../app/session.ts'
import { Combobox } from '../../kit/choices.tsx'
import { events } from '../../strings/en/events.ts'
import styles from './new.module.css'

const words = events.make

/** How many tenants are offered; others are typed in the bar at the top. */
const TENANTS = 1_000

type Props = {
  readonly types: readonly EventType[]
  readonly tenant: string | null
  readonly type: string | null
  readonly onChange: (changes: Record<string, string | undefined>) => void
}

/** For whom an event is published, and of which type: both are in the URL. */
export function Choice({ types, tenant, type, onChange }: Props) {
  const { isOperator } = usePermissions()
  const tenants = useQuery({
    queryKey: ['tenants', 'choice'],
    queryFn: ({ signal }) => posthorn.tenants.list({ limit: TENANTS }, { signal }).then(page => page.data),
    enabled: isOperator,
    staleTime: 30_000,
  })
  return (
    <div className={styles.pair}>
      {isOperator && (
        <Combobox
          label={words.tenant}
          placeholder={words.tenantPlaceholder}
          value={tenant}
          options={(tenants.data ?? []).map(({ id, name }) => ({
            value: id,
            label: name === null || name === id ? id : `${name} (${id})`,
          }))}
          onChange={next => onChange({ tenant: next ?? undefined, event: undefined })}
        />
      )}
      <Combobox
        label={words.type}
        placeholder={words.typePlaceholder}
        value={type}
        options={types
          .filter(({ name, archivedAt }) => archivedAt === null || name === type)
          .map(({ name }) => ({ value: name, label: name }))}
        onChange={next => onChange({ type: next ?? undefined, event: undefined })}
      />
    </div>
  )
}
