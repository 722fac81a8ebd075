import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useFilters } from '../../app/scope.ts'
import { isLanguage } from '../../catalogue/receive.tsx'
import { TypeDocs } from '../../catalogue/type-docs.tsx'
import { Copy } from '../../kit/copy.tsx'
import { Icon } from '../../kit/icon.tsx'
import { Link } from '../../kit/link.tsx'
import { ErrorState, PageHeader, Skeleton } from '../../kit/surfaces.tsx'
import { hasStatus } from '../../lib/errors.ts'
import { useDelayed } from '../../lib/hooks.ts'
import { publicTypes as words } from '../../strings/en/public-types.ts'
import { Missing } from './frame.tsx'
import { publicTypeQuery } from './queries.ts'
import styles from './types.module.css'

/** One type: schema, example, and code that receives it. */
export function Page() {
  const { name } = useParams({ strict: false }) as { readonly name: string }
  const [search, change] = useFilters()
  const { data: type, error, isPending, refetch } = useQuery(publicTypeQuery(name))
  const isLate = useDelayed(isPending)
  if (hasStatus(error, 404)) return <Missing name={name} />
  if (error !== null && type === undefined) return <ErrorState error={error} onRetry={() => void refetch()} />
  return (
    <>
      <nav className={styles.back} aria-label={words.title}>
        <Link to={'/types' as '/'} search={{} as never}>
          <Icon name="left" size={14} />
          {words.all}
        </Link>
      </nav>
      {type === undefined ? (
        isLate && <Skeleton width="40%" height={28} />
      ) : (
        <>
          <PageHeader
            title={
              <>
                {type.name} <Copy text={type.name} what={type.name} />
              </>
            }
            note={
              <>
                <bdi>{type.description}</bdi> · <bdi>{type.group}</bdi>
              </>
            }
          />
          <TypeDocs
            type={type}
            language={isLanguage(search.lang) ? search.lang : 'javascript'}
            onLanguage={lang => change({ lang: lang === 'javascript' ? undefined : lang }, true)}
          />
        </>
      )}
    </>
  )
}
