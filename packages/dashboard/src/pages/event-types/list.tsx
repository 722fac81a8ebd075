import type { EventType } from '@posthorn/client'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useFilters } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { outlineOf } from '../../catalogue/outline.ts'
import { Badge } from '../../kit/badge.tsx'
import { FilterBar } from '../../kit/filter-bar.tsx'
import { Hidden } from '../../kit/kbd.tsx'
import { ButtonLink } from '../../kit/link.tsx'
import { SearchField } from '../../kit/search-field.tsx'
import { EmptyState } from '../../kit/surfaces.tsx'
import { type Column, Table } from '../../kit/table.tsx'
import { apiCurl } from '../../lib/curl.ts'
import { useNarrow } from '../../lib/hooks.ts'
import { eventTypes as words } from '../../strings/en/event-types.ts'
import { Create } from './edit.tsx'
import styles from './list.module.css'
import { typesQuery } from './queries.ts'

/** How many members of a payload are named in a row. */
const SHOWN_MEMBERS = 4

/** All types of the catalogue by group, or the form that creates one. */
export function Page() {
  const [search] = useFilters()
  const { canWrite, isOperator } = usePermissions()
  return search.create !== undefined && canWrite && isOperator ? <Create /> : <List />
}

function List() {
  const [search, change] = useFilters()
  const { canWrite, isOperator } = usePermissions()
  const navigate = useNavigate()
  const isNarrow = useNarrow()
  const list = useQuery(typesQuery)
  const rows = useMemo(() => found(list.data, search.q, search.archived), [list.data, search.q, search.archived])
  const isFiltered = search.q !== undefined || search.archived !== undefined
  const create = canWrite && isOperator && (
    <ButtonLink
      kind="primary"
      small
      icon="plus"
      to="/event-types"
      search={(before: object) => ({ ...before, create: '1' }) as never}
      aria-label={words.create}
    >
      {!isNarrow && words.create}
    </ButtonLink>
  )
  return (
    <div className={styles.page}>
      <h1>
        <Hidden>{words.title}</Hidden>
      </h1>
      <FilterBar
        filters={[
          {
            name: 'archived',
            label: words.filters.archived,
            single: true,
            options: [
              { value: 'false', label: words.filters.inUse },
              { value: 'true', label: words.filters.onlyArchived },
            ],
          },
        ]}
        search={search}
        onChange={change}
        lead={<SearchField label={words.search} value={search.q} onChange={q => change({ q })} />}
      >
        {create}
      </FilterBar>
      <Table
        label={words.title}
        rows={rows}
        columns={COLUMNS}
        keyOf={({ name }) => name}
        groupOf={({ group }) => group}
        onOpen={({ name }) =>
          void navigate({
            to: '/event-types/$name',
            params: { name },
            search: (({ tenant }: { tenant?: string }) => ({ tenant })) as never,
          })
        }
        narrow={row => <NarrowRow row={row} />}
        error={list.error}
        onRetry={() => void list.refetch()}
        {...(isFiltered && { onClearFilters: () => change({ q: undefined, archived: undefined }) })}
        empty={
          <EmptyState
            title={words.empty.title}
            actions={create}
            curl={apiCurl('PUT', '/v1/event-types/ORDER_PAID', {
              group: 'Orders',
              description: 'An order has been paid.',
              schema: { type: 'object', required: ['orderId'], properties: { orderId: { type: 'string' } } },
              example: { orderId: 'order-7' },
            })}
          >
            {words.empty.text}
          </EmptyState>
        }
        foot={rows !== undefined && rows.length > 0 && words.count(rows.length)}
      />
    </div>
  )
}

const COLUMNS: readonly Column<EventType>[] = [
  {
    id: 'name',
    title: words.columns.name,
    width: 'minmax(180px, 1.3fr)',
    cell: ({ name }) => (
      <bdi className={styles.name} title={name}>
        {name}
      </bdi>
    ),
  },
  {
    id: 'description',
    title: words.columns.description,
    width: 'minmax(160px, 2.2fr)',
    cell: ({ description }) => <bdi title={description}>{description}</bdi>,
  },
  {
    id: 'members',
    title: words.columns.members,
    width: 'minmax(120px, 1.4fr)',
    cell: ({ schema }) => <Members schema={schema} />,
  },
  { id: 'state', title: words.filters.archived, width: '112px', align: 'end', cell: row => <State type={row} /> },
]

function Members({ schema }: { readonly schema: unknown }) {
  const names = useMemo(() => membersOf(schema), [schema])
  const rest = names.length - SHOWN_MEMBERS
  return (
    <bdi className={styles.members} title={names.join(', ')}>
      {names.slice(0, SHOWN_MEMBERS).join(', ')}
      {rest > 0 && ` ${words.moreMembers(rest)}`}
    </bdi>
  )
}

/** Whether it is archived, or one of Posthorn's own. Nothing for most. */
export function State({ type }: { readonly type: Pick<EventType, 'archivedAt' | 'operational'> }) {
  if (type.archivedAt !== null) return <Badge>{words.archived}</Badge>
  return type.operational ? <Badge>{words.own}</Badge> : null
}

function NarrowRow({ row }: { readonly row: EventType }) {
  return (
    <div className={styles.two}>
      <div className={styles.line}>
        <bdi className={styles.name}>{row.name}</bdi>
        <State type={row} />
      </div>
      <bdi className={styles.clip}>{row.description}</bdi>
    </div>
  )
}

function membersOf(schema: unknown): string[] {
  return outlineOf(schema).children.flatMap(({ label }) => (label.kind === 'property' ? [label.name] : []))
}

/** The types that fit, by group. Posthorn's own come last: a provider's own types are what one looks for. */
function found(types: readonly EventType[] | undefined, q: string | undefined, archived: string | undefined) {
  if (types === undefined) return undefined
  const wanted = (q ?? '').trim().toLowerCase()
  const fits = (type: EventType) => {
    if (archived !== undefined && (type.archivedAt !== null) !== (archived === 'true')) return false
    if (wanted === '') return true
    const text = [type.name, type.group, type.description, ...membersOf(type.schema)].join('\n').toLowerCase()
    return text.includes(wanted)
  }
  const order = (a: EventType, b: EventType) =>
    Number(a.operational) - Number(b.operational) ||
    a.group.localeCompare(b.group, 'en') ||
    Number(a.group > b.group) - Number(a.group < b.group) ||
    Number(a.archivedAt !== null) - Number(b.archivedAt !== null)
  return types.filter(fits).sort(order)
}
