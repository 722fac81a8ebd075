import { type FieldError, PosthornError } from '../../base/errors.ts'
import { type Actor, type EventType, isOperational, OPERATIONAL_PREFIX, SYSTEM } from '../../base/model.ts'
import { checkEventType } from '../../catalogue/event-type.ts'
import { OPERATIONAL_TYPES } from '../../catalogue/operational-types.ts'
import { isSameSchema } from '../../catalogue/schema.ts'
import type { TypeSamples } from '../../catalogue/type-samples.ts'
import type { Store } from '../../store/store.ts'
import { invalid, isTypeName, notFound } from '../checks/refusals.ts'
import { checkStorable } from '../checks/values.ts'
import { checkSchedule } from '../retry-schedules.ts'
import { findSchemaConflict, type SchemaConflict } from './schema-change.ts'

export type EventTypeInput = Omit<EventType, 'name' | 'archivedAtMs'>

/** What an operator does to the catalogue, at run time (C1). */
export class EventTypes {
  readonly #store: Store
  readonly #samples: Pick<TypeSamples, 'newest'>

  readonly #dev: boolean

  /** @param dev development mode, in which schedules can be very short */
  constructor(store: Store, samples: Pick<TypeSamples, 'newest'>, { dev = false }: { readonly dev?: boolean } = {}) {
    this.#store = store
    this.#samples = samples
    this.#dev = dev
  }

  /** By name, Posthorn's own among them. */
  async list(): Promise<readonly EventType[]> {
    const { types } = await this.#store.read('readCatalogue', {})
    return [...types, ...OPERATIONAL_TYPES].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async get(name: string): Promise<EventType> {
    const type = await this.#find(name)
    if (type === undefined) throw notFound('event type')
    return type
  }

  async #find(name: string): Promise<EventType | undefined> {
    return (await this.list()).find(one => one.name === name)
  }

  /**
   * Creates the type or replaces it. What is published from then on must satisfy the new schema.
   *
   * @param options.force also if the new schema would refuse what is being published
   */
  async put(
    name: string,
    input: EventTypeInput,
    by: Actor = SYSTEM,
    { force = false }: { readonly force?: boolean } = {},
  ): Promise<{ type: EventType; created: boolean }> {
    const { group, description, schema, example, schedule = null } = input
    const type = { name, group, description, schema, example, schedule }
    const faults = checkEventType(type)
    if (isOperational(name)) faults.push({ field: '/name', detail: RESERVED, reason: 'reserved' })
    checkSchedule(schedule, this.#dev, faults)
    if (typeof group === 'string') checkStorable(group, '/group', faults)
    if (typeof description === 'string') checkStorable(description, '/description', faults)
    // The name is no member of the body but a parameter of the path.
    if (faults.length > 0)
      throw invalid(faults.map(fault => (fault.field === '/name' ? { ...fault, field: 'name' } : fault)))
    if (!force) await this.#refuseConflict(name, schema)
    const created = await this.#store.write('putEventType', { type, by, nowMs: this.#store.now() })
    this.#store.changes.emit({ kind: 'catalogue' })
    return { type: await this.get(name), created }
  }

  async #refuseConflict(name: string, after: unknown): Promise<void> {
    const known = await this.#find(name)
    if (known === undefined || isSameSchema(known.schema, after)) return
    const conflict = await findSchemaConflict(this.#samples, name, { before: known.schema, after })
    if (conflict !== null) throw schemaConflict(conflict)
  }

  /** Nothing of it is published any more, and no endpoint can begin to name it; those that do keep it. */
  archive(name: string, by: Actor = SYSTEM): Promise<EventType> {
    return this.#setArchived(name, true, by)
  }

  unarchive(name: string, by: Actor = SYSTEM): Promise<EventType> {
    return this.#setArchived(name, false, by)
  }

  async #setArchived(name: string, archived: boolean, by: Actor): Promise<EventType> {
    const isThere =
      isTypeName(name) && (await this.#store.write('setArchived', { name, archived, by, nowMs: this.#store.now() }))
    if (!isThere) throw notFound('event type')
    this.#store.changes.emit({ kind: 'catalogue' })
    return this.get(name)
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
    this.#store.changes.emit({ kind: 'catalogue' })
  }
}

const RESERVED = `Types that begin with "${OPERATIONAL_PREFIX}" are Posthorn's own: choose another name.`

/** Names what would be refused and where, never a value. */
function schemaConflict({ judged, refused, faults }: SchemaConflict): PosthornError {
  const detail =
    `The new schema would refuse ${refused} of the ${judged} newest events of this type that were looked at: let it ` +
    'take them, or make a type of another name. To replace it nevertheless, repeat the call with ?force=true.'
  const fields = faults.map(
    ({ pointer, detail, count, event }): FieldError => ({
      field: '/schema',
      detail: `${pointer === '' ? 'The payload' : pointer}: ${detail} (${count} of ${judged}, ${event} is one)`,
      reason: 'refuses_published',
    }),
  )
  return new PosthornError('schema_conflict', detail, { fields })
}
