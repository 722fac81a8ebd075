import { type Actor, SYSTEM } from '../../base/callers.ts'
import { systemClock } from '../../base/clock.ts'
import { type FieldError, PosthornError } from '../../base/errors.ts'
import { type EventType, isOperational, OPERATIONAL_PREFIX } from '../../base/model.ts'
import { OPERATIONAL_TYPES } from '../../catalogue/operational-types.ts'
import { isSameSchema } from '../../catalogue/schema.ts'
import { adviseOnSchema, type SchemaWarning } from '../../catalogue/schema-advice.ts'
import type { TypeSamples } from '../../catalogue/type-samples.ts'
import { Checker } from '../../publish/checking/checker.ts'
import type { Store } from '../../store/store.ts'
import { invalid, isTypeName, notFound } from '../checks/refusals.ts'
import { checkStorable } from '../checks/values.ts'
import { checkSchedule } from '../retry-schedules.ts'
import { judgeSchemaChange, type SchemaVerdict } from './schema-change.ts'
import { SchemaChecks } from './schema-checks.ts'

export type EventTypeInput = Omit<EventType, 'name' | 'archivedAtMs'>

type PutOptions = {
  readonly force?: boolean
  readonly dryRun?: boolean
  readonly seesPayloads?: boolean
}

type PutEventType = {
  readonly type: EventType
  readonly created: boolean
  readonly warnings: readonly SchemaWarning[]
  /** Recent events that the new schema was checked against, and accepts; null: it needed no check. */
  readonly judged: number | null
}

/** Manages the catalogue of event types at runtime (C1). */
export class EventTypes {
  readonly #store: Store
  readonly #samples: Pick<TypeSamples, 'newest'>
  readonly #checks: SchemaChecks
  readonly #dev: boolean

  /**
   * @param dev development mode, in which retry schedules can be very short
   * @param checker compiles schemas that might take long
   */
  constructor(
    store: Store,
    samples: Pick<TypeSamples, 'newest'>,
    { dev = false }: { readonly dev?: boolean } = {},
    checker: Pick<Checker, 'check'> = new Checker(systemClock),
  ) {
    this.#store = store
    this.#samples = samples
    this.#checks = new SchemaChecks(checker)
    this.#dev = dev
  }

  /** All types in order of name, including Posthorn's own. */
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
   * Creates or replaces the type. Events published from then on must satisfy the new schema.
   *
   * @param options.force replace it even if the new schema would reject recent events
   * @param options.dryRun only find out whether it would be refused
   * @param options.seesPayloads whether the caller can see payloads; if not, a refusal says only how many it would reject
   */
  async put(
    name: string,
    input: EventTypeInput,
    by: Actor = SYSTEM,
    { force = false, dryRun = false, seesPayloads = true }: PutOptions = {},
  ): Promise<PutEventType> {
    const { group, description, schema, example, schedule = null } = input
    const type = { name, group, description, schema, example, schedule }
    const faults = await this.#checks.faultsOf(type)
    if (isOperational(name)) faults.push({ field: '/name', detail: RESERVED, reason: 'reserved' })
    checkSchedule(schedule, this.#dev, faults)
    if (typeof group === 'string') checkStorable(group, '/group', faults)
    if (typeof description === 'string') checkStorable(description, '/description', faults)
    // The name is a path parameter, not a member of the body.
    if (faults.length > 0)
      throw invalid(faults.map(fault => (fault.field === '/name' ? { ...fault, field: 'name' } : fault)))
    const judged = force ? null : await this.#judge(name, schema, seesPayloads)
    const warnings = adviseOnSchema(schema, '/schema')
    if (dryRun) {
      const known = await this.#find(name)
      const archivedAtMs = known?.archivedAtMs ?? null
      return { type: { ...type, archivedAtMs }, created: known === undefined, warnings, judged }
    }
    const created = await this.#store.write('putEventType', { type, by, nowMs: this.#store.now() })
    this.#store.changes.emit({ kind: 'catalogue' })
    return { type: await this.get(name), created, warnings, judged }
  }

  /** How many recent events the new schema accepts; null: it needs no check. Throws `schema_conflict`. */
  async #judge(name: string, after: unknown, seesPayloads: boolean): Promise<number | null> {
    const known = await this.#find(name)
    if (known === undefined || isSameSchema(known.schema, after)) return null
    const verdict = await judgeSchemaChange(this.#samples, this.#checks, name, { before: known.schema, after })
    if (verdict.refused > 0) throw schemaConflict(verdict, seesPayloads)
    return verdict.judged
  }

  /** Its events can no longer be published, and endpoints can no longer add it. Endpoints that name it keep it. */
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
   * Deletes the type even if endpoints name it. They receive nothing of it, since it can no longer be published; if it
   * is created again, they receive it again. Events already stored are still delivered.
   */
  async remove(name: string, by: Actor = SYSTEM): Promise<void> {
    if (isOperational(name)) throw new PosthornError('conflict', BUILT_IN)
    const isGone =
      isTypeName(name) && (await this.#store.write('deleteEventType', { name, by, nowMs: this.#store.now() }))
    if (!isGone) throw notFound('event type')
    this.#store.changes.emit({ kind: 'catalogue' })
  }
}

const RESERVED = `Event type names that start with "${OPERATIONAL_PREFIX}" are reserved. Choose another name.`
const BUILT_IN = 'This event type is built into Posthorn and cannot be deleted.'

const HIDDEN: FieldError = {
  field: '/schema',
  detail: 'An API key with the permission `payloads` shows which places of the payloads would be rejected, and why.',
  reason: 'refuses_published',
}

/** Names the faults and their places, never a value. */
function schemaConflict({ judged, refused, faults }: SchemaVerdict, seesPayloads: boolean): PosthornError {
  const detail =
    `The new schema would reject ${refused} of the ${judged} recent events that were checked. Make the schema accept ` +
    'these events, or create a new event type. To use the schema anyway, repeat the call with ?force=true.'
  // Places and reasons depend on what is in the payloads, and a schema can be made up to ask for it.
  if (!seesPayloads) return new PosthornError('schema_conflict', detail, { fields: [HIDDEN] })
  const fields = faults.map(
    ({ pointer, detail, count, event }): FieldError => ({
      field: '/schema',
      detail: `${pointer === '' ? 'The payload' : pointer}: ${detail} (${count} of ${judged}, such as ${event})`,
      reason: 'refuses_published',
    }),
  )
  return new PosthornError('schema_conflict', detail, { fields })
}
