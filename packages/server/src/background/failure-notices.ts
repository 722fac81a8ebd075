/**
 * What operational events say about failures beyond the notice itself: the event's key and payload, and the receiver's
 * last response. A notice has only the ids; the rest is read when it is published, so that settling a failure costs no
 * more for it.
 */
import { Buffer } from 'node:buffer'
import type { Attempt, DeliveryId, EventId } from '../base/model.ts'
import type { DeliveryFailure, FailureQuery } from '../store/operations/deliveries/failure.ts'
import type { ReadyNotice } from '../store/operations/notices.ts'

/** Larger payloads are left out. In bytes. */
const MAX_PAYLOAD_BYTES = 16_384
/** How much of a response's body is included, in bytes. */
const MAX_BODY_BYTES = 4_096

const ABOUT_FAILURES: ReadonlySet<string> = new Set(
  ['delivery.exhausted', 'endpoint.failing', 'endpoint.disabled'].map(name => `posthorn.${name}`),
)

type Failed = { readonly delivery: DeliveryId; readonly event: EventId; readonly type: string }

/** The members that matter here, of whichever of these types. */
type Data = { readonly deliveries?: readonly Failed[]; readonly delivery?: DeliveryId | null }

/** What to read for a notice before it is published. Null if there is nothing to add to it. */
export function whatToRead({ type, tenant, payload }: ReadyNotice): FailureQuery | null {
  if (!ABOUT_FAILURES.has(type) || tenant === null) return null
  const data = JSON.parse(payload) as Data
  const delivery = deliveryOf(data)
  if (delivery === null) return null
  const events = data.deliveries?.map(({ event }) => event) ?? []
  return { tenant, delivery, events, maxPayloadBytes: MAX_PAYLOAD_BYTES }
}

/** Of gathered deliveries the first one, which is the first in the list as well. */
const deliveryOf = ({ deliveries, delivery = null }: Data): DeliveryId | null => deliveries?.[0]?.delivery ?? delivery

/**
 * The payload to publish, as JSON text.
 * @param failure what was read for it; null if there was nothing to read, or nothing is left
 */
export function payloadWith({ type, payload }: ReadyNotice, failure: DeliveryFailure | null): string {
  if (!ABOUT_FAILURES.has(type)) return payload
  const data = JSON.parse(payload) as Data
  const { deliveries } = data
  const delivery = deliveryOf(data)
  const named =
    deliveries === undefined
      ? { delivery, event: failure?.event ?? null, type: failure?.type ?? null }
      : { deliveries: deliveries.map(each => ({ ...each, key: failure?.keys.get(each.event) ?? null })) }
  const evidence = {
    key: failure?.key ?? null,
    payloadOmitted: delivery !== null && (failure?.payload ?? null) === null,
    lastAttempt: viewAttempt(failure?.lastAttempt ?? null),
  }
  return withPayload({ ...data, ...named, ...evidence }, failure?.payload ?? null)
}

/** Puts an event's payload in as the bytes that it was published as. */
const withPayload = (members: object, payload: Uint8Array | null): string =>
  `${JSON.stringify(members).slice(0, -1)},"payload":${payload === null ? 'null' : Buffer.from(payload).toString()}}`

function viewAttempt(attempt: Attempt | null) {
  if (attempt === null) return null
  const { startedAtMs, durationMs, status, error, responseHeaders, responseBody, responseTruncated } = attempt
  const isCut = responseBody.length > MAX_BODY_BYTES
  return {
    at: new Date(startedAtMs).toISOString(),
    durationMs,
    status,
    error,
    responseHeaders: responseHeaders.flatMap((name, at) => (at % 2 === 0 ? [[name, responseHeaders[at + 1]]] : [])),
    // Streaming: a character that is cut in two is left out.
    responseBody: new TextDecoder('utf-8', { ignoreBOM: true }).decode(responseBody.subarray(0, MAX_BODY_BYTES), {
      stream: isCut,
    }),
    responseTruncated: responseTruncated || isCut,
  }
}
