/** What the store takes to publish events, and what it returns. */
import type { Actor } from '../../../base/callers.ts'
import type { EventId, NotSent, TenantId } from '../../../base/model.ts'
import type { NewDelivery } from '../deliveries/new-deliveries.ts'
import { type KeptCall, packResponse } from '../idempotent-calls.ts'

export type NewEvent = {
  readonly id: EventId
  readonly type: string
  /** The publisher's own key of the event, for idempotency. */
  readonly key: string | null
  /** SHA-256 of type and payload; only used if there is a key. */
  readonly hash: Uint8Array | null
  readonly payload: Uint8Array
  readonly test: boolean
  readonly notSent: NotSent
  /** null: there are very many, which are created later, from the inbox. */
  readonly deliveries: readonly NewDelivery[] | null
}

/** Either every event of the request is stored, or none. */
export type PublishRequest = {
  readonly tenant: TenantId
  /** The versions of the configuration that the events were validated and matched against. */
  readonly tenantVersion: number
  readonly catalogueVersion: number
  readonly nowMs: number
  readonly keyExpiresAtMs: number
  /** The call's trace context (W3C Trace Context), kept with its events. Default: none. */
  readonly traceparent?: string | null
  readonly events: readonly NewEvent[]
  /** Who tests the endpoint that the first event goes to. Default: it is no test. */
  readonly by?: Actor | undefined
  readonly once?: PublishOnce | undefined
}

/** The call that the request comes from, if it has an `Idempotency-Key`. */
export type PublishOnce = {
  readonly call: KeptCall
  /**
   * `event`, `batch`: the response is to the publishing call, and replaces that of `call`. Only the transaction knows it,
   * because it finds out which events exist already. `given`: the response of `call` is complete.
   */
  readonly response: 'event' | 'batch' | 'given'
}

export type PublishArguments = {
  readonly requests: readonly PublishRequest[]
  /** How long to wait for keys that someone's open transaction holds, in milliseconds. */
  readonly keyWaitMs: number
}

export type PublishedItem = {
  readonly id: EventId
  readonly key: string | null
  /** null: not known yet, because the deliveries are still being created; `notSent` is null then, too. */
  readonly deliveries: number | null
  readonly notSent: NotSent | null
  readonly duplicate: boolean
}

export type PublishResult =
  | { readonly kind: 'stored'; readonly events: readonly PublishedItem[] }
  /** The configuration has changed since the request was matched: match again. */
  | { readonly kind: 'stale' }
  /** An ordered endpoint might have to get the tenant's events in the inbox first: store these there, too. */
  | { readonly kind: 'behind' }
  /** The keys of these events belong to events with another type or payload. */
  | { readonly kind: 'conflict'; readonly indexes: readonly number[] }
  /** The call was made before: nothing was stored. */
  | { readonly kind: 'repeated' }

/**
 * What the transaction itself returns: nothing about new events, since the caller knows them. Returning a thousand
 * small objects from the store's thread cost more than storing their rows.
 */
export type StoredResult =
  | { readonly kind: 'stored'; readonly duplicates: readonly DuplicateItem[] }
  | Exclude<PublishResult, { kind: 'stored' }>

/** An event that existed before, and its place in the request. */
export type DuplicateItem = Omit<PublishedItem, 'key' | 'duplicate'> & { readonly index: number }

/** Builds the result of a request from the request and what the transaction returned. */
export function toPublishResult({ events }: PublishRequest, result: StoredResult): PublishResult {
  if (result.kind !== 'stored') return result
  const items = events.map((event): PublishedItem => ({ ...itemOf(event), duplicate: false }))
  for (const { index, id, deliveries, notSent } of result.duplicates) {
    items[index] = { id, key: events[index]!.key, deliveries, notSent, duplicate: true }
  }
  return { kind: 'stored', events: items }
}

export const itemOf = ({ id, key, deliveries, notSent }: NewEvent): Omit<PublishedItem, 'duplicate'> =>
  deliveries === null ? { id, key, deliveries, notSent: null } : { id, key, deliveries: deliveries.length, notSent }

/** The body of the response to a publishing call. It is here because the call is stored with it (`PublishOnce`). */
export function publishedBody(events: readonly PublishedItem[], isBatch: boolean): string {
  const views = events.map(({ id, key, deliveries, notSent, duplicate }) =>
    duplicate ? { id, key, deliveries, notSent, duplicate } : { id, key, deliveries, notSent },
  )
  return JSON.stringify(isBatch ? { data: views } : views[0])
}

/** The call to be stored with a request's events. */
export function callOf(request: PublishRequest, { call, response }: PublishOnce, result: StoredResult): KeptCall {
  const stored = toPublishResult(request, result)
  if (response === 'given' || stored.kind !== 'stored') return call
  const body = publishedBody(stored.events, response === 'batch')
  return { ...call, response: new TextEncoder().encode(packResponse({ headers: {}, body })) }
}
