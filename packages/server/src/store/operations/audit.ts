/**
 * The audit log. Each change of the configuration, and what someone does to deliveries, writes its entry in its own
 * transaction, or is not made at all.
 */

import { type Actor, type AuditEntry, SYSTEM } from '../../base/callers.ts'
import { firstIdAt, idBytes, idText, newId } from '../../base/ids.ts'
import type { AuditEntryId, TenantId } from '../../base/model.ts'
import { reads, writes } from '../operation.ts'
import { bytes, type Dialect, int, type Row, type Transaction, text, textOrNull } from '../transaction.ts'
import { type Place, Where } from '../where.ts'
import { isRepeated, keepCall, type Once } from './idempotent-calls.ts'

/** Who makes a change. Default: Posthorn itself. */
export type By = { readonly by?: Actor }

type Change = Pick<AuditEntry, 'action' | 'target' | 'targetId' | 'tenant'> & { readonly fields?: readonly string[] }

export function* record({ by = SYSTEM }: By, change: Change, nowMs: number): Transaction<void> {
  yield {
    text: `insert into audit (id, actor, actor_key, actor_name, address, action, target, target_id, tenant, fields,
             created_ms)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    params: [
      idBytes(newId('aud', nowMs)),
      by.kind,
      by.key === null ? null : idBytes(by.key),
      by.name,
      by.address,
      change.action,
      change.target,
      change.targetId,
      change.tenant,
      JSON.stringify(change.fields ?? []),
      nowMs,
    ],
  }
}

/** Records what someone did. What Posthorn does by itself to deliveries, its own records show. */
export function* recordAct(args: By, change: Change, nowMs: number): Transaction<void> {
  if (args.by !== undefined) yield* record(args, change, nowMs)
}

/** Records that someone retries several deliveries of each of these tenants: one entry, however many there are. */
export function* recordRetries(
  args: Required<By> & { tenants: readonly TenantId[]; nowMs: number },
): Transaction<void> {
  for (const tenant of args.tenants) {
    yield* record(args, { action: 'retried', target: 'tenant', targetId: tenant, tenant }, args.nowMs)
  }
}

/** Records that a new key of the installation replaced the old one. */
export function* recordKeyChange(
  args: By & Once & { target: 'encryption_key' | 'root_key'; targetId: string; nowMs: number },
): Transaction<'recorded' | 'repeated'> {
  const { target, targetId, nowMs, once } = args
  if (yield* isRepeated(once)) return 'repeated'
  yield* record(args, { action: 'replaced', target, targetId, tenant: null }, nowMs)
  yield* keepCall(once)
  return 'recorded'
}

/** Records that something was created, or updated with the names of the members that differ. */
export function* recordPut<Thing extends object>(
  args: { nowMs: number } & By,
  of: Pick<AuditEntry, 'target' | 'targetId' | 'tenant'>,
  before: Thing | undefined,
  after: Thing,
  members: readonly (keyof Thing & string)[],
): Transaction<void> {
  if (before === undefined) yield* record(args, { ...of, action: 'created' }, args.nowMs)
  else yield* record(args, { ...of, action: 'updated', fields: differences(before, after, members) }, args.nowMs)
}

/** The names of the members that differ, by value. */
export function differences<Thing extends object>(
  before: Thing,
  after: Thing,
  members: readonly (keyof Thing & string)[],
): string[] {
  const textOf = (value: unknown) => (value instanceof Uint8Array ? Array.from(value).join() : canonical(value))
  return members.filter(member => textOf(before[member]) !== textOf(after[member]))
}

/** JSON with sorted members, so that a different order isn't taken for a change. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

const toEntry = (row: Row): AuditEntry => ({
  id: idText('aud', bytes(row.id)),
  atMs: int(row.created_ms),
  actor: {
    kind: text(row.actor) as Actor['kind'],
    key: row.actor_key === null ? null : idText('key', bytes(row.actor_key)),
    name: textOrNull(row.actor_name),
    address: textOrNull(row.address),
  },
  action: text(row.action) as AuditEntry['action'],
  target: text(row.target) as AuditEntry['target'],
  targetId: text(row.target_id),
  tenant: textOrNull(row.tenant),
  fields: JSON.parse(text(row.fields)) as string[],
})

export type AuditFilter = {
  /** null: entries of all tenants, and those without a tenant. */
  readonly tenant: TenantId | null
  readonly fromMs: number | null
  readonly toMs: number | null
} & Place<AuditEntryId>

const FIELDS = 'id, actor, actor_key, actor_name, address, action, target, target_id, tenant, fields, created_ms'

export function* listAudit(args: AuditFilter & { readonly limit: number }): Transaction<AuditEntry[]> {
  const { where, order } = behind(args)
  const rows = yield {
    text: `select ${FIELDS} from audit ${where.clause} ${order} limit ${args.limit}`,
    params: where.params,
  }
  return rows.map(toEntry)
}

function behind({ tenant, fromMs, toMs, ...place }: AuditFilter): { readonly where: Where; readonly order: string } {
  const idAt = (ms: number | null) => (ms === null ? null : idBytes(firstIdAt('aud', ms)))
  const where = new Where().addIf('tenant = ?', tenant).addIf('id >= ?', idAt(fromMs)).addIf('id < ?', idAt(toMs))
  return { where, order: where.behind(place) }
}

/** What entries are looked for, where no index helps. Null: any. */
export type AuditSought = {
  readonly actor: Pick<Actor, 'kind' | 'key'> | null
  readonly actions: readonly AuditEntry['action'][] | null
  readonly targets: readonly AuditEntry['target'][] | null
  readonly targetId: string | null
}

export type AuditSlice = {
  /** The nearest first. */
  readonly items: readonly AuditEntry[]
  /** The id behind which the next slice begins; null: there is none. */
  readonly goesOnAt: AuditEntryId | null
}

/** Those that are sought among the next `maxRows` entries: little can match, and there is no index for it. */
export function* findAudit(
  args: AuditFilter & AuditSought & { readonly limit: number; readonly maxRows: number },
  { readByIndex }: Dialect,
): Transaction<AuditSlice> {
  if (readByIndex !== null) yield readByIndex
  const looked = behind(args)
  const [lastLooked] = yield {
    text: `select id from audit ${looked.where.clause} ${looked.order} limit 1 offset ${args.maxRows - 1}`,
    params: looked.where.params,
  }
  const edge = lastLooked === undefined ? null : bytes(lastLooked.id)
  const { where, order } = behind(args)
  where
    .addIf(args.after === undefined ? 'id >= ?' : 'id <= ?', edge)
    .addIf('actor = ?', args.actor?.kind)
    .addIf('actor_key = ?', args.actor?.key == null ? null : idBytes(args.actor.key))
    .addIf('target_id = ?', args.targetId)
  if (args.actions !== null) where.addIn('action', args.actions)
  if (args.targets !== null) where.addIn('target', args.targets)
  const rows = yield {
    text: `select ${FIELDS} from audit ${where.clause} ${order} limit ${args.limit}`,
    params: where.params,
  }
  const last = rows.length < args.limit ? edge : bytes(rows.at(-1)!.id)
  return { items: rows.map(toEntry), goesOnAt: last === null ? null : idText('aud', last) }
}

export function* dropOldAudit({
  limit,
  beforeMs,
}: {
  readonly limit: number
  readonly beforeMs: number
}): Transaction<number> {
  const rows = yield {
    text: `delete from audit where id in (select id from audit where id < $1 order by id limit ${limit}) returning id`,
    params: [idBytes(firstIdAt('aud', beforeMs))],
  }
  return rows.length
}

export const auditOperations = {
  listAudit: reads({ run: listAudit, waitedForBy: 'people' }),
  findAudit: reads({ run: findAudit, waitedForBy: 'people' }),
  recordRetries: writes({ run: recordRetries, configuration: 'ignores' }),
  recordKeyChange: writes({ run: recordKeyChange, configuration: 'ignores' }),
  dropOldAudit: writes({ run: dropOldAudit, configuration: 'ignores' }),
}
