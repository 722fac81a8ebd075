/** How things of the model look in answers. What is not named here is not shown. */
import { Buffer } from 'node:buffer'
import {
  type ApiKey,
  type Attempt,
  type AuditEntry,
  type Delivery,
  type Endpoint,
  type Erasure,
  type EventEndpoint,
  type EventType,
  isOperational,
  type PublishedEvent,
  type Replay,
  type Tenant,
} from '../base/model.ts'
import type { Described } from '../services/authentication.ts'
import type { ApiKeyView, AuditEntryView } from './schemas/access.ts'
import type { ErasureView, EventTypeView, TenantView } from './schemas/configuration.ts'
import type { AttemptView, DeliveryDetail, DeliveryView, SetAsideDeliveryView } from './schemas/deliveries.ts'
import type { EndpointView } from './schemas/endpoints.ts'
import type { EventEndpointView, EventView } from './schemas/events.ts'
import type { ReplayView } from './schemas/replays.ts'

const time = (ms: number): string => new Date(ms).toISOString()
const timeOrNull = (ms: number | null): string | null => (ms === null ? null : time(ms))

export function viewTenant({ id, name, metadata, retention, createdAtMs }: Tenant): TenantView {
  return { id, name, metadata, retention, createdAt: time(createdAtMs) }
}

export function viewErasure({ tenant, state, rowsRemoved, requestedAtMs, finishedAtMs }: Erasure): ErasureView {
  const times = { requestedAt: time(requestedAtMs), finishedAt: timeOrNull(finishedAtMs) }
  return { tenant, state, rowsRemoved, ...times }
}

export function viewEventType(type: EventType): EventTypeView {
  const { name, group, description, schema, example, schedule = null, archivedAtMs } = type
  const operational = isOperational(name)
  return { name, group, description, schema, example, schedule, operational, archivedAt: timeOrNull(archivedAtMs) }
}

export function viewEndpoint(endpoint: Endpoint, { authentication, warnings, pausedUntilMs }: Described): EndpointView {
  const { id, tenant, url, types, filter, description, metadata, headers, schedule, timeoutMs, rateLimit } = endpoint
  const { secretFingerprint, nextSecret, signing, clientCertificate, oauth } = authentication
  return {
    id,
    tenant,
    url,
    types,
    filter,
    description,
    metadata,
    headers,
    schedule,
    timeoutMs,
    rateLimit,
    ordered: endpoint.ordered,
    state: endpoint.state,
    disabledReason: endpoint.disabledReason,
    failingSince: timeOrNull(endpoint.health.failingSinceMs),
    pausedUntil: timeOrNull(pausedUntilMs),
    secretFingerprint,
    nextSecret:
      nextSecret === null ? null : { fingerprint: nextSecret.fingerprint, switchAt: time(nextSecret.switchAtMs) },
    signing: signing.map(({ version, fingerprint, publicKey, createdAtMs, untilMs }) => ({
      version,
      fingerprint,
      publicKey,
      createdAt: time(createdAtMs),
      expiresAt: timeOrNull(untilMs),
    })),
    clientCertificate:
      clientCertificate === null
        ? null
        : {
            subject: clientCertificate.subject,
            fingerprint: clientCertificate.fingerprint,
            expiresAt: time(clientCertificate.expiresAtMs),
          },
    oauth,
    createdAt: time(endpoint.createdAtMs),
    updatedAt: time(endpoint.updatedAtMs),
    warnings: warnings.map(({ code, detail }) => ({ code, detail })),
  }
}

export function viewDelivery(delivery: Delivery): DeliveryView {
  const { id, event, endpoint, type, state, heldReason, attempts, dueAtMs, replayOf, test } = delivery
  return {
    id,
    event,
    endpoint,
    type,
    state,
    heldReason,
    attemptCount: attempts,
    nextAttemptAt: timeOrNull(dueAtMs),
    replayOf,
    test,
    createdAt: time(delivery.createdAtMs),
    endedAt: timeOrNull(delivery.endedAtMs),
  }
}

export function viewSetAside(delivery: Delivery): SetAsideDeliveryView {
  return { tenant: delivery.tenant, ...viewDelivery(delivery) }
}

export function viewDeliveryDetail(delivery: Delivery, attempts: readonly Attempt[]): DeliveryDetail {
  return { ...viewDelivery(delivery), attempts: attempts.map(viewAttempt) }
}

function viewAttempt(attempt: Attempt): AttemptView {
  const { number, durationMs, outcome, status, error, address, responseTruncated, responseRemoved = false } = attempt
  return {
    number,
    startedAt: time(attempt.startedAtMs),
    durationMs,
    outcome,
    status,
    error,
    address,
    responseHeaders: pairs(attempt.responseHeaders),
    responseBody: Buffer.from(attempt.responseBody).toString(),
    responseTruncated,
    responseRemoved,
  }
}

function pairs(flat: readonly string[]): string[][] {
  const headers: string[][] = []
  for (let at = 0; at + 1 < flat.length; at += 2) headers.push([flat[at]!, flat[at + 1]!])
  return headers
}

export function viewReplay({ key, state, selection, deliveries, made, skipped, live, ...times }: Replay): ReplayView {
  const { endpoint, event, types, states, missing, fromMs, toMs } = selection
  return {
    id: key,
    state,
    endpoint,
    event,
    types: types === null ? null : [...types],
    states: [...states],
    missing,
    from: timeOrNull(fromMs),
    to: timeOrNull(toMs),
    deliveries,
    made,
    skipped,
    ended: made - live,
    createdAt: time(times.createdAtMs),
    endedAt: timeOrNull(times.endedAtMs),
  }
}

export function viewApiKey({ id, name, scope, tenant, rateLimit, ...times }: ApiKey): ApiKeyView {
  const { createdAtMs, expiresAtMs, revokedAtMs } = times
  return {
    id,
    name,
    scope,
    tenant,
    rateLimit,
    createdAt: time(createdAtMs),
    expiresAt: timeOrNull(expiresAtMs),
    revokedAt: timeOrNull(revokedAtMs),
  }
}

export function viewAuditEntry({
  id,
  atMs,
  actor,
  action,
  target,
  targetId,
  tenant,
  fields,
}: AuditEntry): AuditEntryView {
  const { kind, key, name, address } = actor
  return {
    id,
    at: time(atMs),
    actor: { kind, key, name, address },
    action,
    target: { type: target, id: targetId },
    tenant,
    fields: [...fields],
  }
}

export function viewOutcome({ endpoint, state, reason, delivery, deliveryCount }: EventEndpoint): EventEndpointView {
  return {
    endpoint,
    state,
    reason,
    heldReason: delivery?.heldReason ?? null,
    delivery: delivery?.id ?? null,
    deliveryCount,
    attemptCount: delivery?.attempts ?? 0,
    nextAttemptAt: timeOrNull(delivery?.dueAtMs ?? null),
    endedAt: timeOrNull(delivery?.endedAtMs ?? null),
  }
}

type EventExtras = {
  tenant?: string
  deliveries?: DeliveryView[]
  endpoints?: EventEndpointView[]
  nextEndpoints?: string | null
}

export function writeEvent(event: PublishedEvent): string {
  return writeWithPayload(event, {})
}

/** @param nextEndpoints the cursor that goes on in the list of the event's endpoints */
export function writeEventDetail(
  event: PublishedEvent,
  deliveries: readonly Delivery[],
  endpoints: readonly EventEndpointView[],
  nextEndpoints: string | null,
): string {
  return writeWithPayload(event, {
    deliveries: deliveries.map(viewDelivery),
    endpoints: [...endpoints],
    nextEndpoints,
  })
}

export function writeRejectedEvent(event: PublishedEvent): string {
  return writeWithPayload(event, { tenant: event.tenant })
}

/** JSON text, because the payload goes into it as the bytes that it was published as. */
function writeWithPayload(event: PublishedEvent, extras: EventExtras): string {
  const { id, type, key, test, createdAtMs, notSent, rejected, payload } = event
  const view: EventView & EventExtras = {
    id,
    type,
    key,
    test,
    createdAt: time(createdAtMs),
    notSent,
    rejected,
    payloadRemoved: payload.length === 0,
    ...extras,
  }
  const text = payload.length === 0 ? 'null' : Buffer.from(payload).toString()
  return `${JSON.stringify(view).slice(0, -1)},"payload":${text}}`
}
