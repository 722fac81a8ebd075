import type {
  ApiKey,
  AuditEntry,
  ListAuditPage,
  ListAuditQuery,
  ListRejectedEventsPage,
  ListSetAsideDeliveriesPage,
} from '@posthorn/client'
import { queryOptions } from '@tanstack/react-query'
import { posthorn } from '../../app/client.ts'
import { idTime } from '../../lib/ids.ts'
import { boundsOf, type Range } from '../../lib/range.ts'
import type { Search } from '../../lib/search.ts'

/** How often pages that the stream says nothing about are read again, in milliseconds. */
const SOON_MS = 3_000
const LATER_MS = 15_000

export const nodesQuery = queryOptions({
  queryKey: ['nodes'],
  queryFn: ({ signal }) => posthorn.operations.listNodes({ signal }),
  refetchInterval: SOON_MS,
})

export const checksQuery = queryOptions({
  queryKey: ['checks'],
  queryFn: ({ signal }) => posthorn.operations.getChecks({ signal }),
  refetchInterval: 4 * LATER_MS,
})

/** Settings change only when a node is restarted. */
export const settingsQuery = queryOptions({
  queryKey: ['settings'],
  queryFn: ({ signal }) => posthorn.operations.getSettings({ signal }),
  staleTime: 60_000,
})

export const looksQuery = queryOptions({
  queryKey: ['portal-looks'],
  queryFn: ({ signal }) => posthorn.portalLooks.get({ signal }),
  staleTime: 60_000,
})

export const egressQuery = queryOptions({
  queryKey: ['egress'],
  queryFn: ({ signal }) => posthorn.egress.get({ signal }),
  staleTime: 60_000,
})

/** Rejected events of a tenant, or of all. Pages behind a cursor stay as they are. */
export function rejectedQuery(tenant: string | null, key: string | undefined, cursor: string | undefined) {
  return queryOptions({
    queryKey: ['rejected', tenant, key, cursor],
    queryFn: ({ signal }): Promise<ListRejectedEventsPage> =>
      posthorn.events.listRejected({ tenant: tenant ?? undefined, key, cursor, limit: 100 }, { signal }),
    refetchInterval: cursor === undefined ? LATER_MS : false,
  })
}

/** Set-aside deliveries of a tenant, or of all. */
export function setAsideQuery(tenant: string | null, cursor: string | undefined) {
  return queryOptions({
    queryKey: ['deliveries', 'set-aside', tenant, cursor],
    queryFn: async ({ signal }): Promise<ListSetAsideDeliveriesPage> => {
      if (tenant === null) return posthorn.deliveries.listSetAside({ cursor, limit: 100 }, { signal })
      const query = { state: 'held', heldReason: 'set_aside', counts: true, cursor, limit: 100 } as const
      const { counts, ...page } = await posthorn.deliveries.list(tenant, query, { signal })
      return { ...page, count: counts?.total ?? 10_000 }
    },
    refetchInterval: cursor === undefined ? LATER_MS : false,
  })
}

/** The parameters of the audit log, besides the period and the tenant. */
export const AUDIT_FILTERS = ['actor', 'action', 'target', 'targetId'] as const

/** A page of the audit log. Pages behind a cursor stay as they are. */
export function auditQuery(tenant: string | null, search: Search, range: Range) {
  const filters = Object.fromEntries(AUDIT_FILTERS.map(name => [name, search[name]]))
  const { cursor } = search
  return queryOptions({
    queryKey: ['audit', tenant, filters, range, cursor],
    queryFn: ({ signal }): Promise<ListAuditPage> => {
      const query = { ...filters, ...boundsOf(range, Date.now()), tenant: tenant ?? undefined, cursor, limit: 100 }
      return posthorn.audit.list(query as ListAuditQuery, { signal })
    },
    refetchInterval: cursor === undefined ? LATER_MS : false,
  })
}

/** One entry of the audit log, found by the time in its id. Null if it isn't there any longer. */
export function auditEntryQuery(id: string | undefined) {
  const ms = id === undefined ? null : idTime(id)
  return queryOptions({
    queryKey: ['audit-entry', id],
    queryFn: async ({ signal }): Promise<AuditEntry | null> => {
      if (ms === null) return null
      const [from, to] = [new Date(ms).toISOString(), new Date(ms + 1).toISOString()]
      const { data } = await posthorn.audit.list({ from, to, limit: 1_000 }, { signal })
      return data.find(entry => entry.id === id) ?? null
    },
    enabled: id !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: undefined,
  })
}

/** How many API keys are listed at most. */
export const MOST_KEYS = 3_000
const KEYS_A_CALL = 1_000

/** All API keys, so that they can be searched by name. */
export const apiKeysQuery = queryOptions({
  queryKey: ['api-keys'],
  queryFn: async ({ signal }): Promise<readonly ApiKey[]> => {
    const keys: ApiKey[] = []
    let cursor: string | undefined
    do {
      const page = await posthorn.apiKeys.list({ cursor, limit: KEYS_A_CALL }, { signal })
      keys.push(...page.data)
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined && keys.length < MOST_KEYS)
    return keys
  },
  refetchInterval: LATER_MS,
})

/** One API key, if it isn't among those listed. */
export function apiKeyQuery(id: string | undefined) {
  return queryOptions({
    queryKey: ['api-keys', id],
    queryFn: ({ signal }) => posthorn.apiKeys.get(id ?? '', { signal }),
    enabled: id !== undefined,
    placeholderData: undefined,
  })
}

/** The newest 1,000 sessions. There are as many as browsers. */
export const sessionsQuery = queryOptions({
  queryKey: ['sessions'],
  queryFn: ({ signal }) => posthorn.sessions.list({ limit: 1_000 }, { signal }).then(page => page.data),
  refetchInterval: LATER_MS,
})
