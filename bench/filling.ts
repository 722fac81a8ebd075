/** Shared by benches that put rows into a store without sending anything. */
import type { Endpoint } from '../packages/server/src/base/model.ts'
import { WELL } from '../packages/server/src/base/model.ts'

/** Returns an endpoint that only exists for its rows: it has no valid secret, so nothing can be sent to it. */
export const anEndpoint = (place: Pick<Endpoint, 'id' | 'tenant' | 'partition'>): Endpoint => ({
  ...place,
  uid: null,
  name: null,
  seenAtMs: null,
  url: 'https://hooks.example.com/a',
  sealedCredentials: new Uint8Array(64),
  secretDigest: null,
  types: null,
  filter: null,
  description: null,
  metadata: {},
  headers: {},
  signatureHeaders: null,
  schedule: null,
  timeoutMs: null,
  rateLimit: null,
  ordered: false,
  state: 'enabled',
  disabledReason: null,
  disabledAtMs: null,
  health: WELL,
  expiry: { secretMs: null, certificateMs: null },
  createdAtMs: 1,
  updatedAtMs: 1,
})
