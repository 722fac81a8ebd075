import { Buffer } from 'node:buffer'
import { sentenceOf } from '../../base/attempt-details.ts'
import { PosthornError } from '../../base/errors.ts'
import { firstIdAt, parseId } from '../../base/ids.ts'
import type { AttemptResult, Delivery, DeliveryId, EventId, PublishedEvent, TenantId } from '../../base/model.ts'
import type { Notification } from '../../base/notification.ts'
import type { Tenant } from '../../base/tenant.ts'
import type { SentRequest } from '../../base/webhook-request.ts'
import type { DeliveryAttempt } from '../../store/operations/deliveries/attempts.ts'
import type { Store } from '../../store/store.ts'
import { invalid, requireTenant } from '../checks/refusals.ts'
import { hidePayloadFaults } from '../events/hidden-faults.ts'

/** All exports share the thread that reads lists, so more of them would only wait for each other. */
const MAX_AT_ONCE = 4
const PAGE_BYTES = 2 * 1024 * 1024
const FIRST_EVENTS = 8
const MAX_EVENTS = 500
const DELIVERIES_A_PAGE = 500
/** An attempt can have about 32 KiB. */
const ATTEMPTS_A_PAGE = 64
const ENDPOINTS_A_PAGE = 200
/** More than a tenant can have. */
const NOTIFICATIONS = 1_000

/** The last event or delivery that the caller has already; null: none, so that the export begins with the tenant. */
type ExportedUpTo =
  | { readonly event: EventId; readonly delivery: null }
  | { readonly event: null; readonly delivery: DeliveryId }
  | null

type ExportStore = Pick<Store, 'read' | 'now'>

type Counts = Record<'tenant' | 'endpoint' | 'notification' | 'event' | 'delivery' | 'attempt', number>

/**
 * Exports everything about a tenant as NDJSON (docs/retention.md): one object per line, each with its `kind`. The last
 * line counts the others, so that a file that was cut off can be recognised.
 *
 * It reads pages of up to a few megabytes, each after the caller has taken the previous one. So it keeps no one else
 * waiting and needs no more memory for a million rows than for ten. It is not a snapshot: it has the events and
 * deliveries created before it started, each row as it was when its page was read.
 */
export class Exports {
  readonly #store: ExportStore
  /** Tenants whose exports are running. */
  readonly #underWay = new Set<TenantId>()

  constructor(store: Store) {
    this.#store = store
  }

  /**
   * Throws not_found and overloaded here, before the first byte is sent.
   *
   * @param seesPayloads false: payloads and responses are left out, and the lines say so
   * @param after the id of an event or a delivery, to get only what follows it; default: everything
   */
  async open(id: TenantId, seesPayloads: boolean, after?: string | undefined): Promise<AsyncGenerator<Buffer>> {
    const upTo = after === undefined ? null : parseUpTo(after)
    const tenant = await requireTenant(this.#store as Store, id)
    // One per tenant, so that a tenant that starts exports and doesn't read them can't block those of others.
    if (this.#underWay.has(id)) {
      throw new PosthornError(
        'overloaded',
        'An export of this tenant is already running. Try again when it has finished.',
      )
    }
    if (this.#underWay.size >= MAX_AT_ONCE) {
      throw new PosthornError(
        'overloaded',
        `${MAX_AT_ONCE} exports are already running. Try again when one has finished.`,
      )
    }
    return this.#counted(tenant, seesPayloads, upTo)
  }

  async *#counted(tenant: Tenant, seesPayloads: boolean, upTo: ExportedUpTo): AsyncGenerator<Buffer> {
    this.#underWay.add(tenant.id)
    try {
      yield* this.#lines(tenant, seesPayloads, upTo)
    } finally {
      this.#underWay.delete(tenant.id)
    }
  }

  async *#lines(tenant: Tenant, seesPayloads: boolean, upTo: ExportedUpTo): AsyncGenerator<Buffer> {
    const nowMs = this.#store.now()
    const counts: Counts = { tenant: 0, endpoint: 0, notification: 0, event: 0, delivery: 0, attempt: 0 }
    const write = (kind: keyof Counts, members: object): string => {
      counts[kind]++
      return `${JSON.stringify({ kind, ...members })}\n`
    }
    const withPayloads = { write, seesPayloads }
    const begin = `${JSON.stringify({ kind: 'export', version: 1, tenant: tenant.id, at: time(nowMs) })}\n`
    yield Buffer.from(upTo === null ? begin + write('tenant', viewTenant(tenant)) : begin)
    if (upTo === null) {
      yield* this.#endpoints(tenant.id, write)
      yield* this.#notifications(tenant.id, write)
    }
    if (upTo === null || upTo.delivery === null) {
      yield* this.#events(tenant.id, { after: upTo?.event ?? null, before: firstIdAt('evt', nowMs + 1) }, withPayloads)
    }
    const deliveries = { after: upTo?.delivery ?? null, before: firstIdAt('dlv', nowMs + 1) }
    yield* this.#deliveries(tenant.id, deliveries, withPayloads)
    yield Buffer.from(`${JSON.stringify({ kind: 'end', complete: true, counts })}\n`)
  }

  async *#endpoints(tenant: TenantId, write: Write): AsyncGenerator<Buffer> {
    for (let after: string | null = null; ; ) {
      const args: { tenant: string; after: string | null; limit: number } = { tenant, after, limit: ENDPOINTS_A_PAGE }
      const page = await this.#store.read('exportEndpoints', args)
      if (page.length === 0) return
      yield Buffer.from(page.map(endpoint => write('endpoint', endpoint)).join(''))
      after = page.at(-1)!.id as string
    }
  }

  async *#notifications(tenant: TenantId, write: Write): AsyncGenerator<Buffer> {
    const found = await this.#store.read('listNotifications', { tenant, after: null, limit: NOTIFICATIONS })
    if (found.length > 0) yield Buffer.from(found.map(each => write('notification', viewNotification(each))).join(''))
  }

  async *#events(tenant: TenantId, { after: first, before }: Bounds, lines: Lines): AsyncGenerator<Buffer> {
    let limit = FIRST_EVENTS
    for (let after = first; ; ) {
      const page: PublishedEvent[] = await this.#store.read('exportEvents', { tenant, after, before, limit })
      if (page.length === 0) return
      const bytes = page.reduce((sum, { payload }) => sum + payload.length, 0)
      yield Buffer.concat(page.map(event => writeEvent(event, lines)))
      after = page.at(-1)!.id
      // As many events as would have filled a page, judging by the size of the last ones.
      limit = Math.max(1, Math.min(MAX_EVENTS, Math.floor(PAGE_BYTES / (bytes / page.length + 1))))
    }
  }

  async *#deliveries(tenant: TenantId, { after: first, before }: Bounds, lines: Lines): AsyncGenerator<Buffer> {
    for (let after = first; ; ) {
      const args: { tenant: string; after: string | null; before: string; limit: number } = {
        tenant,
        after,
        before,
        limit: DELIVERIES_A_PAGE,
      }
      const page: Delivery[] = await this.#store.read('exportDeliveries', args)
      if (page.length === 0) return
      yield Buffer.from(page.map(delivery => lines.write('delivery', viewDelivery(delivery))).join(''))
      after = page.at(-1)!.id
      yield* this.#attempts(tenant, page[0]!.id, after, lines)
    }
  }

  async *#attempts(tenant: TenantId, from: DeliveryId, to: DeliveryId, lines: Lines): AsyncGenerator<Buffer> {
    for (let after: DeliveryAttempt | null = null; ; ) {
      const behind: Pick<DeliveryAttempt, 'delivery' | 'number' | 'startedAtMs'> | null =
        after === null ? null : { delivery: after.delivery, number: after.number, startedAtMs: after.startedAtMs }
      const args = { tenant, from, to, after: behind, limit: ATTEMPTS_A_PAGE }
      const page: DeliveryAttempt[] = await this.#store.read('exportAttempts', args)
      const written = page.map(each => lines.write('attempt', viewAttempt(each, lines.seesPayloads)))
      if (page.length > 0) yield Buffer.from(written.join(''))
      if (page.length < ATTEMPTS_A_PAGE) return
      after = page.at(-1)!
    }
  }
}

/** Ids of what is exported: later than `after` (null: from the first), and earlier than `before`. */
type Bounds = { readonly after: string | null; readonly before: string }

function parseUpTo(after: string): ExportedUpTo {
  if (parseId('evt', after) !== undefined) return { event: after, delivery: null }
  if (parseId('dlv', after) !== undefined) return { event: null, delivery: after }
  const detail = 'The value must be the id of an event ("evt_") or of a delivery ("dlv_").'
  throw invalid([{ field: 'after', detail }])
}

type Write = (kind: keyof Counts, members: object) => string

type Lines = { readonly write: Write; readonly seesPayloads: boolean }

const time = (ms: number): string => new Date(ms).toISOString()
const timeOrNull = (ms: number | null): string | null => (ms === null ? null : time(ms))

const viewTenant = ({ id, name, metadata, retention, createdAtMs }: Tenant) => ({
  id,
  name,
  metadata,
  retention,
  createdAt: time(createdAtMs),
})

/** Without the path of a chat's URL, which is secret. */
const viewNotification = ({ id, kind, shown, types, confirmedAtMs, createdAtMs }: Notification) => ({
  id,
  // `kind` is the line's own.
  by: kind,
  address: shown,
  types,
  confirmedAt: timeOrNull(confirmedAtMs),
  createdAt: time(createdAtMs),
})

/** Writes the payload as the bytes that it was published as. */
function writeEvent(event: PublishedEvent, { write, seesPayloads }: Lines): Buffer {
  const { id, type, key, test, createdAtMs, notSent, rejected, payload } = event
  const payloadRemoved = payload.length === 0
  const payloadHidden = !seesPayloads
  const members = {
    id,
    type,
    key,
    test,
    createdAt: time(createdAtMs),
    notSent,
    rejected: seesPayloads ? rejected : hidePayloadFaults(rejected),
    payloadRemoved,
    payloadHidden,
  }
  const line = write('event', members).slice(0, -2)
  return Buffer.concat([
    Buffer.from(`${line},"payload":`),
    payloadRemoved || payloadHidden ? Buffer.from('null') : inOneLine(payload),
    Buffer.from('}\n'),
  ])
}

/** Replaces line breaks with spaces: in JSON they only occur between tokens, where a space means the same. */
function inOneLine(payload: Uint8Array): Uint8Array {
  if (!payload.includes(10) && !payload.includes(13)) return payload
  return payload.map(byte => (byte === 10 || byte === 13 ? 32 : byte))
}

function viewDelivery(delivery: Delivery) {
  const { id, event, endpoint, type, state, heldReason, attempts, lastAttempt, dueAtMs, replayOf, test } = delivery
  return {
    id,
    event,
    endpoint,
    type,
    state,
    heldReason,
    attemptCount: attempts,
    lastAttempt: lastAttempt === null ? null : viewResult(lastAttempt),
    nextAttemptAt: timeOrNull(dueAtMs),
    replayOf,
    test,
    createdAt: time(delivery.createdAtMs),
    endedAt: timeOrNull(delivery.endedAtMs),
  }
}

const viewResult = ({ startedAtMs, durationMs, status, error }: AttemptResult) => ({
  at: time(startedAtMs),
  durationMs,
  status,
  error,
})

/** The body is in Base64, because it can be arbitrary bytes. */
function viewAttempt(attempt: DeliveryAttempt, seesPayloads: boolean) {
  const { delivery, number, startedAtMs, durationMs, outcome, status, error, address } = attempt
  const {
    detail,
    reconnected,
    request,
    responseHeaders,
    responseBody,
    responseTruncated,
    responseRemoved = false,
  } = attempt
  return {
    delivery,
    number,
    startedAt: time(startedAtMs),
    durationMs,
    outcome,
    status,
    error,
    detail: detail === null ? null : detail.code,
    explanation: detail === null ? null : sentenceOf(detail, { quotes: seesPayloads }),
    reconnected,
    address,
    request: request === null ? null : viewRequest(request),
    responseHeaders: seesPayloads ? pairs(responseHeaders) : [],
    responseBodyBase64: seesPayloads ? Buffer.from(responseBody).toString('base64') : '',
    responseTruncated,
    responseRemoved,
    responseHidden: !seesPayloads,
  }
}

const viewRequest = ({ url, headers, hasClientCertificate: clientCertificate }: SentRequest) => ({
  method: 'POST',
  url,
  headers: pairs(headers),
  clientCertificate,
})

const pairs = (flat: readonly string[]) => flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1]]] : []))
