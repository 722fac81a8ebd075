import type { EventType, RetrySchedule } from '../../../base/model.ts'
import { OPERATOR_TENANT } from '../../../base/tenant.ts'
import { intOrNull, jsonOrNull, type Row, type Transaction, text } from '../../transaction.ts'
import { type By, record, recordPut } from '../audit.ts'
import { bumpCatalogue, catalogueVersion } from '../configuration.ts'
import { getMeta, setMeta } from '../meta.ts'
import { getTenant, putTenant } from '../tenants.ts'

const toEventType = (row: Row): EventType => ({
  name: text(row.name),
  group: text(row.grp),
  description: text(row.description),
  schema: JSON.parse(text(row.schema)),
  example: JSON.parse(text(row.example)),
  schedule: jsonOrNull(row.schedule) as RetrySchedule | null,
  archivedAtMs: intOrNull(row.archived_ms),
})

const TYPE_FIELDS = 'name, grp, description, schema, example, schedule, archived_ms'

export type Catalogue = { readonly version: number; readonly types: readonly EventType[] }

/** All event types by name, with the catalogue's version. */
export function* readCatalogue(_args: object): Transaction<Catalogue> {
  const version = yield* catalogueVersion()
  const rows = yield { text: `select ${TYPE_FIELDS} from event_type order by name` }
  return { version, types: rows.map(toEventType) }
}

/** An event type as the provider defines it. */
export type EventTypeContent = Omit<EventType, 'archivedAtMs'>

/** Creates or replaces a type; an archived one stays archived. Returns whether it was created. */
export function* putEventType(args: { type: EventTypeContent; nowMs: number } & By): Transaction<boolean> {
  const { name, group, description, schema, example, schedule = null } = args.type
  const there = yield { text: `select ${TYPE_FIELDS} from event_type where name = $1`, params: [name] }
  yield {
    text: `insert into event_type (name, grp, description, schema, example, schedule, created_ms)
           values ($1, $2, $3, $4, $5, $6, $7) on conflict (name) do update
           set grp = excluded.grp, description = excluded.description, schema = excluded.schema,
               example = excluded.example, schedule = excluded.schedule`,
    params: [
      name,
      group,
      description,
      JSON.stringify(schema),
      JSON.stringify(example),
      schedule === null ? null : JSON.stringify(schedule),
      args.nowMs,
    ],
  }
  yield* bumpCatalogue()
  const [before]: EventTypeContent[] = there.map(toEventType)
  const after = { ...args.type, schedule }
  yield* recordPut(args, { target: 'event_type', targetId: name, tenant: null }, before, after, TYPE_MEMBERS)
  return before === undefined
}

const TYPE_MEMBERS = ['group', 'description', 'schema', 'example', 'schedule'] as const

export function* deleteEventType(args: { name: string; nowMs: number } & By): Transaction<boolean> {
  const gone = yield { text: 'delete from event_type where name = $1 returning name', params: [args.name] }
  if (gone.length === 0) return false
  yield* bumpCatalogue()
  const change = { action: 'deleted', target: 'event_type', targetId: args.name, tenant: null } as const
  yield* record(args, change, args.nowMs)
  return true
}

/** Archives or restores a type, unless it is in that state already. Returns false if the type doesn't exist. */
export function* setArchived(args: { name: string; archived: boolean; nowMs: number } & By): Transaction<boolean> {
  const there = yield { text: 'select archived_ms from event_type where name = $1', params: [args.name] }
  if (there.length === 0) return false
  if ((there[0]!.archived_ms !== null) === args.archived) return true
  yield {
    text: 'update event_type set archived_ms = $2 where name = $1',
    params: [args.name, args.archived ? args.nowMs : null],
  }
  yield* bumpCatalogue()
  const action = args.archived ? 'archived' : 'unarchived'
  yield* record(args, { action, target: 'event_type', targetId: args.name, tenant: null }, args.nowMs)
  return true
}

/** The retry schedules of the types that have one, by name. */
export function* readTypeSchedules(_args: object): Transaction<Map<string, RetrySchedule>> {
  const rows = yield { text: 'select name, schedule from event_type where schedule is not null' }
  return new Map(rows.map(row => [text(row.name), jsonOrNull(row.schedule) as RetrySchedule]))
}

/**
 * Adds the starter catalogue to a store that never had one: types that an operator deleted stay deleted. Creates the
 * operator's tenant if it doesn't exist, at each startup.
 */
export function* seedCatalogue(args: { types: readonly EventTypeContent[]; nowMs: number }): Transaction<void> {
  if ((yield* getTenant({ id: OPERATOR_TENANT })) === null) {
    yield* putTenant({ id: OPERATOR_TENANT, name: 'Posthorn', metadata: {}, nowMs: args.nowMs })
  }
  if ((yield* getMeta('catalogue_seeded')) !== null) return
  yield* setMeta('catalogue_seeded', '1')
  for (const type of args.types) yield* putEventType({ type, nowMs: args.nowMs })
}
