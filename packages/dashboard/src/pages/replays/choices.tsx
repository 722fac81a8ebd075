import { useQuery } from '@tanstack/react-query'
import { catalogueQuery } from '../../app/catalogue.ts'
import { posthorn } from '../../app/client.ts'
import { Button } from '../../kit/button.tsx'
import { Checkbox, Combobox } from '../../kit/choices.tsx'
import { Popover } from '../../kit/popover.tsx'
import { shortUrl } from '../../lib/url.ts'
import { replays } from '../../strings/en/replays.ts'
import styles from './new.module.css'

const words = replays.make

const LISTED = 1_000

type Change = (changes: Record<string, string | undefined>) => void

/** Stands for all tenants among the choices; no tenant's id is empty. */
const ALL = ''

export function TenantChoice({ tenant, onChange }: { readonly tenant: string | null; readonly onChange: Change }) {
  const { data } = useQuery({
    queryKey: ['tenants', 'choice'],
    queryFn: ({ signal }) => posthorn.tenants.list({ limit: LISTED }, { signal }).then(page => page.data),
    staleTime: 30_000,
  })
  const options = (data ?? []).map(({ id, name }) => ({
    value: id,
    label: name === null || name === id ? id : `${name} (${id})`,
  }))
  return (
    <Combobox
      label={words.tenant}
      placeholder={words.everyTenant}
      value={tenant ?? ALL}
      options={[{ value: ALL, label: words.everyTenant }, ...options]}
      onChange={next => onChange({ tenant: next === ALL ? undefined : (next ?? undefined), endpoint: undefined })}
    />
  )
}

type EndpointProps = { readonly tenant: string; readonly endpoint: string | null; readonly onChange: Change }

export function EndpointChoice({ tenant, endpoint, onChange }: EndpointProps) {
  const { data } = useQuery({
    queryKey: ['endpoints', tenant, 'choice'],
    queryFn: ({ signal }) => posthorn.endpoints.list(tenant, { limit: LISTED }, { signal }).then(page => page.data),
    staleTime: 30_000,
  })
  const options = (data ?? []).map(({ id, uid, name, url }) => ({
    value: id,
    label: name === null ? shortUrl(url) : `${name} (${uid ?? shortUrl(url)})`,
  }))
  return (
    <Combobox
      label={words.endpoint}
      placeholder={words.everyEndpoint}
      value={endpoint ?? ALL}
      options={[{ value: ALL, label: words.everyEndpoint }, ...options]}
      onChange={next => onChange({ endpoint: next === ALL ? undefined : (next ?? undefined) })}
    />
  )
}

type TypesProps = { readonly types: readonly string[]; readonly isNeeded: boolean; readonly onChange: Change }

/** Some types, or all of them. */
export function TypesChoice({ types, isNeeded, onChange }: TypesProps) {
  const { data } = useQuery(catalogueQuery)
  const known = (data ?? []).map(({ name }) => name)
  const toggle = (name: string) => {
    const next = types.includes(name) ? types.filter(one => one !== name) : [...types, name]
    onChange({ type: next.length === 0 ? undefined : next.join(',') })
  }
  const text = types.length === 0 ? (isNeeded ? words.chooseTypes : words.everyType) : types.join(', ')
  return (
    <fieldset className={styles.set}>
      <legend>{words.types}</legend>
      <Popover
        label={words.types}
        trigger={
          <Button className={styles.types} aria-label={`${words.types}: ${text}`}>
            <span>{text}</span>
          </Button>
        }
      >
        <div className={styles.options}>
          {[...known, ...types.filter(name => !known.includes(name))].map(name => (
            <Checkbox key={name} label={name} checked={types.includes(name)} onChange={() => toggle(name)} />
          ))}
        </div>
      </Popover>
    </fieldset>
  )
}
