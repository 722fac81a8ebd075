/** Filters that people try before they give them to an endpoint. */
import type { FieldError } from '../base/errors.ts'
import { idMs, parseId } from '../base/ids.ts'
import type { EventId, EventType, PayloadFilter, PublishedEvent, TenantId } from '../base/model.ts'
import { createTrial, type Trial } from '../catalogue/filter/trial.ts'
import { checkFilter } from '../catalogue/filter.ts'
import { OPERATIONAL_TYPES } from '../catalogue/operational-types.ts'
import { createSelection } from '../catalogue/type-pattern.ts'
import type { EventHead } from '../store/operations/events/reading.ts'
import type { Store } from '../store/store.ts'
import { invalid, requireTenant } from './checks/refusals.ts'
import { isRecord } from './checks/values.ts'
import type { Warning } from './endpoints/authentication.ts'
import { adviseOnFilterOf } from './endpoints/filter-advice.ts'
import { adviseOnTypes, checkTypes } from './endpoints/wanted-types.ts'

/** What a filter is tried on: one of `payloads`, `events` and `recent`. */
export type FilterTrialInput = {
  readonly filter: PayloadFilter
  /** As an endpoint names them. Null or undefined: all types of the catalogue. */
  readonly types?: readonly string[] | null
  readonly payloads?: readonly unknown[]
  /** Ids or keys. */
  readonly events?: readonly string[]
  /** How many of the newest events of these types. */
  readonly recent?: number
}

export type FilterTrial = Trial & {
  /** Null: a payload from the request. */
  readonly event: { readonly id: EventId; readonly key: string | null; readonly type: string } | null
}

export type FilterTrialResult = {
  /** In the order of the request; recent events newest first. */
  readonly trials: readonly FilterTrial[]
  readonly warnings: readonly Warning[]
  /** How far back events were looked at, if there were too many to find as many as asked for. */
  readonly searchedToMs: number | null
}

/** Events looked at in one read, and in one call: a call takes about a second at most. */
const FIRST_READ = 200
const EVENTS_A_READ = 5_000
const EVENTS_A_CALL = 50_000

/** What a publisher's key can be. */
const KEY = /^[!-~]([ -~]{0,253}[!-~])?$/

export class FilterTrials {
  readonly #store: Store
  readonly #types: () => Promise<readonly EventType[]>

  /** @param types the catalogue's event types */
  constructor(store: Store, types: () => Promise<readonly EventType[]>) {
    this.#store = store
    this.#types = types
  }

  /** Tries a filter, checked as for an endpoint. Throws one refusal that names everything wrong. */
  async run(tenant: TenantId, input: FilterTrialInput): Promise<FilterTrialResult> {
    await requireTenant(this.#store, tenant)
    const catalogue = [...(await this.#types()), ...OPERATIONAL_TYPES]
    const types = checkInput(input, catalogue)
    const { filter, payloads, events, recent } = input
    const trial = createTrial(filter)
    const warnings = [...adviseOnTypes(types, catalogue), ...adviseOnFilterOf({ filter, types }, catalogue)]
    if (payloads !== undefined) {
      return { trials: payloads.map(payload => ({ event: null, ...trial(payload) })), warnings, searchedToMs: null }
    }
    const isWanted = createSelection(types)
    const attempt: Attempt = ({ id, key, type }, payload) => ({
      event: { id, key, type },
      ...(isWanted(type) ? trial(payload) : ofAnotherType(type)),
    })
    if (events !== undefined)
      return { trials: await this.#named(tenant, events, attempt), warnings, searchedToMs: null }
    return { ...(await this.#recent(tenant, recent!, isWanted, attempt)), warnings }
  }

  async #named(tenant: TenantId, names: readonly string[], attempt: Attempt): Promise<FilterTrial[]> {
    const trials: FilterTrial[] = []
    const faults: FieldError[] = []
    for (const [index, name] of names.entries()) {
      const field = `/events/${index}`
      const event = await this.#find(tenant, name)
      const payload = event === null ? undefined : parse(event.payload)
      if (event === null) {
        faults.push({ field, detail: 'The tenant has no event with this id or key.', reason: 'unknown_event' })
      } else if (payload === undefined) {
        faults.push({ field, detail: 'The payload of this event is no longer kept.', reason: 'payload_removed' })
      } else trials.push(attempt(event, payload))
    }
    if (faults.length > 0) throw invalid(faults)
    return trials
  }

  /** By its id or its key, also while it is in the inbox. */
  async #find(tenant: TenantId, name: string): Promise<PublishedEvent | null> {
    const byId = parseId('evt', name) === undefined ? null : await this.#read(tenant, name)
    if (byId !== null || !KEY.test(name)) return byId
    const keyed = await this.#store.read('findKeyedEvent', { tenant, key: name })
    return keyed === null ? null : this.#read(tenant, keyed)
  }

  async #read(tenant: TenantId, id: EventId): Promise<PublishedEvent | null> {
    const read = () => this.#store.read('getEvent', { tenant, id })
    // Read again, because an event that left the inbox between the first two reads was found by neither.
    return (await read()) ?? (await this.#store.read('getArrival', { tenant, id })) ?? (await read())
  }

  async #recent(
    tenant: TenantId,
    count: number,
    isWanted: (type: string) => boolean,
    attempt: Attempt,
  ): Promise<Pick<FilterTrialResult, 'trials' | 'searchedToMs'>> {
    const trials: FilterTrial[] = []
    let before: EventId | null = null
    for (let looked = 0; looked < EVENTS_A_CALL; ) {
      const limit = looked === 0 ? FIRST_READ : EVENTS_A_READ
      const heads: EventHead[] = await this.#store.read('listEventHeads', { tenant, before, limit })
      for (const head of heads) {
        if (!head.isMatched || !head.hasPayload || !isWanted(head.type)) continue
        const payload = await this.#store.read('readPayload', { tenant, event: head.id })
        const parsed = payload === null ? undefined : parse(payload)
        if (parsed !== undefined) trials.push(attempt(head, parsed))
        if (trials.length === count) return { trials, searchedToMs: null }
      }
      if (heads.length < limit) return { trials, searchedToMs: null }
      before = heads.at(-1)!.id
      looked += limit
    }
    return { trials, searchedToMs: idMs(before!) }
  }
}

type Attempt = (event: Pick<EventHead, 'id' | 'key' | 'type'>, payload: unknown) => FilterTrial

/** Throws a refusal; returns the types without duplicates. */
function checkInput(input: FilterTrialInput, catalogue: readonly EventType[]): readonly string[] | null {
  const { filter, types = null, payloads, events, recent } = input
  const faults: FieldError[] = []
  checkFilter(filter, '/filter', faults)
  // Archived types are fine here: their events can still be tried.
  const checked = checkTypes(types, catalogue, types, faults)
  if ([payloads, events, recent].filter(each => each !== undefined).length !== 1) {
    const detail = 'Set exactly one of payloads, events and recent: what to try the filter on.'
    faults.push({ field: '', detail, reason: 'one_of' })
  }
  for (const [index, payload] of (payloads ?? []).entries()) {
    if (!isRecord(payload)) faults.push({ field: `/payloads/${index}`, detail: 'A payload must be an object.' })
  }
  if (faults.length > 0) throw invalid(faults)
  return checked
}

/** The endpoint would not get to use its filter. */
function ofAnotherType(type: string): Trial {
  const because = `The event has the type ${type}, which is not one of the types of this trial.`
  return { matches: false, undecided: false, decidedBy: { path: '', because } }
}

/** Undefined if the payload is no longer kept. */
function parse(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString())
  } catch {
    return undefined
  }
}
