/** What checking threads do. Everything here also runs without a thread, and gives the same results. */
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { FieldError } from '../../base/errors.ts'
import type { CutError, CutLimits } from '../../base/json-scanner.ts'
import { checkEventType, type EventTypeDefinition } from '../../catalogue/event-type.ts'
import { compileSchema, type SchemaFault } from '../../catalogue/schema.ts'
import { type Cut, cutEvents } from '../cut.ts'
import { type CheckTypes, checkEvent, findFaults, type LooseEvent, type PayloadLimits } from '../event-faults.ts'

export type Job =
  /** Cuts a body and checks its events. `needsEvents`: whether the result has the events. */
  | { readonly kind: 'body'; readonly body: Uint8Array; readonly limits: CutLimits; readonly needsEvents: boolean }
  /** Checks an event that did not come in a body. */
  | { readonly kind: 'event'; readonly event: LooseEvent; readonly limits: PayloadLimits }
  /** Checks the definition of an event type. */
  | { readonly kind: 'type'; readonly definition: EventTypeDefinition }
  /** Which payloads that satisfy one schema violate another. */
  | {
      readonly kind: 'schemas'
      readonly before: unknown
      readonly after: unknown
      readonly payloads: readonly Uint8Array[]
    }

export type JobResults = {
  body: { readonly error: CutError } | CheckedBody
  event: readonly FieldError[]
  type: readonly FieldError[]
  /** For each payload what is wrong with it; null if it isn't JSON, or violates the earlier schema too. */
  schemas: readonly (readonly SchemaFault[] | null)[]
}

export type CheckedBody = {
  readonly batch: boolean
  /** Whether elements are not even events. */
  readonly hasErrors: boolean
  /** Everything that is wrong, including elements that are not events. */
  readonly faults: readonly FieldError[]
  readonly events: PackedEvents | null
}

/** Events as columns: a thousand small objects would take the main thread longer to receive. */
export type PackedEvents = {
  /** The types that occur. */
  readonly types: readonly string[]
  /** By event: its type's index, where its payload begins and ends, and whether its key was given as `id`. */
  readonly numbers: Int32Array
  readonly keys: readonly (string | null)[]
  /** 32 bytes for each event with a key. */
  readonly hashes: Uint8Array
}

export const NUMBERS_AN_EVENT = 4
export const HASH_BYTES = 32

/** What a job tells while it works, so that its thread can be ended, and the caller be told why. */
export type Watch = {
  /** The body is cut, and schemas are compiled: from here on, time depends on the schemas. */
  validating(): void
  /** An event's payload is about to be validated. */
  at(type: string, index: number, isInBatch: boolean): void
}

/** The catalogue, with what is needed to compile schemas before they are used. */
export type JobTypes = CheckTypes & { compile(type: string): void }

export function runJob<Kind extends Job['kind']>(
  job: Extract<Job, { kind: Kind }>,
  types: JobTypes,
  watch: Watch,
): JobResults[Kind]
export function runJob(job: Job, types: JobTypes, watch: Watch): JobResults[Job['kind']] {
  switch (job.kind) {
    case 'body':
      return checkBody(job, types, watch)
    case 'event':
      types.compile(job.event.type)
      watch.validating()
      watch.at(job.event.type, 0, false)
      return checkEvent(job.event, types, job.limits).faults
    case 'type':
      return checkEventType(job.definition)
    case 'schemas':
      return compareSchemas(job)
  }
}

function checkBody(
  { body, limits, needsEvents }: Extract<Job, { kind: 'body' }>,
  types: JobTypes,
  watch: Watch,
): JobResults['body'] {
  const cut = cutEvents(body, limits)
  if ('error' in cut) return cut
  const { batch, errors } = cut
  for (const { type } of cut.events) types.compile(type)
  watch.validating()
  const faults = findFaults(cut, types, ({ type, index }) => watch.at(type, index, batch))
  return { batch, hasErrors: errors.length > 0, faults, events: needsEvents ? packEvents(body, cut) : null }
}

function packEvents(body: Uint8Array, { events }: Cut): PackedEvents {
  const types = new Map<string, number>()
  const numbers = new Int32Array(events.length * NUMBERS_AN_EVENT)
  const keys: (string | null)[] = []
  const hashes: Uint8Array[] = []
  for (const [index, { type, key = null, usesId, payload }] of events.entries()) {
    const typeAt = types.get(type) ?? types.size
    types.set(type, typeAt)
    const start = payload.byteOffset - body.byteOffset
    numbers.set([typeAt, start, start + payload.length, usesId ? 1 : 0], index * NUMBERS_AN_EVENT)
    keys.push(key)
    if (key !== null) hashes.push(hashOf(type, payload))
  }
  const packed = new Uint8Array(hashes.length * HASH_BYTES)
  for (const [index, hash] of hashes.entries()) packed.set(hash, index * HASH_BYTES)
  return { types: [...types.keys()], numbers, keys, hashes: packed }
}

/** Two events with the same key are the same if this hash is equal. No type has a NUL in its name. */
export function hashOf(type: string, payload: Uint8Array): Uint8Array {
  return createHash('sha256').update(type).update('\0').update(payload).digest()
}

type Compare = (payloads: readonly Uint8Array[]) => JobResults['schemas']
/** Kept because a comparison comes in parts, and compiling takes longest. */
let lastComparison: { readonly key: string; readonly compare: Compare } | undefined

export function compareSchemas({
  before,
  after,
  payloads,
}: Omit<Extract<Job, { kind: 'schemas' }>, 'kind'>): JobResults['schemas'] {
  const key = JSON.stringify([before, after])
  if (lastComparison?.key !== key) lastComparison = { key, compare: createComparison(before, after) }
  return lastComparison.compare(payloads)
}

function createComparison(before: unknown, after: unknown): Compare {
  const [inForce, next] = [compileSchema(before), compileSchema(after)]
  if (!inForce.ok || !next.ok) return payloads => payloads.map(() => null)
  return payloads =>
    payloads.map(payload => {
      const value = parse(payload)
      return value === undefined || inForce.validate(value).length > 0 ? null : next.validate(value)
    })
}

function parse(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString())
  } catch {
    return undefined
  }
}
