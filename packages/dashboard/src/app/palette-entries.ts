import type { EventType, Found, Tenant } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import type { IconName } from '../kit/icon.tsx'
import { shortenId } from '../lib/format.ts'
import { useSettled } from '../lib/hooks.ts'
import { idIn, matchScore } from '../lib/match.ts'
import { shownName } from '../lib/names.ts'
import { isLeftOut } from '../lib/portal.ts'
import { common } from '../strings/en/common.ts'
import { shell } from '../strings/index.ts'
import { catalogueQuery } from './catalogue.ts'
import { posthorn } from './client.ts'
import { useLeave } from './leave.ts'
import { setPaused, useLive } from './live.ts'
import { type Place, usePlaces } from './nav.tsx'
import { recentOnes } from './recent.ts'
import { useFilters, useTenant } from './scope.ts'
import { usePermissions } from './session.ts'
import { setTheme, useTheme } from './theme.ts'

const words = shell.palette

export type Group = keyof typeof words.groups

export type Entry = {
  readonly id: string
  readonly group: Group
  readonly icon: IconName
  readonly label: string
  readonly hint?: string
  /** The keys that do the same without the palette. */
  readonly keys?: readonly string[]
  /** Other words for it. */
  readonly synonyms?: string
  /** Where it leads, or (with `run`) what it does. */
  readonly to?: string
  readonly search?: Readonly<Record<string, string | undefined>>
  readonly run?: () => void
}

/** How many of each group are shown while something is typed. */
const SHOWN: Readonly<Record<Group, number>> = {
  recent: 3,
  found: 20,
  pages: 8,
  actions: 8,
  views: 5,
  tenants: 6,
  endpoints: 6,
  types: 6,
}

export type Entries = {
  readonly entries: readonly Entry[]
  /** The server is asked, and might find more. */
  readonly isSearching: boolean
  /** There could be more than was found. */
  readonly isIncomplete: boolean
  /** What is typed is an id: what it leads to is the only thing meant. */
  readonly isId: boolean
}

/** What the palette lists for what was typed: nothing that leads to a page which the portal doesn't have. */
export function useEntries(typed: string, onShortcuts: () => void): Entries {
  const all = useAllEntries(typed, onShortcuts)
  return { ...all, entries: all.entries.filter(({ to }) => to === undefined || !isLeftOut(to)) }
}

function useAllEntries(typed: string, onShortcuts: () => void): Entries {
  const id = idIn(typed)
  const wanted = id ?? typed.trim()
  const found = useFound(wanted, id !== null)
  const { seesPayloads } = usePermissions()
  const endpoints = useEndpoints(id === null ? wanted : '')
  const tenants = useTenants()
  const types = useTypes()
  const fixed = useFixed(onShortcuts)
  if (id !== null) return { ...found, isId: true }
  if (wanted === '') {
    const start = [...recentEntries(), ...fixed.filter(({ group }) => group === 'pages' || group === 'actions')]
    return { entries: start, isSearching: false, isIncomplete: false, isId: false }
  }
  const known = new Set(found.entries.map(keyOf))
  const local = [...recentEntries(), ...fixed, ...tenants, ...types].filter(entry => !known.has(keyOf(entry)))
  const fitting = ranked(local, wanted)
  const has = new Set([...known, ...fitting.map(keyOf)])
  const others = endpoints.filter(entry => !has.has(keyOf(entry)))
  // Not before the server has said what is called so: Enter would lead here.
  const payloads: Entry[] = seesPayloads && !found.isSearching ? [payloadEntry(wanted)] : []
  return {
    entries: [...found.entries, ...fitting, ...others, ...payloads],
    isSearching: found.isSearching,
    isIncomplete: found.isIncomplete,
    isId: false,
  }
}

/** Events with a text in their payload. Keys aren’t searched like that, which has to be said. */
function payloadEntry(text: string): Entry {
  return {
    id: 'payloads',
    group: 'views',
    icon: 'search',
    label: words.inPayloads(text),
    hint: words.wholeKeys,
    to: '/events',
    search: { text },
  }
}

/** What leads to the same place is listed once. */
function keyOf({ to, search, id }: Entry): string {
  return to === undefined ? id : `${to}?${new URLSearchParams(search as Record<string, string> | undefined)}`
}

/** What fits, by group: the group with the best match first, and in it the best match first. */
function ranked(entries: readonly Entry[], typed: string): Entry[] {
  const scored = entries
    .map(entry => ({ entry, score: matchScore(typed, entry.label, `${entry.synonyms ?? ''} ${entry.hint ?? ''}`) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
  const seen = new Set<string>()
  const groups = new Map<Group, Entry[]>()
  for (const { entry } of scored) {
    const key = keyOf(entry)
    const group = groups.get(entry.group) ?? []
    if (seen.has(key) || group.length >= SHOWN[entry.group]) continue
    seen.add(key)
    groups.set(entry.group, [...group, entry])
  }
  return [...groups.values()].flat()
}

function useFound(wanted: string, isId: boolean): Omit<Entries, 'isId'> {
  const tenant = useTenant()
  // An id is mostly pasted: it isn't going to change with the next key.
  const late = useSettled(wanted, 200)
  const q = isId ? wanted : late
  const isAsked = q !== '' && q.length <= 512
  const { data, isFetching } = useQuery({
    queryKey: ['search', tenant, q],
    queryFn: ({ signal }) =>
      tenant === null
        ? posthorn.search.search({ q }, { signal })
        : posthorn.search.searchTenant(tenant, { q }, { signal }),
    enabled: isAsked,
    placeholderData: undefined,
  })
  const entries = (q === wanted ? (data?.data ?? []) : []).map(entryOf).filter(entry => entry !== null)
  return {
    entries: entries.slice(0, SHOWN.found),
    isSearching: wanted !== '' && wanted.length <= 512 && (isFetching || q !== wanted),
    isIncomplete: entries.length > 0 && data?.complete === false,
  }
}

/** Endpoints whose URL, name or uid contains what was typed: the search for ids takes whole names only. */
function useEndpoints(wanted: string): Entry[] {
  const tenant = useTenant()
  const text = useSettled(wanted, 200)
  const { data } = useQuery({
    queryKey: ['endpoints', 'palette', tenant, text],
    queryFn: async ({ signal }) => {
      const query = { text, limit: SHOWN.endpoints }
      const page = await (tenant === null
        ? posthorn.endpoints.listAll(query, { signal })
        : posthorn.endpoints.list(tenant, query, { signal }))
      return page.data
    },
    enabled: text.length >= 2 && text.length <= 256,
    placeholderData: undefined,
  })
  if (text !== wanted) return []
  return (data ?? []).map(endpoint => ({
    id: `endpoint ${endpoint.id}`,
    group: 'endpoints',
    icon: 'endpoints',
    label: shownName(endpoint.name ?? endpoint.url ?? common.listener),
    hint: [endpoint.name === null ? endpoint.uid : endpoint.url, endpoint.tenant].filter(Boolean).join(' · '),
    to: `/endpoints/${encodeURIComponent(endpoint.tenant)}/${encodeURIComponent(endpoint.id)}`,
  }))
}

function useTenants(): Entry[] {
  const { isOperator } = usePermissions()
  const { data } = useQuery({
    queryKey: ['tenants', 'palette'],
    queryFn: ({ signal }) => posthorn.tenants.list({ limit: 1_000 }, { signal }).then(page => page.data),
    enabled: isOperator,
    staleTime: 30_000,
  })
  const [, change] = useFilters()
  return (data ?? []).flatMap(({ id, name }: Tenant): Entry[] => [
    {
      id: `tenant ${id}`,
      group: 'tenants',
      icon: 'tenants',
      label: shownName(name ?? id),
      ...(name !== null && { hint: id }),
      to: `/tenants/${encodeURIComponent(id)}`,
    },
    {
      id: `only ${id}`,
      group: 'actions',
      icon: 'filter',
      label: words.onlyTenant(shownName(name ?? id)),
      synonyms: id,
      run: () => change({ tenant: id, endpoint: undefined, cursor: undefined }),
    },
  ])
}

function useTypes(): Entry[] {
  const { data } = useQuery(catalogueQuery)
  return (data ?? []).map(({ name, group, description }: EventType) => ({
    id: `type ${name}`,
    group: 'types',
    icon: 'types',
    label: name,
    hint: group,
    synonyms: description,
    to: `/event-types/${encodeURIComponent(name)}`,
  }))
}

/** Pages, lists with filters set, and actions: what is there without asking the server. */
function useFixed(onShortcuts: () => void): Entry[] {
  const { main, operate } = usePlaces()
  const { canWrite, canRetry, canManage, isOperator } = usePermissions()
  const { isPaused } = useLive()
  const theme = useTheme()
  const tenant = useTenant()
  const [, change] = useFilters()
  const leave = useLeave()
  const go = (name: keyof typeof words.actions, icon: IconName, to: string, search?: Entry['search']): Entry => ({
    ...words.actions[name],
    id: name,
    group: 'actions',
    icon,
    to,
    search,
  })
  const act = (name: keyof typeof words.actions, icon: IconName, run: () => void, keys?: readonly string[]): Entry => ({
    ...words.actions[name],
    id: name,
    group: 'actions',
    icon,
    run,
    ...(keys !== undefined && { keys }),
  })
  const view = (name: keyof typeof words.views, icon: IconName, to: string, search: Entry['search']): Entry => ({
    ...words.views[name],
    id: name,
    group: 'views',
    icon,
    to,
    search,
  })
  return [
    ...[...main, ...operate].map(pageEntry),
    ...(canManage ? [go('registerEndpoint', 'plus', '/endpoints/new')] : []),
    ...(canWrite ? [go('publishEvent', 'plus', '/events/new')] : []),
    ...(canRetry ? [go('startReplay', 'plus', '/replays/new')] : []),
    ...(canWrite && isOperator ? [go('createType', 'plus', '/event-types', { create: '1' })] : []),
    ...(isOperator && tenant !== null
      ? [act('allTenants', 'tenants', () => change({ tenant: undefined, endpoint: undefined, cursor: undefined }))]
      : []),
    act(isPaused ? 'resume' : 'pause', isPaused ? 'play' : 'pause', () => setPaused(!isPaused)),
    act(theme === 'dark' ? 'light' : 'dark', theme === 'dark' ? 'sun' : 'moon', () =>
      setTheme(theme === 'dark' ? 'light' : 'dark'),
    ),
    act('shortcuts', 'info', onShortcuts, ['?']),
    act('signOut', 'key', () => void leave()),
    view('exhausted', 'cross', '/deliveries', { state: 'exhausted' }),
    view('pending', 'clock', '/deliveries', { state: 'pending' }),
    view('held', 'pause', '/deliveries', { state: 'held' }),
    view('serverErrors', 'warning', '/deliveries', { status: '5xx' }),
    view('noResponse', 'warning', '/deliveries', { status: 'none' }),
    view('failing', 'endpoints', '/endpoints', { health: 'failing' }),
    view('disabled', 'endpoints', '/endpoints', { state: 'disabled' }),
    ...(isOperator ? [view('trouble', 'tenants', '/tenants', { sort: 'trouble' })] : []),
  ]
}

function pageEntry({ to, label, icon, key }: Place): Entry {
  return {
    id: to,
    group: 'pages',
    icon,
    label,
    ...(key !== undefined && { keys: ['g', key] }),
    synonyms: (words.synonyms as Readonly<Record<string, string>>)[to],
    to,
  }
}

const RECENT_ICONS: Readonly<Record<string, IconName>> = {
  deliveries: 'deliveries',
  events: 'events',
  endpoints: 'endpoints',
  'event-types': 'types',
  replays: 'replays',
  tenants: 'tenants',
}

function recentEntries(): Entry[] {
  return recentOnes()
    .filter(({ to }) => to !== location.pathname)
    .map(({ to, page, tenant, name }) => ({
      id: `recent ${to}`,
      group: 'recent',
      icon: RECENT_ICONS[page] ?? 'clock',
      label: shortenId(name),
      hint: [(words.pageKinds as Readonly<Record<string, string>>)[page], tenant].filter(Boolean).join(' · '),
      synonyms: name,
      to,
    }))
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
  const label = shownName(found.name ?? found.key ?? found.uid ?? shortenId(id))
  const hint = [words.kinds[kind], kind === 'tenant' ? (found.name ? id : null) : tenant].filter(Boolean).join(' · ')
  return { id: `${kind} ${tenant} ${id}`, group: 'found', icon: ICONS[kind], label, hint, ...place }
}

function placeOf({ kind, tenant, id, href }: Found): Pick<Entry, 'to' | 'search'> | null {
  const part = encodeURIComponent
  if (kind === 'tenant') return { to: `/tenants/${part(id)}` }
  if (kind === 'event_type') return { to: `/event-types/${part(id)}` }
  if (kind === 'api_key') return { to: '/operate/api-keys', search: { open: id } }
  if (kind === 'audit_entry') return { to: '/operate/audit', search: { open: id } }
  // A replay of several tenants.
  if (tenant === null) return kind === 'replay' ? { to: `/replays/${part(id)}` } : null
  if (href.includes('rejected-events')) return { to: '/operate/rejected', search: { tenant, open: id } }
  // A deleted endpoint has no page of its own any longer, only deliveries.
  if (kind === 'endpoint' && href.includes('/deliveries'))
    return { to: '/deliveries', search: { tenant, endpoint: id } }
  const list = { endpoint: 'endpoints', event: 'events', delivery: 'deliveries', replay: 'replays' }[kind]
  return { to: `/${list}/${part(tenant)}/${part(id)}` }
}
