import { randomInt } from 'node:crypto'
import { newId } from '../../base/ids.ts'
import { type Endpoint, PARTITION_COUNT, type TenantId, WELL } from '../../base/model.ts'
import type { Credentials } from '../../secrets/credentials.ts'
import { createCredentials } from './credentials-input.ts'
import type { CheckedInput, EndpointInput } from './input.ts'
import type { SealedCredentials } from './sealed-credentials.ts'

/** A new endpoint as it will be stored, with its credentials. Without a URL, it has an empty one, or is a listener. */
export function draftEndpoint(
  tenant: TenantId,
  input: Pick<Partial<EndpointInput>, 'state' | 'kind'>,
  checked: CheckedInput,
  sealing: SealedCredentials,
  nowMs: number,
): { readonly endpoint: Endpoint; readonly credentials: Credentials } {
  const id = newId('ep', nowMs)
  const credentials = createCredentials(checked.credentials, nowMs)
  const sealed = sealing.seal({ id, headers: {} }, credentials, checked.headers ?? [])
  const endpoint: Endpoint = {
    id,
    tenant,
    partition: randomInt(PARTITION_COUNT),
    uid: null,
    name: null,
    url: input.kind === 'listener' ? null : (checked.target?.url ?? ''),
    ...sealed,
    types: null,
    filter: null,
    description: null,
    metadata: {},
    signatureHeaders: null,
    schedule: null,
    timeoutMs: null,
    rateLimit: null,
    ordered: false,
    ...checked.settings,
    state: 'enabled',
    disabledReason: null,
    disabledAtMs: null,
    ...(input.state === 'disabled' ? { state: 'disabled', disabledReason: 'manual', disabledAtMs: nowMs } : {}),
    health: WELL,
    seenAtMs: input.kind === 'listener' ? nowMs : null,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  }
  return { endpoint, credentials }
}
