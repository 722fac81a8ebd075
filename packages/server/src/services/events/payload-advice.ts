import type { PayloadFilter, TenantId } from '../../base/model.ts'
import { OPERATIONAL_TYPES } from '../../catalogue/operational-types.ts'
import type { Store } from '../../store/store.ts'
import type { Warning } from '../checks/warnings.ts'
import { adviseOnFreeFilter } from '../endpoints/filter-advice.ts'
import { inTurns } from '../turns.ts'

/**
 * Warns of conditions of a list's filter that no event of these types can satisfy, as for an endpoint.
 *
 * @param filter checked; undefined: there is none
 */
export async function adviseOnPayloadFilter(
  store: Pick<Store, 'read'>,
  tenant: TenantId | null,
  filter: unknown,
  types: readonly string[] | null,
): Promise<Warning[]> {
  if (filter === undefined) return []
  const { types: catalogue } = await store.read('readCatalogue', {})
  // Events of archived types are still there.
  const all = [...catalogue, ...OPERATIONAL_TYPES].map(type => ({ ...type, archivedAtMs: null }))
  return inTurns(tenant ?? '', adviseOnFreeFilter({ filter: filter as PayloadFilter, types }, all, 'filter'))
}
