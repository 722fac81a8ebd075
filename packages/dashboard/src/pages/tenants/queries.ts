import type { Tenant, TenantStats } from '@posthorn/client'
import { queryOptions } from '@tanstack/react-query'
import { posthorn } from '../../app/client.ts'
import { hasStatus } from '../../lib/errors.ts'
import { boundsOf, type Range } from '../../lib/range.ts'

export const SORTS = ['trouble', 'volume', 'name'] as const
export type Sort = (typeof SORTS)[number]

/** The most tenants that the server ranks. */
const RANKED = 100
const A_PAGE = 100

/** A tenant and what happened to it in the period. `stats` is null if the server didn't say. */
export type Row = { readonly id: string; readonly name: string | null; readonly stats: TenantStats | null }

export type Rows = {
  readonly rows: readonly Row[]
  readonly nextCursor: string | null
  readonly prevCursor: string | null
  /** Whether others might belong on the list, but are only listed by name. */
  readonly isFirst: boolean
  /** Whether all tenants could be looked at. */
  readonly isComplete: boolean
}

type Page = { readonly data: readonly Tenant[]; readonly nextCursor: string | null; readonly prevCursor: string | null }

type Wanted = { readonly sort: Sort; readonly text: string | undefined; readonly cursor: string | undefined }

/** Tenants, those in most trouble first, or with most traffic, or in the order of their ids. */
export function listQuery({ sort, text, cursor }: Wanted, range: Range) {
  return queryOptions({
    queryKey: ['tenants', 'list', sort, text, range, cursor, { live: cursor === undefined }],
    queryFn: async ({ signal }): Promise<Rows> => {
      const bounds = boundsOf(range, Date.now())
      const rank = (by: 'trouble' | 'volume') =>
        posthorn.overview.listTenantStats({ sort: by, limit: RANKED, ...bounds }, { signal })
      const [trouble, volume, page] = await Promise.all([
        rank('trouble'),
        rank('volume'),
        posthorn.tenants.list({ limit: A_PAGE, cursor, ...(text !== undefined && { text }) }, { signal }),
      ])
      const isFirst = trouble.data.length === RANKED || volume.data.length === RANKED
      const isComplete = trouble.complete && volume.complete
      const isByName = sort === 'name' || text !== undefined
      const ranked = sort === 'volume' ? [...volume.data, ...trouble.data] : [...trouble.data, ...volume.data]
      const rows = isByName
        ? byName(page, ranked, !isFirst && isComplete)
        : byRank(page, ranked, isFirst || !isComplete)
      return { ...rows, isFirst: !isByName && isFirst, isComplete }
    },
  })
}

function byName({ data, nextCursor, prevCursor }: Page, ranked: readonly TenantStats[], areAll: boolean) {
  const known = new Map(ranked.map(stats => [stats.tenant, stats]))
  const rows = data.map(({ id, name }) => ({ id, name, stats: known.get(id) ?? (areAll ? nothingOf(id, name) : null) }))
  return { rows, nextCursor, prevCursor }
}

/** Those that were ranked, then those to which nothing happened, unless there are too many to tell. */
function byRank({ data }: Page, ranked: readonly TenantStats[], isCut: boolean) {
  const rows = new Map(ranked.toReversed().map(stats => [stats.tenant, stats]))
  const inOrder: Row[] = [...new Set(ranked.map(({ tenant }) => tenant))].map(id => ({
    id,
    name: rows.get(id)?.name ?? null,
    stats: rows.get(id) ?? null,
  }))
  if (!isCut) {
    for (const { id, name } of data) if (!rows.has(id)) inOrder.push({ id, name, stats: nothingOf(id, name) })
  }
  return { rows: inOrder, nextCursor: null, prevCursor: null }
}

function nothingOf(tenant: string, name: string | null): TenantStats {
  const deliveries = { delivered: 0, exhausted: 0, cancelled: 0 }
  return { tenant, name, deliveries, attempts: 0, failedAttempts: 0, failureRate: null, failingEndpoints: 0 }
}

/** A tenant, or null if there is none. */
export function tenantQuery(id: string) {
  return queryOptions({
    queryKey: ['tenant', id],
    queryFn: ({ signal }) => posthorn.tenants.get(id, { signal }).catch(nullIfMissing),
    placeholderData: undefined,
  })
}

/** How far the erasure of a tenant is. Null if it isn't being erased and never was. */
export function erasureQuery(id: string) {
  return queryOptions({
    queryKey: ['erasure', id],
    queryFn: ({ signal }) => posthorn.tenants.getErasure(id, { signal }).catch(nullIfMissing),
    refetchInterval: ({ state }) => (state.data?.state === 'running' ? 1_000 : false),
    placeholderData: undefined,
  })
}

/** How much is stored about a tenant: what an export takes and an erasure removes. */
export function extentQuery(id: string) {
  return queryOptions({
    queryKey: ['extent', id],
    queryFn: async ({ signal }) => {
      const [endpoints, deliveries] = await Promise.all([
        posthorn.endpoints.list(id, { limit: 1_000 }, { signal }),
        posthorn.deliveries.list(id, { limit: 1, counts: true }, { signal }),
      ])
      const { total = null, pending = null, held = null } = deliveries.counts ?? {}
      return {
        endpoints: endpoints.nextCursor === null ? endpoints.data.length : null,
        deliveries: total,
        waiting: pending === null || held === null ? null : pending + held,
      }
    },
    placeholderData: undefined,
  })
}

function nullIfMissing(error: unknown): null {
  if (hasStatus(error, 404)) return null
  throw error
}
