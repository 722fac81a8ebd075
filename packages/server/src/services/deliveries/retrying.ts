/** Retries of several deliveries in one call. */
import { PosthornError } from '../../base/errors.ts'
import type { Delivery, DeliveryId, TenantId } from '../../base/model.ts'
import type { Store } from '../../store/store.ts'

/** Retried at the same time, so that they share commits. */
const AT_ONCE = 16

type RefusedRetry = { readonly tenant: TenantId; readonly delivery: DeliveryId; readonly detail: string }

export type Retries = {
  /** Pending deliveries that are due now. */
  readonly madeDue: number
  /** New deliveries, of those that had ended. */
  readonly created: number
  /** Those that had ended, and of whose event there is a newer delivery to the same endpoint. */
  readonly superseded: number
  readonly refused: readonly RefusedRetry[]
}

type Retrying = {
  /** Called before the first of those that are retried, with their tenants. Default: nothing is done. */
  readonly begin?: (tenants: readonly TenantId[]) => Promise<void>
  /** Tells whether it created a new delivery, or (as a dry run) whether it would. Throws what a retry would throw. */
  readonly retry: (tenant: TenantId, id: DeliveryId) => Promise<{ readonly created: boolean }>
}

/**
 * Retries each, unless it has ended and its event was sent to the endpoint again since. So a call that is repeated, after
 * a lost response, sends nothing twice. With a `retry` that only looks, it is a dry run.
 */
export async function retryEach(
  store: Pick<Store, 'read'>,
  deliveries: readonly Pick<Delivery, 'tenant' | 'id' | 'event' | 'endpoint' | 'endedAtMs'>[],
  { begin, retry }: Retrying,
): Promise<Retries> {
  const ended = deliveries.filter(({ endedAtMs }) => endedAtMs !== null)
  const places = ended.map(({ id, event, endpoint }) => ({ id, event, endpoint }))
  const superseded = await store.read('findSuperseded', { deliveries: places })
  const wanted = deliveries.filter(({ id }) => !superseded.has(id))
  if (wanted.length > 0) await begin?.([...new Set(wanted.map(({ tenant }) => tenant))])
  const refused: RefusedRetry[] = []
  let created = 0
  let madeDue = 0
  const retryOne = async ({ tenant, id }: (typeof wanted)[number]): Promise<void> => {
    try {
      if ((await retry(tenant, id)).created) created++
      else madeDue++
    } catch (error) {
      if (!(error instanceof PosthornError) || !['conflict', 'not_found'].includes(error.code)) throw error
      refused.push({ tenant, delivery: id, detail: error.message })
    }
  }
  for (let at = 0; at < wanted.length; at += AT_ONCE) await Promise.all(wanted.slice(at, at + AT_ONCE).map(retryOne))
  return { madeDue, created, superseded: superseded.size, refused }
}
