/** What an operator does to the catalogue, at run time (C1). */
import { PosthornError } from '../errors.ts'
import { checkEventType } from '../ingest/catalogue.ts'
import { OPERATIONAL_TYPES } from '../ingest/operational-types.ts'
import { type Actor, type EventType, isOperational, OPERATIONAL_PREFIX, SYSTEM } from '../model.ts'
import type { Store } from '../store/store.ts'
import { checkStorable } from './metadata.ts'
import { invalid, isTypeName, notFound } from './refusals.ts'
import { checkSchedule } from './retry-schedules.ts'

export type EventTypeInput = Omit<EventType, 'name'>

export class EventTypes {
  readonly #store: Store

  readonly #dev: boolean

  /** @param dev development mode, in which schedules can be very short */
  constructor(store: Store, { dev = false }: { readonly dev?: boolean } = {}) {
    this.#store = store
    this.#dev = dev
  }

  /** By name, Posthorn's own among them. */
  async list(): Promise<readonly EventType[]> {
    const { types } = await this.#store.read('readCatalogue', {})
    return [...types, ...OPERATIONAL_TYPES].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async get(name: string): Promise<EventType> {
    const type = (await this.list()).find(one => one.name === name)
    if (type === undefined) throw notFound('event type')
    return type
  }

  /** Creates the type or replaces it. What is published from then on must satisfy the new schema. */
  async put(name: string, input: EventTypeInput, by: Actor = SYSTEM): Promise<{ type: EventType; created: boolean }> {
    const { group, description, schema, example, schedule = null } = input
    const type: EventType = { name, group, description, schema, example, schedule }
    const faults = checkEventType(type)
    if (isOperational(name)) faults.push({ field: '/name', detail: RESERVED, reason: 'reserved' })
    checkSchedule(schedule, this.#dev, faults)
    if (typeof group === 'string') checkStorable(group, '/group', faults)
    if (typeof description === 'string') checkStorable(description, '/description', faults)
    // The name is no member of the body but a parameter of the path.
    if (faults.length > 0)
      throw invalid(faults.map(fault => (fault.field === '/name' ? { ...fault, field: 'name' } : fault)))
    const created = await this.#store.write('putEventType', { type, by, nowMs: this.#store.now() })
    this.#store.changes.tell({ kind: 'catalogue' })
    return { type, created }
  }

  /**
   * Also if endpoints name the type: it can't be published any more, so they get nothing of it, and should it come
   * back, they get it again. What is stored already is delivered.
   */
  async remove(name: string, by: Actor = SYSTEM): Promise<void> {
    if (isOperational(name)) throw new PosthornError('conflict', RESERVED)
    const isGone =
      isTypeName(name) && (await this.#store.write('deleteEventType', { name, by, nowMs: this.#store.now() }))
    if (!isGone) throw notFound('event type')
    this.#store.changes.tell({ kind: 'catalogue' })
  }
}

const RESERVED = `Types that begin with "${OPERATIONAL_PREFIX}" are Posthorn's own: choose another name.`
