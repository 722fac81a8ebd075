/** Validates events, by the same rules for those from the API and those published from SQL. */

import { Buffer } from 'node:buffer'
import { formatCount } from '../base/counts.ts'
import type { FieldError } from '../base/errors.ts'
import { type EventType, isOperational } from '../base/model.ts'
import type { KnownType } from '../catalogue/configuration-cache.ts'
import { unknownType } from '../catalogue/unknown-type.ts'
import { type Cut, type CutEvent, cutEvents } from './cut.ts'

/** Beyond this number of faults in one call, only the first of each element is reported, to keep the response small. */
const MAX_FAULTS_IN_FULL = 1_000

/** Each suggestion compares a name with the whole catalogue. */
const MAX_SUGGESTIONS = 20

const ARCHIVED = 'The event type is archived and cannot be published unless an operator unarchives it.'

/** What events are checked by. */
export type CheckTypes = {
  readonly byName: ReadonlyMap<string, { readonly type: Pick<EventType, 'archivedAtMs'> } & Pick<KnownType, 'validate'>>
}

/**
 * Finds elements that are not events, have an unknown or archived type, or a payload that violates its schema (C1).
 *
 * Throws NotCompiledYet if a schema has no time to be compiled now.
 *
 * @param watch called before each payload is validated. Default: nothing
 */
export function findFaults(
  { batch, events, errors }: Cut,
  types: CheckTypes,
  watch?: (event: CutEvent) => void,
): readonly FieldError[] {
  let faults: FieldError[] | undefined
  let unknown: ReturnType<typeof createUnknown> | undefined
  for (const event of events) {
    const { index, type, value } = event
    const at = batch ? `/${index}` : ''
    const known = types.byName.get(type)
    if (known === undefined) {
      faults ??= [...errors]
      unknown ??= createUnknown(types)
      faults.push({ field: `${at}/type`, ...(isOperational(type) ? RESERVED_TYPE : unknown(type)) })
      continue
    }
    if (known.type.archivedAtMs !== null) {
      faults ??= [...errors]
      faults.push({ field: `${at}/type`, detail: ARCHIVED, reason: 'event_type_archived' })
      continue
    }
    watch?.(event)
    const found = known.validate(value)
    if (found.length === 0) continue
    faults ??= [...errors]
    const named = faults.length < MAX_FAULTS_IN_FULL ? found : found.slice(0, 1)
    for (const { pointer, detail } of named) faults.push({ field: `${at}/payload${pointer}`, detail, reason: 'schema' })
  }
  if (faults === undefined) return errors
  return batch ? faults.sort((a, b) => elementOf(a) - elementOf(b)) : faults
}

/** Describes unknown types, each name once. Of very many, only the first get a suggestion. */
function createUnknown(types: CheckTypes) {
  const described = new Map<string, Omit<FieldError, 'field'>>()
  return (type: string): Omit<FieldError, 'field'> => {
    let fault = described.get(type)
    if (fault === undefined) {
      fault = unknownType(type, described.size < MAX_SUGGESTIONS ? types.byName.keys() : [])
      described.set(type, fault)
    }
    return fault
  }
}

const RESERVED_TYPE = {
  detail: "The type is reserved for Posthorn's own events and cannot be published.",
  reason: 'reserved',
}

/** `/3/payload/status` → 3. */
function elementOf({ field }: FieldError): number {
  return Number.parseInt(field.slice(1), 10)
}

export type PayloadLimits = {
  /** Maximum nesting of objects and arrays. */
  readonly maxDepth: number
  /** Maximum size of a payload in bytes, the same as that of a request body. */
  readonly maxBodyBytes: number
}

/** An event that did not come in a request body. */
export type LooseEvent = {
  readonly type: string
  /** Null if it is larger than the limit, and was not read. */
  readonly payload: Uint8Array | null
  readonly payloadBytes: number
}

const BEFORE_PAYLOAD = Buffer.from('{"payload":')

/** Finds what the API would refuse this event for (nothing if it is valid), and parses its payload. */
export function checkEvent(
  event: LooseEvent,
  types: CheckTypes,
  limits: PayloadLimits,
): { readonly faults: readonly FieldError[]; readonly value: unknown } {
  const { type, payload, payloadBytes } = event
  if (payload === null) {
    const detail = `A payload can have at most ${formatCount(limits.maxBodyBytes)} bytes; this one has ${formatCount(payloadBytes)}.`
    return { faults: [{ field: '/payload', detail, reason: 'payload_too_large' }], value: undefined }
  }
  // PostgreSQL stores only valid JSON as a payload, so it can't break out of its place in this body.
  const body = Buffer.concat([BEFORE_PAYLOAD, payload, Buffer.from(`,"type":${JSON.stringify(type)}}`)])
  const cut = cutEvents(body, { maxDepth: limits.maxDepth, firstByte: BEFORE_PAYLOAD.length })
  if (!('error' in cut)) return { faults: findFaults(cut, types), value: cut.events[0]?.value }
  const { kind, detail, pointer } = cut.error
  return { faults: [{ field: pointer, detail, reason: kind }], value: undefined }
}
