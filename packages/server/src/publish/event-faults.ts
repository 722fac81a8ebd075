/** What is wrong with events: one judgement for those that the API takes and those that were published from SQL. */
import { Buffer } from 'node:buffer'
import type { FieldError } from '../base/errors.ts'
import { isOperational } from '../base/model.ts'
import type { KnownTypes } from '../catalogue/configuration-cache.ts'
import { type Cut, cutEvents } from './cut.ts'

/** Faults named in full for one call; of elements beyond that, the first fault each, so that answers stay small. */
const MAX_FAULTS_IN_FULL = 1_000

const ARCHIVED = 'The event type is archived: it can no longer be published, unless an operator unarchives it.'

/** Elements that are no events, have an unknown or archived type, or a payload that its type's schema refuses (C1). */
export function findFaults({ batch, events, errors }: Cut, types: KnownTypes): readonly FieldError[] {
  let faults: FieldError[] | undefined
  for (const { index, type, value } of events) {
    const at = batch ? `/${index}` : ''
    const known = types.byName.get(type)
    if (known === undefined) {
      faults ??= [...errors]
      faults.push({ field: `${at}/type`, ...(isOperational(type) ? RESERVED_TYPE : UNKNOWN_TYPE) })
      continue
    }
    if (known.type.archivedAtMs !== null) {
      faults ??= [...errors]
      faults.push({ field: `${at}/type`, detail: ARCHIVED, reason: 'event_type_archived' })
      continue
    }
    const found = known.validate(value)
    if (found.length === 0) continue
    faults ??= [...errors]
    const named = faults.length < MAX_FAULTS_IN_FULL ? found : found.slice(0, 1)
    for (const { pointer, detail } of named) faults.push({ field: `${at}/payload${pointer}`, detail, reason: 'schema' })
  }
  if (faults === undefined) return errors
  return batch ? faults.sort((a, b) => elementOf(a) - elementOf(b)) : faults
}

const UNKNOWN_TYPE = { detail: 'The catalogue has no event type of this name.', reason: 'unknown_type' }
const RESERVED_TYPE = { detail: "This type is Posthorn's own: nobody else can publish it.", reason: 'reserved' }

/** `/3/payload/status` → 3. */
function elementOf({ field }: FieldError): number {
  return Number.parseInt(field.slice(1), 10)
}

export type PayloadLimits = {
  /** Objects and arrays inside one another. */
  readonly maxDepth: number
  /** A payload has no more bytes than the body of a call. */
  readonly maxBodyBytes: number
}

/** An event that was not published as the body of a call. */
export type LooseEvent = {
  readonly type: string
  /** null: it is larger than the limit, and was not read. */
  readonly payload: Uint8Array | null
  readonly payloadBytes: number
}

const BEFORE_PAYLOAD = Buffer.from('{"payload":')

/** What a call of the API with this event alone would be refused for (none: it is sound), and the payload, parsed. */
export function checkEvent(
  event: LooseEvent,
  types: KnownTypes,
  limits: PayloadLimits,
): { readonly faults: readonly FieldError[]; readonly value: unknown } {
  const { type, payload, payloadBytes } = event
  if (payload === null) {
    const detail = `A payload may have at most ${limits.maxBodyBytes} bytes; this one has ${payloadBytes}.`
    return { faults: [{ field: '/payload', detail, reason: 'payload_too_large' }], value: undefined }
  }
  // The payload is JSON, or PostgreSQL would not have taken it as such: so it can't reach out of its place.
  const body = Buffer.concat([BEFORE_PAYLOAD, payload, Buffer.from(`,"type":${JSON.stringify(type)}}`)])
  const cut = cutEvents(body, { maxDepth: limits.maxDepth, firstByte: BEFORE_PAYLOAD.length })
  if (!('error' in cut)) return { faults: findFaults(cut, types), value: cut.events[0]?.value }
  const { kind, detail, pointer } = cut.error
  return { faults: [{ field: pointer, detail, reason: kind }], value: undefined }
}
