/** The records of a stream, read from what the log says has changed. */
import { Buffer } from 'node:buffer'
import { idBytes, idText } from '../../base/ids.ts'
import type { HandedHeaders } from '../../base/listener-request.ts'
import type { Logger } from '../../base/logger.ts'
import type {
  Attempt,
  Delivery,
  DescribedDelivery,
  Endpoint,
  EndpointId,
  PublishedEvent,
  TenantId,
} from '../../base/model.ts'
import type { Keyring } from '../../secrets/keyring.ts'
import type { OpenRequest } from '../../store/operations/listeners/requests.ts'
import type { Store } from '../../store/store.ts'
import type { EndpointChange, Noted } from '../../store/stream-notes.ts'
import { StoreUnavailable } from '../../store/transaction.ts'
import { describeDeliveries } from '../deliveries/describe.ts'
import type { Described } from '../endpoints/authentication.ts'

export type StreamRecord =
  | { readonly kind: 'event'; readonly event: PublishedEvent }
  | { readonly kind: 'delivery'; readonly delivery: DescribedDelivery }
  | { readonly kind: 'attempt'; readonly tenant: TenantId; readonly delivery: Delivery; readonly attempt: Attempt }
  | {
      readonly kind: 'endpoint'
      readonly tenant: TenantId
      readonly id: EndpointId
      readonly change: EndpointChange
      /** Null if it has been deleted. */
      readonly shown: { readonly endpoint: Endpoint; readonly described: Described } | null
    }
  | { readonly kind: 'request'; readonly request: HandedRequest }

/** A request as those who listen get it. */
export type HandedRequest = Omit<OpenRequest, 'headers'> & HandedHeaders

export type RecordSources = {
  readonly store: Pick<Store, 'read'>
  readonly endpoints: { describe(endpoint: Endpoint): Promise<Described> }
  /** Opens what is sealed. */
  readonly keyring: Pick<Keyring, 'open'>
  readonly logger: Pick<Logger, 'error'>
}

/**
 * The record of each item: null if it is no longer there, or if it comes again later in the list, where it would look
 * the same.
 *
 * @param withPayloads whether events have their payloads; if not, they have a byte of them
 */
export async function readRecords(
  { store, endpoints, keyring, logger }: RecordSources,
  items: readonly Noted[],
  withPayloads: boolean,
): Promise<(StreamRecord | null)[]> {
  const last = new Map(items.map((noted, index) => [keyOf(noted), index]))
  const wanted = items.filter((noted, index) => last.get(keyOf(noted)) === index)
  const things = await store.read('readStreamed', {
    items: wanted.filter(({ kind }) => kind !== 'endpoint'),
    withPayloads,
  })
  const shown = new Set(wanted.filter(({ kind }) => kind === 'delivery').map(({ id }) => idText('dlv', id)))
  const described = await describeDeliveries(
    store,
    things.deliveries.filter(({ id }) => shown.has(id)),
  )
  const records = new Map<string, StreamRecord>()
  const put = (noted: Noted, record: StreamRecord) => records.set(keyOf(noted), record)
  for (const event of things.events) {
    put({ kind: 'event', tenant: event.tenant, id: idBytes(event.id) }, { kind: 'event', event })
  }
  for (const delivery of described) {
    put({ kind: 'delivery', tenant: delivery.tenant, id: idBytes(delivery.id) }, { kind: 'delivery', delivery })
  }
  const deliveries = new Map(things.deliveries.map(delivery => [delivery.id, delivery]))
  for (const { delivery: id, tenant, ...attempt } of things.attempts) {
    const delivery = deliveries.get(id)
    if (delivery === undefined) continue
    const { number, startedAtMs } = attempt
    put(
      { kind: 'attempt', tenant, id: idBytes(id), number, startedAtMs },
      { kind: 'attempt', tenant, delivery, attempt },
    )
  }
  for (const opened of things.requests) {
    const request = openRequest({ keyring, logger }, opened)
    const { tenant, delivery, endpoint } = opened
    if (request === null) continue
    const noted: Noted = { kind: 'request', tenant, id: idBytes(delivery), endpoint: idBytes(endpoint) }
    put(noted, { kind: 'request', request })
  }
  for (const noted of wanted) {
    if (noted.kind !== 'endpoint') continue
    const id = idText('ep', noted.id)
    const show =
      noted.change === 'deleted' ? null : await showEndpoint({ store, endpoints, keyring, logger }, noted.tenant, id)
    put(noted, { kind: 'endpoint', tenant: noted.tenant, id, change: noted.change, shown: show })
  }
  return items.map((noted, index) => (last.get(keyOf(noted)) === index ? (records.get(keyOf(noted)) ?? null) : null))
}

function keyOf(noted: Noted): string {
  const more =
    noted.kind === 'attempt' ? `${noted.number} ${noted.startedAtMs}` : noted.kind === 'endpoint' ? noted.change : ''
  return `${noted.kind} ${noted.tenant} ${Buffer.from(noted.id).toString('latin1')} ${more}`
}

/** Null if it was sealed with a key that is no longer there. */
function openRequest({ keyring, logger }: Pick<RecordSources, 'keyring' | 'logger'>, request: OpenRequest) {
  try {
    const opened = JSON.parse(keyring.open(request.endpoint, request.headers)) as HandedHeaders
    return { ...request, ...opened }
  } catch (error) {
    const { tenant, endpoint } = request
    logger.error({ err: error, tenant, endpoint }, 'request not shown in streams')
    return null
  }
}

/** Null if it has been deleted in the meantime: that is another record. */
async function showEndpoint({ store, endpoints, logger }: RecordSources, tenant: TenantId, id: EndpointId) {
  const endpoint = await store.read('getEndpoint', { tenant, id })
  if (endpoint === null) return null
  try {
    return { endpoint, described: await endpoints.describe(endpoint) }
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error
    // One endpoint that can't be shown must not stop the stream for all.
    logger.error({ err: error, tenant, endpoint: id }, 'endpoint not shown in streams')
    return null
  }
}
