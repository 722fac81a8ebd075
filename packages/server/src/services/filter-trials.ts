/** Filters that people try before they give them to an endpoint. */
import type { FieldError } from '../base/errors.ts'
import { idMs, parseId } from '../base/ids.ts'
import type { EventId, EventType, PayloadFilter, TenantId } from '../base/model.ts'
import { createTrial, type Trial } from '../catalogue/filter/trial.ts'
import { checkFilter } from '../catalogue/filter.ts'
import { OPERATIONAL_TYPES } from '../catalogue/operational-types.ts'
import { createSelection } from '../catalogue/type-pattern.ts'
import type { EventHead } from '../store/operations/events/reading.ts'
import type { Store } from '../store/store.ts'
import { invalid, requireTenant } from './checks/refusals.ts'
import { isEventKey, isRecord } from './checks/values.ts'
import type { Warning } from './checks/warnings.ts'
import { adviseOnFreeFilter } from './endpoints/filter-advice.ts'
import { adviseOnTypes, checkTypes } from './endpoints/wanted-types.ts'
import { readEvent } from './events/read-event.ts'
import { inTurns, parseInTurns } from './turns.ts'

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

const UNKNOWN_EVENT =
  'No event has this id or key. Keys that Posthorn no longer remembers are looked for among the newest 50,000 events.'

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
    const tried = (payload: unknown) => inTurns(tenant, trial(payload), 1)
    const onFilter = await inTurns(tenant, adviseOnFreeFilter({ filter, types }, catalogue, '/filter'))
    const warnings = [...adviseOnTypes(types, catalogue), ...onFilter]
    if (payloads !== undefined) {
      const trials: FilterTrial[] = []
      for (const payload of payloads) trials.push({ event: null, ...(await tried(payload)) })
      return { trials, warnings, searchedToMs: null }
    }
    const isWanted = createSelection(types)
    const attempt: Attempt = async ({ id, key, type }, payload) => ({
      event: { id, key, type },
      ...(isWanted(type) ? await tried(payload) : ofAnotherType(type)),
    })
    if (events !== undefined)
      return { trials: await this.#named(tenant, events, attempt), warnings, searchedToMs: null }
    return { ...(await this.#recent(tenant, recent!, isWanted, attempt)), warnings }
  }

  async #named(tenant: TenantId, names: readonly string[], attempt: Attempt): Promise<FilterTrial[]> {
    const trials: FilterTrial[] = []
    const faults: FieldError[] = []
    const isId = (name: string) => parseId('evt', name) !== undefined
    const keyed = await this.#keyed(
      tenant,
      names.filter(name => !isId(name) && isEventKey(name)),
    )
    for (const [index, name] of names.entries()) {
      const field = `/events/${index}`
      const id = isId(name) ? name : keyed.get(name)
      const event = id === undefined ? null : await readEvent(this.#store, tenant, id)
      const payload = event === null ? undefined : await parseInTurns(tenant, event.payload)
      if (event === null) faults.push({ field, detail: UNKNOWN_EVENT, reason: 'unknown_event' })
      else if (payload === undefined) {
        faults.push({ field, detail: 'The payload of this event is no longer kept.', reason: 'payload_removed' })
      } else trials.push(await attempt(event, payload))
    }
    if (faults.length > 0) throw invalid(faults)
    return trials
  }

  /** The events that keys belong to, even those that are still in the inbox. A key that is not found is missing. */
  async #keyed(tenant: TenantId, keys: readonly string[]): Promise<Map<string, EventId>> {
    const found = new Map<string, EventId>()
    const forgotten = new Set<string>()
    for (const key of new Set(keys)) {
      const [id] = await this.#store.read('findEventsOfKey', { tenant, key, limit: 1 })
      if (id === undefined) forgotten.add(key)
      else found.set(key, id)
    }
    // All keys that are no longer remembered are looked for at once.
    for await (const { id, key } of forgotten.size === 0 ? [] : this.#newest(tenant)) {
      if (key !== null && forgotten.delete(key)) found.set(key, id)
      if (forgotten.size === 0) break
    }
    return found
  }

  /** Stored events, newest first: up to 50,000. */
  async *#newest(tenant: TenantId): AsyncGenerator<EventHead> {
    let before: EventId | null = null
    for (let looked = 0; looked < EVENTS_A_CALL; ) {
      const limit = looked === 0 ? FIRST_READ : EVENTS_A_READ
      const heads: EventHead[] = await this.#store.read('listEventHeads', { tenant, before, limit })
      yield* heads
      if (heads.length < limit) return
      before = heads.at(-1)!.id
      looked += limit
    }
  }

  async #recent(
    tenant: TenantId,
    count: number,
    isWanted: (type: string) => boolean,
    attempt: Attempt,
  ): Promise<Pick<FilterTrialResult, 'trials' | 'searchedToMs'>> {
    const trials: FilterTrial[] = []
    let [looked, last]: [number, EventId | null] = [0, null]
    for await (const head of this.#newest(tenant)) {
      looked++
      last = head.id
      if (!head.isMatched || !head.hasPayload || !isWanted(head.type)) continue
      const payload = await this.#store.read('readPayload', { tenant, event: head.id })
      const parsed = payload === null ? undefined : await parseInTurns(tenant, payload)
      if (parsed !== undefined) trials.push(await attempt(head, parsed))
      if (trials.length === count) return { trials, searchedToMs: null }
    }
    return { trials, searchedToMs: last === null || looked < EVENTS_A_CALL ? null : idMs(last) }
  }
}

type Attempt = (event: Pick<EventHead, 'id' | 'key' | 'type'>, payload: unknown) => Promise<FilterTrial>

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
