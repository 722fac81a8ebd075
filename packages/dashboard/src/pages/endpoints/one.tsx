import type { Endpoint } from '@posthorn/client'
import { useQueries, useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useFilters } from '../../app/scope.ts'
import { usePermissions } from '../../app/session.ts'
import { Copy, Id } from '../../kit/copy.tsx'
import { Icon } from '../../kit/icon.tsx'
import { ButtonLink, Link } from '../../kit/link.tsx'
import { Page as Body, EmptyState, ErrorState, PageHeader, Skeleton } from '../../kit/surfaces.tsx'
import { Tabs } from '../../kit/tabs.tsx'
import { hasStatus } from '../../lib/errors.ts'
import { useDelayed } from '../../lib/hooks.ts'
import { common } from '../../strings/en/common.ts'
import { endpoint as words } from '../../strings/en/endpoint.ts'
import { Listener } from '../listen/listener.tsx'
import { HealthBadge, titleOf } from './health.tsx'
import { Actions } from './one/actions.tsx'
import { Activity } from './one/activity.tsx'
import { Notices } from './one/notices.tsx'
import { endpointQuery, heldQuery, openQuery, replaysQuery } from './one/queries.ts'
import { Retries } from './one/retries.tsx'
import { Secrets } from './one/secrets.tsx'
import { Settings } from './one/settings.tsx'
import styles from './one.module.css'
import { rememberedSearch } from './queries.ts'

/** One endpoint: how it does first, then what it gets, and everything that can be changed. */
export function Page() {
  const { tenant, id } = useParams({ strict: false }) as { tenant: string; id: string }
  const query = useQuery(endpointQuery(tenant, id))
  // What the notices count is read at the same time: later it would move everything below them.
  const counted = useQueries({ queries: [openQuery(tenant, id), heldQuery(tenant, id), replaysQuery(tenant, id)] })
  const isPending = query.isPending || (query.data !== undefined && counted.some(count => count.isPending))
  const isLate = useDelayed(isPending)
  return (
    <Body>
      <nav className={styles.crumbs}>
        <Link to="/endpoints" search={rememberedSearch() as never}>
          <Icon name="left" size={14} />
          {words.back}
        </Link>
      </nav>
      {query.data !== undefined && !isPending ? (
        <One key={`${tenant}/${id}`} endpoint={query.data} />
      ) : query.error !== null ? (
        hasStatus(query.error, 404) ? (
          <Missing tenant={tenant} id={id} />
        ) : (
          <ErrorState error={query.error} onRetry={() => void query.refetch()} />
        )
      ) : (
        isLate && <Loading />
      )}
    </Body>
  )
}

function One({ endpoint }: { readonly endpoint: Endpoint }) {
  const [search, change] = useFilters()
  const { tabs } = words
  const navigate = useNavigate()
  const tab = search.tab !== undefined && Object.hasOwn(tabs, search.tab) ? search.tab : 'activity'
  return (
    <>
      <PageHeader
        title={titleOf(endpoint)}
        note={<Note endpoint={endpoint} />}
        actions={<Actions endpoint={endpoint} />}
      />
      <Notices endpoint={endpoint} tab={tab} onOpen={next => change({ tab: next })} />
      {endpoint.kind === 'listener' && (
        <div className={styles.listener}>
          <Listener endpoint={endpoint} onRemoved={() => void navigate({ to: '/endpoints' })} />
        </div>
      )}
      <Tabs
        label={words.tabsLabel}
        value={tab}
        onChange={next => change({ tab: next === 'activity' ? undefined : next })}
        tabs={[
          { value: 'activity', label: tabs.activity, content: <Activity endpoint={endpoint} /> },
          { value: 'settings', label: tabs.settings, content: <Settings endpoint={endpoint} /> },
          { value: 'secrets', label: tabs.secrets, content: <Secrets endpoint={endpoint} /> },
          { value: 'retries', label: tabs.retries, content: <Retries endpoint={endpoint} /> },
        ]}
      />
    </>
  )
}

function Note({ endpoint }: { readonly endpoint: Endpoint }) {
  const { tenant, id, url } = endpoint
  const { isOperator } = usePermissions()
  return (
    <div className={styles.note}>
      <HealthBadge endpoint={endpoint} />
      <span className={styles.url}>
        <bdi>{url ?? common.listener}</bdi>
        {url !== null && <Copy text={url} what={words.copyUrl} />}
      </span>
      {isOperator && (
        <Link to={'/tenants/$tenant' as '/'} params={{ tenant } as never}>
          <bdi>{tenant}</bdi>
        </Link>
      )}
      <Id id={id} />
    </div>
  )
}

function Missing({ tenant, id }: { readonly tenant: string; readonly id: string }) {
  const { title, text, deliveries } = words.notFound
  return (
    <EmptyState
      title={title}
      actions={
        <ButtonLink to="/deliveries" search={{ tenant, endpoint: id } as never}>
          {deliveries}
        </ButtonLink>
      }
    >
      {text}
    </EmptyState>
  )
}

function Loading() {
  return (
    <div className={styles.loading}>
      <Skeleton width={240} height={24} />
      <Skeleton width="50%" />
      <Skeleton width="100%" height={220} />
    </div>
  )
}
