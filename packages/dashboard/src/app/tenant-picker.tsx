import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Button } from '../kit/button.tsx'
import { TextField } from '../kit/field.tsx'
import { Icon } from '../kit/icon.tsx'
import { Popover } from '../kit/popover.tsx'
import popup from '../kit/popup.module.css'
import { shell } from '../strings/index.ts'
import { posthorn } from './client.ts'
import { useFilters } from './scope.ts'
import styles from './shell.module.css'

/** How many tenants are listed to choose from; others are typed. */
const LISTED = 200

/** The tenant that all pages are about, in the URL. Only for keys that can see several. */
export function TenantPicker() {
  const [search, change] = useFilters()
  const [isOpen, setOpen] = useState(false)
  const [text, setText] = useState('')
  const { data } = useQuery({
    queryKey: ['tenants', 'picker'],
    queryFn: ({ signal }) => posthorn.tenants.list({ limit: LISTED }, { signal }).then(page => page.data),
    enabled: isOpen,
    staleTime: 30_000,
  })
  const wanted = text.trim()
  const matches = (data ?? [])
    .filter(({ id, name }) => `${id} ${name ?? ''}`.toLowerCase().includes(wanted.toLowerCase()))
    .slice(0, 50)
  const choose = (tenant: string | undefined) => {
    setOpen(false)
    setText('')
    change({ tenant, endpoint: undefined, cursor: undefined })
  }
  const trigger = (
    <Button
      className={styles.tenant}
      icon="tenants"
      data-chosen={search.tenant !== undefined || undefined}
      aria-label={`${shell.tenant}: ${search.tenant ?? shell.allTenants}`}
    >
      <span>{search.tenant ?? shell.allTenants}</span>
    </Button>
  )
  return (
    <Popover trigger={trigger} label={shell.tenant} open={isOpen} onOpenChange={setOpen} align="end">
      <form
        onSubmit={event => {
          event.preventDefault()
          if (wanted !== '') choose(matches[0]?.id ?? wanted)
        }}
      >
        <TextField label={shell.findTenant} hideLabel placeholder={shell.findTenant} value={text} onChange={setText} />
      </form>
      <div>
        {wanted === '' && (
          <button type="button" className={popup.item} onClick={() => choose(undefined)}>
            <span className={popup.mark}>{search.tenant === undefined && <Icon name="check" />}</span>
            {shell.allTenants}
          </button>
        )}
        {matches.map(({ id, name }) => (
          <button key={id} type="button" className={popup.item} onClick={() => choose(id)}>
            <span className={popup.mark}>{search.tenant === id && <Icon name="check" />}</span>
            <bdi>{name ?? id}</bdi>
            {name !== null && <span className={popup.hint}>{id}</span>}
          </button>
        ))}
        {wanted !== '' && matches.every(({ id }) => id !== wanted) && (
          <button type="button" className={popup.item} onClick={() => choose(wanted)}>
            <span className={popup.mark} />
            {shell.tenantExact(wanted)}
          </button>
        )}
      </div>
    </Popover>
  )
}
