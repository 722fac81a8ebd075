import type { Delivery, DeliveryState, HeldReason } from '../../src/base/model.ts'
import { ANY_DELIVERY } from '../../src/store/operations/deliveries/filter.ts'
import type { Store } from '../../src/store/store.ts'

type Wanted = {
  readonly state?: DeliveryState | null
  readonly heldReason?: HeldReason | null
  readonly endpoint?: string | null
  readonly event?: string | null
  readonly type?: string | null
  readonly before?: string | null
  readonly fromMs?: number | null
  readonly toMs?: number | null
}

const one = <Value>(value: Value | null | undefined): readonly Value[] | null => (value == null ? null : [value])

/** A tenant's deliveries, newest first, as far as the first slice has them: all of those in most tests. */
export async function listDeliveries(
  store: Pick<Store, 'read'>,
  tenant: string,
  { state, heldReason = null, endpoint = null, event, type, before = null, fromMs = null, toMs = null }: Wanted = {},
  limit = 1_000,
): Promise<Delivery[]> {
  const found = endpoint === null ? null : await store.read('findEndpointById', { tenant, id: endpoint })
  const filter = { ...ANY_DELIVERY, fromMs, toMs, heldReason, states: one(state), types: one(type), events: one(event) }
  const search = { ...filter, endpoints: one(found), tenant, before, limit, maxRows: 10_000 }
  return [...(await store.read('findDeliveries', search)).items]
}
