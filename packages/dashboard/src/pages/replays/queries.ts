import type { Page, Replay, ReplayBatch } from '@posthorn/client'
import { queryOptions } from '@tanstack/react-query'
import { posthorn } from '../../app/client.ts'
import type { Search } from '../../lib/search.ts'
import { type AnyReplay, isMoving } from './replay.ts'
import type { ReplayBody, Selection } from './selection.ts'

/** In the URL, for replays across tenants. */
export const ACROSS = 'across'

/** How often a replay that runs is looked at. */
const FOLLOW_MS = 1_000

/** The replays of a tenant or of all (null), or those that go across tenants. */
export function listQuery(tenant: string | null, { kind, state, cursor }: Search) {
  const isAcross = tenant === null && kind === ACROSS
  return queryOptions({
    queryKey: ['replays', tenant, isAcross, state, cursor],
    queryFn: async ({ signal }): Promise<Page<AnyReplay>> => {
      const query = { state: state as Replay['state'] | undefined, cursor, limit: 100 }
      if (isAcross) return await posthorn.replays.listBatches(query, { signal })
      return tenant === null
        ? await posthorn.replays.listAll(query, { signal })
        : await posthorn.replays.list(tenant, query, { signal })
    },
    refetchInterval: ({ state: { data } }) => (data?.data.some(isMoving) ? FOLLOW_MS : false),
  })
}

/** The parts of a replay across tenants, one for each tenant that has something to send. */
export function partsQuery(batch: ReplayBatch, cursor: string | undefined) {
  return queryOptions({
    queryKey: ['replays', 'parts', batch.id, cursor],
    queryFn: async ({ signal }): Promise<Page<Replay>> =>
      await posthorn.replays.listAll({ batch: batch.id, cursor, limit: 50 }, { signal }),
    refetchInterval: isMoving(batch) ? FOLLOW_MS : false,
  })
}

/** One replay: of a tenant, or (null) across tenants. */
export function replayQuery(tenant: string | null, id: string) {
  return queryOptions({
    queryKey: ['replays', 'one', tenant, id],
    queryFn: async ({ signal }): Promise<AnyReplay> =>
      tenant === null
        ? await posthorn.replays.getBatch(id, { signal })
        : await posthorn.replays.get(tenant, id, { signal }),
    placeholderData: undefined,
    refetchInterval: ({ state: { data } }) => (data !== undefined && isMoving(data) ? FOLLOW_MS : false),
  })
}

export type Action = 'pause' | 'resume' | 'cancel'

export async function act(action: Action, tenant: string | null, id: string): Promise<AnyReplay> {
  if (tenant !== null) return await posthorn.replays[action](tenant, id)
  return await posthorn.replays[`${action}Batch`](id)
}

export type Count = { readonly deliveries: number | null; readonly tenants: number | null }

/** How many deliveries a replay would create. */
export function countQuery(selection: Selection, body: ReplayBody | null) {
  return queryOptions({
    queryKey: ['replay-count', selection.tenant, body],
    queryFn: async ({ signal }): Promise<Count> => {
      if (selection.tenant !== null) {
        const counted = await posthorn.replays.create(selection.tenant, { ...body, dryRun: true }, { signal })
        return { deliveries: counted.deliveries, tenants: null }
      }
      const { types = [], ...rest } = body!
      const counted = await posthorn.replays.createBatch({ ...rest, types, dryRun: true }, { signal })
      return { deliveries: counted.deliveries, tenants: counted.tenants }
    },
    enabled: body !== null,
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: undefined,
  })
}

export type Started = { readonly id: string; readonly isDuplicate: boolean }

/** Starts a replay. `key` is the caller's own name for it; nothing for none. */
export async function start(selection: Selection, body: ReplayBody, key: string): Promise<Started> {
  const named = key === '' ? {} : { key }
  if (selection.tenant !== null) {
    const made = await posthorn.replays.create(selection.tenant, { ...body, ...named })
    return { id: 'id' in made ? made.id : '', isDuplicate: 'duplicate' in made && made.duplicate === true }
  }
  const { types = [], ...rest } = body
  const made = (await posthorn.replays.createBatch({ ...rest, types, ...named })) as ReplayBatch
  return { id: made.id, isDuplicate: made.duplicate === true }
}
