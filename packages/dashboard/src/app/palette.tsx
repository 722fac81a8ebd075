import type { Found } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { Dialog } from '../kit/dialog.tsx'
import { Icon, type IconName } from '../kit/icon.tsx'
import popup from '../kit/popup.module.css'
import { shortenId } from '../lib/format.ts'
import { useSettled } from '../lib/hooks.ts'
import { shell } from '../strings/index.ts'
import { posthorn } from './client.ts'
import { usePlaces } from './nav.tsx'
import styles from './palette.module.css'
import { useTenant } from './scope.ts'
import { usePermissions } from './session.ts'

type Entry = {
  readonly id: string
  readonly group: string
  readonly icon: IconName
  readonly label: string
  readonly hint?: string
  readonly to: string
  readonly search?: Record<string, string>
}

const words = shell.palette

/** Goes anywhere, and finds anything by its id, key, uid or name. */
export default function Palette({ onClose }: { readonly onClose: () => void }) {
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const list = useRef<HTMLDivElement>(null)
  const navigate = useNavigate()
  const wanted = text.trim()
  const { entries, isSearching, isIncomplete } = useEntries(wanted)
  const current = Math.min(at, entries.length - 1)
  useEffect(() => {
    list.current?.querySelector(`#palette-${current}`)?.scrollIntoView({ block: 'nearest' })
  }, [current])
  const open = (entry: Entry | undefined) => {
    if (entry === undefined) return
    onClose()
    void navigate({ to: entry.to as '/', search: (entry.search ?? {}) as never })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setAt(Math.min(entries.length - 1, current + 1))
    else if (event.key === 'ArrowUp') setAt(Math.max(0, current - 1))
    else if (event.key === 'Enter') open(entries[current])
    else return
    event.preventDefault()
  }
  return (
    <Dialog open onClose={onClose} title={words.title}>
      <input
        autoFocus
        className={styles.input}
        role="combobox"
        aria-label={words.title}
        aria-expanded="true"
        aria-controls="palette"
        aria-activedescendant={entries.length === 0 ? undefined : `palette-${current}`}
        placeholder={words.placeholder}
        autoComplete="off"
        spellCheck={false}
        value={text}
        onKeyDown={onKeyDown}
        onChange={event => {
          setText(event.target.value)
          setAt(0)
        }}
      />
      <div className={styles.list} id="palette" role="listbox" aria-label={words.title} ref={list}>
        {entries.map((entry, index) => (
          <div key={entry.id}>
            {entry.group !== entries[index - 1]?.group && <div className={popup.group}>{entry.group}</div>}
            {/* biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys */}
            <div
              id={`palette-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === current}
              data-highlighted={index === current || undefined}
              className={popup.item}
              onPointerMove={() => setAt(index)}
              onClick={() => open(entry)}
            >
              <Icon name={entry.icon} />
              <bdi>{entry.label}</bdi>
              {entry.hint !== undefined && <bdi className={popup.hint}>{entry.hint}</bdi>}
            </div>
          </div>
        ))}
      </div>
      <div className={popup.empty} role="status">
        {isSearching
          ? words.searching
          : entries.length === 0
            ? words.nothing(wanted)
            : isIncomplete
              ? words.incomplete
              : ''}
      </div>
    </Dialog>
  )
}

function useEntries(wanted: string) {
  const { main, operate } = usePlaces()
  const { canWrite } = usePermissions()
  const tenant = useTenant()
  const q = useSettled(wanted, 200)
  const { data, isFetching } = useQuery({
    queryKey: ['search', tenant, q],
    queryFn: ({ signal }) =>
      tenant === null
        ? posthorn.search.search({ q }, { signal })
        : posthorn.search.searchTenant(tenant, { q }, { signal }),
    enabled: q !== '' && q.length <= 512,
    placeholderData: undefined,
  })
  const found = (q === wanted ? (data?.data ?? []) : []).map(entryOf).filter(entry => entry !== null)
  const pages: Entry[] = [...main, ...operate].map(({ to, label, icon, key }) => ({
    id: to,
    group: words.pages,
    icon,
    label,
    ...(key !== undefined && { hint: `g ${key}` }),
    to,
  }))
  const actions: Entry[] = canWrite
    ? [
        { id: 'register', group: words.actions, icon: 'plus', label: words.registerEndpoint, to: '/endpoints/new' },
        { id: 'publish', group: words.actions, icon: 'plus', label: words.publishEvent, to: '/events/new' },
      ]
    : []
  const fits = ({ label }: Entry) => label.toLowerCase().includes(wanted.toLowerCase())
  return {
    entries: [...found, ...pages.filter(fits), ...actions.filter(fits)],
    isSearching: wanted !== '' && (isFetching || q !== wanted),
    isIncomplete: found.length > 0 && data?.complete === false,
  }
}

const ICONS: Readonly<Record<Found['kind'], IconName>> = {
  tenant: 'tenants',
  event_type: 'types',
  api_key: 'key',
  audit_entry: 'events',
  endpoint: 'endpoints',
  event: 'events',
  delivery: 'deliveries',
  replay: 'replays',
}

function entryOf(found: Found): Entry | null {
  const { kind, tenant, id } = found
  const place = placeOf(found)
  if (place === null) return null
  const label = found.name ?? found.key ?? found.uid ?? shortenId(id)
  const hint = [words.kinds[kind], kind === 'tenant' ? null : tenant].filter(Boolean).join(' · ')
  return { id: `${kind}${tenant}${id}`, group: words.found, icon: ICONS[kind], label, hint, ...place }
}

function placeOf({ kind, tenant, id, href }: Found): Pick<Entry, 'to' | 'search'> | null {
  const part = encodeURIComponent
  if (kind === 'tenant') return { to: `/tenants/${part(id)}` }
  if (kind === 'event_type') return { to: `/event-types/${part(id)}` }
  if (kind === 'api_key') return { to: '/operate/api-keys' }
  if (kind === 'audit_entry') return { to: '/operate/audit' }
  if (tenant === null) return null
  if (href.includes('rejected-events')) return { to: '/operate/rejected', search: { tenant } }
  // A deleted endpoint has no page of its own any longer, only deliveries.
  if (kind === 'endpoint' && href.includes('/deliveries'))
    return { to: '/deliveries', search: { tenant, endpoint: id } }
  const list = { endpoint: 'endpoints', event: 'events', delivery: 'deliveries', replay: 'replays' }[kind]
  return { to: `/${list}/${part(tenant)}/${part(id)}` }
}
