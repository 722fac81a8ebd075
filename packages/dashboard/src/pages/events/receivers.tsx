import type { Endpoint } from '@posthorn/client'
import { useQueries, useQuery } from '@tanstack/react-query'
import { posthorn } from '../../app/client.ts'
import { Badge } from '../../kit/badge.tsx'
import { Link } from '../../kit/link.tsx'
import { useSettled } from '../../lib/hooks.ts'
import { shownName } from '../../lib/names.ts'
import { shortUrl } from '../../lib/url.ts'
import { events } from '../../strings/en/events.ts'
import styles from './new.module.css'

const words = events.make

/** How many endpoints are listed, and how many filters are tried on the payload while it is typed. */
const LISTED = 100
const TRIED = 10
const SETTLE_MS = 400

type Receiver = {
  readonly endpoint: Endpoint
  /** Whether its filter lets the payload through; null while that isn't known. */
  readonly passes: boolean | null
  /** Why its filter doesn't. */
  readonly because: string | null
}

export type ReceiversFound = {
  /** Undefined while nothing is chosen or known. */
  readonly list: readonly Receiver[] | undefined
  readonly hasMore: boolean
  /** How many would get the event. Null if that isn't known. */
  readonly count: number | null
  /** Whether a filter could still exclude some of them. */
  readonly isMost: boolean
}

/** The endpoints that want events of a type, and whether their filters let this payload through. */
export function useReceivers(tenant: string | null, type: string | null, payload: unknown): ReceiversFound {
  const { data } = useQuery({
    queryKey: ['endpoints', tenant, 'receivers', type],
    queryFn: ({ signal }) => posthorn.endpoints.list(tenant ?? '', { type: type ?? '', limit: LISTED }, { signal }),
    enabled: tenant !== null && type !== null,
    placeholderData: undefined,
  })
  const settled = useSettled(payload, SETTLE_MS)
  const list = tenant === null || type === null ? undefined : data?.data
  const filtered = (list ?? []).filter(({ filter }) => filter !== null).slice(0, TRIED)
  const trials = useQueries({
    queries: filtered.map(({ id, filter, updatedAt }) => ({
      queryKey: ['trial', tenant, id, updatedAt, type, settled],
      queryFn: async ({ signal }: { signal: AbortSignal }) => {
        const body = { filter: filter ?? {}, types: [type ?? ''], payloads: [settled] }
        return (await posthorn.endpoints.tryFilter(tenant ?? '', body, { signal })).data[0] ?? null
      },
      enabled: settled !== undefined,
      staleTime: 60_000,
    })),
  })
  const receivers = list?.map((endpoint): Receiver => {
    const at = filtered.indexOf(endpoint)
    if (endpoint.filter === null) return { endpoint, passes: true, because: null }
    const trial = at === -1 ? undefined : trials[at]?.data
    if (!trial) return { endpoint, passes: null, because: null }
    return { endpoint, passes: trial.matches, because: trial.matches ? null : trial.decidedBy.because }
  })
  const hasMore = (data?.nextCursor ?? null) !== null
  return {
    list: receivers,
    hasMore,
    count: receivers === undefined || hasMore ? null : receivers.filter(({ passes }) => passes !== false).length,
    isMost: receivers?.some(({ passes }) => passes === null) ?? false,
  }
}

type Props = { readonly tenant: string | null; readonly receivers: ReceiversFound }

/** Who will get the event, before it is published. */
export function Receivers({ tenant, receivers: { list, hasMore } }: Props) {
  return (
    <section className={styles.who} aria-label={words.who}>
      <h2>{words.who}</h2>
      {list === undefined && <p className={styles.muted}>{words.whoUnknown}</p>}
      {list?.length === 0 && <p className={styles.muted}>{words.whoNone}</p>}
      {list !== undefined && list.length > 0 && (
        <>
          <p className={styles.muted}>{words.whoText}</p>
          <ul className={styles.receivers}>
            {list.map(({ endpoint, passes, because }) => (
              <li key={endpoint.id}>
                <div className={styles.receiver}>
                  <Link
                    to={'/endpoints/$tenant/$id' as '/'}
                    params={{ tenant: tenant ?? endpoint.tenant, id: endpoint.id } as never}
                    search={{} as never}
                  >
                    <bdi title={endpoint.url ?? undefined}>{shownName(endpoint.name ?? shortUrl(endpoint.url))}</bdi>
                  </Link>
                  <Verdict endpoint={endpoint} passes={passes} />
                </div>
                {because !== null && <p className={styles.muted}>{because}</p>}
              </li>
            ))}
            {hasMore && <li className={styles.muted}>…</li>}
          </ul>
        </>
      )}
    </section>
  )
}

function Verdict({ endpoint, passes }: Pick<Receiver, 'endpoint' | 'passes'>) {
  if (passes === false) return <Badge icon="minus">{words.excluded}</Badge>
  if (endpoint.state === 'disabled')
    return (
      <Badge tone="violet" icon="pause">
        {words.held}
      </Badge>
    )
  if (passes === null) return <Badge icon="filter">{words.hasFilter}</Badge>
  return (
    <Badge tone="green" icon="check">
      {words.passes}
    </Badge>
  )
}
