import { useQuery } from '@tanstack/react-query'
import { useFilters } from '../../app/scope.ts'
import { Button } from '../../kit/button.tsx'
import { Link } from '../../kit/link.tsx'
import { SearchField } from '../../kit/search-field.tsx'
import { EmptyState, ErrorState, PageHeader } from '../../kit/surfaces.tsx'
import { publicTypes as words } from '../../strings/en/public-types.ts'
import { publicTypesQuery } from './queries.ts'
import styles from './types.module.css'

type Listed = { readonly name: string; readonly group: string; readonly description: string }

/** All types in use, by group. */
export function Page() {
  const [search, change] = useFilters()
  const { data, error, refetch } = useQuery(publicTypesQuery)
  const found = (data ?? []).filter(type => fits(type, search.q))
  return (
    <>
      <PageHeader title={words.title} note={words.lead} />
      {error !== null && data === undefined && <ErrorState error={error} onRetry={() => void refetch()} />}
      {data !== undefined && data.length === 0 && <EmptyState title={words.none} />}
      {data !== undefined && data.length > 0 && (
        <>
          <div className={styles.find}>
            <SearchField label={words.search} value={search.q} onChange={q => change({ q }, true)} />
            <span role="status" className={styles.muted}>
              {found.length === 0 ? words.noMatch : words.count(found.length)}
            </span>
            {found.length === 0 && (
              <Button small onClick={() => change({ q: undefined }, true)}>
                {words.clear}
              </Button>
            )}
          </div>
          {groupsOf(found).map(([group, types]) => (
            <section key={group} className={styles.group}>
              <h2>
                <bdi>{group}</bdi>
              </h2>
              <ul>
                {types.map(type => (
                  <One key={type.name} type={type} />
                ))}
              </ul>
            </section>
          ))}
        </>
      )}
    </>
  )
}

function One({ type: { name, description } }: { readonly type: Listed }) {
  return (
    <li>
      <Link to={'/types/$name' as '/'} params={{ name } as never} search={{} as never} className={styles.name}>
        <bdi>{name}</bdi>
      </Link>
      <p className={styles.muted}>
        <bdi>{description}</bdi>
      </p>
    </li>
  )
}

function fits({ name, group, description }: Listed, q: string | undefined): boolean {
  const wanted = (q ?? '').trim().toLowerCase()
  return `${name}\n${group}\n${description}`.toLowerCase().includes(wanted)
}

/** By group, each in the order of names that the API returns. */
function groupsOf(types: readonly Listed[]): [group: string, types: Listed[]][] {
  const groups = new Map<string, Listed[]>()
  for (const type of types) groups.set(type.group, [...(groups.get(type.group) ?? []), type])
  return [...groups].toSorted(([a], [b]) => a.localeCompare(b, 'en'))
}
