import { newId } from '../../src/base/ids.ts'
import { type Attempt, type Endpoint, WELL } from '../../src/base/model.ts'
import { packHeaders } from '../../src/store/operations/deliveries/answer-headers.ts'
import { withNotes } from '../../src/store/operations/deliveries/attempt-notes.ts'
import type { NextStep, Settlement } from '../../src/store/operations/deliveries/settlement.ts'
import type { NewEvent, PublishRequest } from '../../src/store/operations/events/publish-request.ts'
import type { LaneItem } from '../../src/store/operations/lanes/lanes.ts'
import type { Store } from '../../src/store/store.ts'

export const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))

export function anEndpoint(tenant: string, over: Partial<Endpoint> = {}): Endpoint {
  return {
    id: newId('ep', Date.now()),
    tenant,
    partition: 7,
    uid: null,
    name: null,
    seenAtMs: null,
    url: 'https://hooks.example.com/a',
    sealedCredentials: bytes('sealed'),
    secretDigest: bytes('digest'),
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
    ...over,
  }
}

/** Stores a tenant and its endpoints. */
export async function aTenant(store: Store, tenant: string, endpoints: readonly Endpoint[] = []): Promise<void> {
  await store.write('putTenant', { id: tenant, name: null, metadata: {}, nowMs: 1 })
  for (const endpoint of endpoints) await store.write('createEndpoint', { endpoint })
}

export function anEvent(endpoints: readonly Endpoint[], over: Partial<NewEvent> = {}): NewEvent {
  return {
    id: newId('evt', Date.now()),
    type: 'T',
    key: null,
    hash: null,
    payload: bytes('{"a":1}'),
    test: false,
    notSent: {},
    deliveries: endpoints.map(({ id, partition, state, ordered }) => ({
      id: newId('dlv', Date.now()),
      endpoint: id,
      partition,
      held: state === 'disabled',
      ordered,
    })),
    ...over,
  }
}

/** A request matched against the current configuration. */
export async function aRequest(store: Store, tenant: string, events: readonly NewEvent[]): Promise<PublishRequest> {
  const configuration = await store.read('readTenantConfiguration', { tenant })
  const catalogue = await store.read('readCatalogue', {})
  return {
    tenant,
    tenantVersion: configuration!.version,
    catalogueVersion: catalogue.version,
    nowMs: 1_000,
    keyExpiresAtMs: 5_000,
    events,
  }
}

export function anAttempt(number: number, over: Partial<Attempt> = {}): Attempt {
  return {
    number,
    startedAtMs: 10_000 + number,
    durationMs: 5,
    outcome: 'failure',
    status: 500,
    error: 'http_server_error',
    detail: null,
    reconnected: false,
    address: '127.0.0.1:443',
    request: null,
    responseHeaders: ['server', 'x'],
    responseBody: bytes('no'),
    responseTruncated: false,
    ...over,
  }
}

export function aSettlement(
  item: Omit<LaneItem, 'replay'>,
  step: NextStep,
  {
    attempt,
    number = item.attempts + 1,
    requestVersion = null,
    sender = null,
    ...over
  }: Partial<Omit<Settlement, 'attempt'>> & {
    attempt?: Attempt
    number?: number
    requestVersion?: number | null
    sender?: number | null
  } = {},
): Settlement {
  const success = step.kind === 'delivered'
  const {
    responseHeaders,
    request: _,
    detail,
    reconnected,
    ...rest
  } = attempt ?? anAttempt(number, success ? { outcome: 'success', status: 204, error: null } : {})
  return {
    tenant: item.tenant,
    delivery: item.delivery,
    endpoint: item.endpoint,
    event: item.event,
    replay: false,
    partition: item.partition,
    epoch: 0,
    attempt: {
      ...rest,
      headers: packHeaders(withNotes(responseHeaders, { detail, reconnected })),
      requestVersion,
      sender,
    },
    step,
    gone: false,
    dueAtMs: item.dueAtMs,
    endedAtMs: 20_000,
    ...over,
  }
}
