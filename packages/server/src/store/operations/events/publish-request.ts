/** What is asked of the store to publish events, and what it answers. */
import type { EventId, NotSent, TenantId } from '../../../base/model.ts'
import type { NewDelivery } from '../deliveries/new-deliveries.ts'

export type NewEvent = {
  readonly id: EventId
  readonly type: string
  /** The provider's own id of the event, for idempotency. */
  readonly key: string | null
  /** SHA-256 of type and payload; only looked at where there is a key. */
  readonly hash: Uint8Array | null
  readonly payload: Uint8Array
  readonly test: boolean
  readonly notSent: NotSent
  /** null: they are very many, and made later, from the inbox. */
  readonly deliveries: readonly NewDelivery[] | null
}

/** All or nothing: either every event of the request is stored, or none. */
export type PublishRequest = {
  readonly tenant: TenantId
  /** The versions of the configuration that events were validated and matched against. */
  readonly tenantVersion: number
  readonly catalogueVersion: number
  readonly nowMs: number
  readonly keyExpiresAtMs: number
  /** Of the call (W3C Trace Context), kept with its events. Default: it had none. */
  readonly traceparent?: string | null
  readonly events: readonly NewEvent[]
}

export type PublishArguments = {
  readonly requests: readonly PublishRequest[]
  /** How long to wait for keys that somebody's open transaction holds, milliseconds. */
  readonly keyWaitMs: number
}

export type PublishedItem = {
  readonly id: EventId
  /** null: not known yet, the deliveries are being made; so is `notSent` then. */
  readonly deliveries: number | null
  readonly notSent: NotSent | null
  readonly duplicate: boolean
}

export type PublishResult =
  | { readonly kind: 'stored'; readonly events: readonly PublishedItem[] }
  /** The configuration moved since the request was matched: match again. */
  | { readonly kind: 'stale' }
  /** Events of the tenant wait in the inbox, and an ordered endpoint may be owed them first: store these there too. */
  | { readonly kind: 'behind' }
  /** These events' keys belong to events with another type or payload. */
  | { readonly kind: 'conflict'; readonly indexes: readonly number[] }

/**
 * What the transaction itself answers: of events that are new, nothing, since whoever asked for them knows them. A
 * thousand small objects on the way back from the store's thread cost more than their rows.
 */
export type StoredResult =
  | { readonly kind: 'stored'; readonly duplicates: readonly DuplicateItem[] }
  | Exclude<PublishResult, { kind: 'stored' }>

/** An event that was there before, and its place in the request. */
export type DuplicateItem = Omit<PublishedItem, 'duplicate'> & { readonly index: number }

/** The answer to a request, out of the request and what the transaction says of it. */
export function toPublishResult({ events }: PublishRequest, result: StoredResult): PublishResult {
  if (result.kind !== 'stored') return result
  const items = events.map((event): PublishedItem => ({ ...itemOf(event), duplicate: false }))
  for (const { index, ...item } of result.duplicates) items[index] = { ...item, duplicate: true }
  return { kind: 'stored', events: items }
}

export const itemOf = ({ id, deliveries, notSent }: NewEvent): Omit<PublishedItem, 'duplicate'> =>
  deliveries === null ? { id, deliveries, notSent: null } : { id, deliveries: deliveries.length, notSent }
