/** Checks one request body: on the main thread if that is quick, otherwise in a checking thread. */
import { Buffer } from 'node:buffer'
import { codeOfFaults, type FieldError, PosthornError } from '../../base/errors.ts'
import type { CutError, CutLimits } from '../../base/json-scanner.ts'
import type { TenantId } from '../../base/model.ts'
import type { KnownTypes } from '../../catalogue/configuration-cache.ts'
import { UNPARSED } from '../../catalogue/match.ts'
import type { NewEvent } from '../../store/operations/events/publish-request.ts'
import { type Cut, type CutEvent, cutEvents } from '../cut.ts'
import { findFaults } from '../event-faults.ts'
import type { BegunCheck, CheckCosts } from './check-costs.ts'
import { type Checker, CheckTooLong } from './checker.ts'
import { HASH_BYTES, hashOf, NUMBERS_AN_EVENT, type PackedEvents } from './jobs.ts'

/** The part of an event that doesn't depend on the configuration: created once, even if matched several times. */
export type Draft = Pick<NewEvent, 'type' | 'key' | 'hash' | 'payload'> & {
  /** The parsed payload, which filters look at, or `UNPARSED`. */
  readonly value: unknown
}

export type CheckMeans = { readonly costs: CheckCosts; readonly checker: Checker; readonly limits: CutLimits }

/** Throws what the body is refused for as PosthornError, as soon as that is known: when it is made, or by `against`. */
export class BodyCheck {
  readonly #tenant: TenantId
  readonly #body: Uint8Array
  readonly #means: CheckMeans
  #begun: BegunCheck | undefined
  /** Undefined if the body is checked in a thread. */
  readonly #cut: Cut | undefined
  #events: BodyEvents | undefined
  #checkedAgainst: KnownTypes | undefined
  #hasErrors = false

  constructor(tenant: TenantId, body: Uint8Array, means: CheckMeans) {
    this.#tenant = tenant
    this.#body = body
    this.#means = means
    const { costs, limits } = means
    const begun = costs.begin(tenant, body)
    if (begun === null) return
    this.#begun = begun
    this.#cut = costs.work(begun, () => {
      const cut = refuseUncut(cutEvents(body, limits))
      refuseEmpty(cut.events.length === 0 && cut.errors.length === 0)
      this.#events = new CutEvents(cut, body)
      return cut
    })
    this.#hasErrors = this.#cut.errors.length > 0
  }

  /** The body's well-formed events. Undefined until `against` has succeeded, or refused some of them. */
  get events(): BodyEvents | undefined {
    return this.#events
  }

  /** Whether elements of the body are not even events, whatever the catalogue is. */
  get hasErrors(): boolean {
    return this.#hasErrors
  }

  /** Checks against a catalogue, once. A promise if that takes a thread. */
  against(types: KnownTypes): void | Promise<void> {
    if (types === this.#checkedAgainst) return
    const cut = this.#cut
    if (cut === undefined || !cut.events.every(({ type }) => types.byName.get(type)?.isQuick() ?? true)) {
      return this.#inThread(types)
    }
    const { costs } = this.#means
    const begun = this.#begun
    const faults = costs.work(begun, () => findFaults(cut, types))
    if (begun !== undefined) costs.end(begun)
    this.#begun = undefined
    refuse(faults)
    this.#checkedAgainst = types
  }

  async #inThread(types: KnownTypes): Promise<void> {
    const { checker, limits } = this.#means
    // Events of a body that was cut here stay as they are, with their values.
    const job = { kind: 'body', body: this.#body, limits, needsEvents: this.#events === undefined } as const
    const checked = await checker.check(this.#tenant, job, types).catch(error => {
      throw error instanceof CheckTooLong ? tooLong(error) : error
    })
    const { batch, faults, events, hasErrors } = refuseUncut(checked)
    this.#hasErrors = hasErrors
    if (events !== null) {
      refuseEmpty(events.keys.length === 0 && faults.length === 0)
      this.#events = new UnpackedEvents(batch, events, this.#body)
    }
    refuse(faults)
    this.#checkedAgainst = types
  }
}

/** The events of a body. */
export type BodyEvents = {
  readonly batch: boolean
  readonly drafts: readonly Draft[]
  /** Where the body has the key of the event with this index, as a JSON Pointer. */
  pointerToKey(index: number): string
}

const pointerTo = (batch: boolean, index: number, usesId: boolean): string =>
  `${batch ? `/${index}` : ''}/${usesId ? 'id' : 'key'}`

class CutEvents implements BodyEvents {
  readonly batch: boolean
  readonly drafts: readonly Draft[]
  readonly #cut: Cut

  constructor(cut: Cut, body: Uint8Array) {
    this.#cut = cut
    this.batch = cut.batch
    this.drafts = cut.events.map(event => toDraft(event, body))
  }

  pointerToKey(index: number): string {
    return pointerTo(this.batch, index, this.#cut.events[index]!.usesId)
  }
}

class UnpackedEvents implements BodyEvents {
  readonly batch: boolean
  readonly drafts: readonly Draft[]
  readonly #numbers: Int32Array

  constructor(batch: boolean, { types, numbers, keys, hashes }: PackedEvents, body: Uint8Array) {
    this.batch = batch
    this.#numbers = numbers
    let hashAt = 0
    this.drafts = keys.map((key, index): Draft => {
      const [type, start, end] = numbers.subarray(index * NUMBERS_AN_EVENT)
      const hash = key === null ? null : hashes.slice(hashAt, hashAt + HASH_BYTES)
      if (hash !== null) hashAt += HASH_BYTES
      const payload = detached(body.subarray(start, end), body)
      return { type: types[type!]!, key, hash, payload, value: UNPARSED }
    })
  }

  pointerToKey(index: number): string {
    return pointerTo(this.batch, index, this.#numbers[index * NUMBERS_AN_EVENT + 3] === 1)
  }
}

function toDraft({ type, key, payload, value }: CutEvent, body: Uint8Array): Draft {
  return {
    type,
    value,
    key: key ?? null,
    hash: key === undefined ? null : hashOf(type, payload),
    payload: detached(payload, body),
  }
}

/**
 * Copies a payload that is a small part of its request (into a slab of Node's buffer pool, if it fits): otherwise a
 * lane that waits for a slow receiver would keep a megabyte of request alive for a payload of fifty bytes.
 */
function detached(payload: Uint8Array, body: Uint8Array): Uint8Array {
  return payload.length * 2 >= body.buffer.byteLength ? payload : Buffer.from(payload)
}

function refuseUncut<Result extends object>(result: Result | { readonly error: CutError }): Result {
  if ('error' in result) throw cutRefusal(result.error as CutError)
  return result
}

function cutRefusal({ kind, detail, pointer }: CutError): PosthornError {
  const fields: FieldError[] = [{ field: pointer, detail, reason: kind }]
  switch (kind) {
    case 'bad_json':
    case 'bad_utf8':
    case 'bom':
    case 'too_deep':
      return new PosthornError('bad_json', detail, { fields })
    case 'payload_too_large':
      return new PosthornError('body_too_large', detail, { fields })
    // Valid JSON by RFC 8259, with invalid content.
    case 'duplicate_key':
    case 'wrong_shape':
    case 'too_many_events':
      return invalid(fields)
  }
}

function refuseEmpty(isEmpty: boolean): void {
  if (isEmpty) throw invalid([{ field: '', detail: 'The array is empty. Publish at least one event.' }])
}

function refuse(faults: readonly FieldError[]): void {
  if (faults.length > 0) throw invalid(faults)
}

function invalid(fields: readonly FieldError[]): PosthornError {
  const detail = fields.length === 1 ? fields[0]!.detail : `${fields.length} values are invalid. Nothing was stored.`
  return new PosthornError(codeOfFaults(fields), detail, { fields })
}

function tooLong({ place: { type, index } }: CheckTooLong): PosthornError {
  if (type === null) {
    const detail = 'Reading the request took too long. Publish fewer or smaller events at a time.'
    return invalid([{ field: '', detail, reason: 'check_took_too_long' }])
  }
  return invalid([{ field: `${index === null ? '' : `/${index}`}/payload`, ...describeTooLong(type) }])
}

/** Why an event is refused whose payload could not be validated in time. */
export function describeTooLong(type: string): Omit<FieldError, 'field'> {
  const detail =
    `Validating the payload by the schema of ${type} took too long, so the event was refused. Publish a smaller or ` +
    "simpler payload, or have an operator simplify the schema's patterns and references."
  return { detail, reason: 'check_took_too_long' }
}
