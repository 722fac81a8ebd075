import type { Endpoint } from '../../src/base/model.ts'
import type { Store } from '../../src/store/store.ts'

const ANY = { states: null, health: null, uid: null, url: null, text: null }
export const ANY_ENDPOINT = { ...ANY, maxBytes: 1_048_576, nowMs: 1 }

/** A tenant's endpoints, up to 1,000, newest first. */
export async function endpointsOf(store: Store, tenant: string): Promise<readonly Endpoint[]> {
  const find = { ...ANY_ENDPOINT, tenant, before: null, rows: 1_000, limit: 1_000 }
  return (await store.read('findEndpoints', find)).items
}
