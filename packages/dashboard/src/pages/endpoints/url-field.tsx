import type { EndpointCheck } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { posthorn } from '../../app/client.ts'
import { TextField } from '../../kit/field.tsx'
import { Icon } from '../../kit/icon.tsx'
import { useSettled } from '../../lib/hooks.ts'
import { urlField as words } from '../../strings/en/url-field.ts'
import styles from './url-field.module.css'

/** How long after the last key the server is asked, in milliseconds. */
const SETTLE_MS = 300

/** What the server says of a URL, as it would when the endpoint is registered. Nothing is sent to the receiver. */
export function useUrlCheck(tenant: string, url: string) {
  const wanted = useSettled(url.trim(), SETTLE_MS)
  const query = useQuery({
    queryKey: ['endpoint-check', tenant, wanted],
    queryFn: ({ signal }): Promise<EndpointCheck> => posthorn.endpoints.check(tenant, { url: wanted }, { signal }),
    enabled: wanted !== '' && tenant !== '',
    staleTime: 30_000,
    placeholderData: undefined,
  })
  const isSettled = wanted === url.trim()
  const isOfUrl = ({ field }: { readonly field?: string }) => field === '/url'
  const check = isSettled ? query.data : undefined
  return {
    /** Undefined while it is being asked. */
    error: check?.errors.find(isOfUrl)?.detail,
    warnings: check?.warnings.filter(isOfUrl) ?? [],
    isFine: check !== undefined && !check.errors.some(isOfUrl),
    isChecking: url.trim() !== '' && (!isSettled || query.isFetching) && check === undefined,
  }
}

type Props = {
  readonly tenant: string
  readonly value: string
  readonly onChange: (value: string) => void
  /** What the server said when the form was sent. */
  readonly error?: string | null
  readonly autoFocus?: boolean
}

/** The URL of an endpoint, checked while one types: the guard's reasons in plain words. */
export function UrlField({ tenant, value, onChange, error, autoFocus }: Props) {
  const check = useUrlCheck(tenant, value)
  return (
    <TextField
      label={words.label}
      type="url"
      inputMode="url"
      mono
      autoFocus={autoFocus}
      placeholder="https://"
      value={value}
      onChange={onChange}
      error={check.error ?? error ?? null}
      help={
        <span className={styles.says} aria-live="polite">
          {check.isFine && check.warnings.length === 0 ? (
            <span className={styles.fine}>
              <Icon name="check" size={14} />
              {words.fine}
            </span>
          ) : (
            <span>{check.isChecking ? words.checking : check.error === undefined && !error && words.help}</span>
          )}
          {check.warnings.map(({ code, detail }) => (
            <span key={code} className={styles.warning}>
              <Icon name="warning" size={14} />
              {detail}
            </span>
          ))}
        </span>
      }
    />
  )
}
