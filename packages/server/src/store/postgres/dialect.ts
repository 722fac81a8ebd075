import type { Dialect } from '../transaction.ts'
import { makeHistory } from './history.ts'

/** Arbitrary numbers that only have to be the same on every node. */
const CONFIGURATION_LOCK = 7_072_746
const MIGRATION_LOCK = 7_072_747

/** How long a node believes whether the stream is on (stream-flag.ts). */
export const STREAM_KNOWN_MS = 400

/**
 * `= any (array[…])` can only be looked up in an index, or compared. `=` could also be merged, so that the planner would
 * consider reading the whole index in its order, and comparing each row with each of `v`: a table that a vacuum has found
 * empty counts as empty from then on, however much it has grown, and reading nothing looks cheapest.
 */
const isNamed = (table: string, columns: readonly string[]): string =>
  columns.map(column => `${table}.${column} = any (array[v.${column}])`).join(' and ')

export const postgresDialect: Dialect = {
  engine: 'postgres',
  // Collation "C": ids and keys compare by their bytes, as on SQLite.
  words: {
    text: 'text collate "C"',
    int: 'bigint',
    medium: 'integer',
    small: 'smallint',
    bytes: 'bytea',
    clustered: '',
    cutById: 'partition by range (id)',
    cutByDelivery: 'partition by range (delivery)',
  },
  lockLiveRows: 'for update of l',
  // The weaker lock is enough, because publishing changes no key of an endpoint.
  lockEndpointRows: 'for no key update of e',
  lockEventRows: 'for update',
  // `for key share` would not block the removal of a payload, which changes no key.
  shareEventRows: 'for share',
  shareBatchRow: 'for share',
  isNamed,
  deleteNamed: (table, columns) => `delete from ${table} using v where ${isNamed(table, columns)}`,
  hasLateral: true,
  skipLocked: 'for update skip locked',
  giveBackPages: null,
  nowMs: '(extract(epoch from clock_timestamp()) * 1000)::bigint',
  // Partitions are not listed as tables of their own. format_type would quote names where the role quotes all.
  listColumns: `select c.relname as table_name, a.attname as name,
                  coalesce(array_position(k.columns, a.attnum), 0) as key_at,
                  case when t.typname in ('int8', 'int4', 'int2') then 'int'
                    when t.typname = 'bytea' then 'bytes' else t.typname end as type
                from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
                join pg_type t on t.oid = a.atttypid
                left join lateral (select array(select unnest(i.indkey))::int2[] as columns from pg_index i
                  where i.indrelid = c.oid and i.indisprimary) k on true
                where n.nspname = 'posthorn' and c.relkind in ('r', 'p') and not c.relispartition
                  and a.attnum > 0 and not a.attisdropped
                order by c.relname, a.attnum`,
  confirmReads: { text: `select pg_logical_emit_message(true, 'posthorn', '')` },
  addToStream: 'insert into stream_log (entries) values ($1)',
  // The next transaction id, and those that are still open: `20:17,19`.
  snapshot: `(select pg_snapshot_xmax(s)::text || coalesce(':' || (select string_agg(x::text, ',') from pg_snapshot_xip(s) x), '')
              from pg_current_snapshot() s)`,
  streamWriters: {
    // A part more, because clocks of two machines run at different speeds.
    afterMs: STREAM_KNOWN_MS * 1.25,
    // A transaction that has changed a row keeps this lock of its table.
    query: {
      text: `select distinct l.virtualtransaction as transaction
             from pg_locks l join pg_class c on c.oid = l.relation
             where l.locktype = 'relation' and l.mode = 'RowExclusiveLock' and l.granted
               and l.database = (select oid from pg_database where datname = current_database())
               and c.relnamespace = to_regnamespace('posthorn') and l.pid <> pg_backend_pid()`,
    },
  },
  lockConfigurationShared: { text: `select pg_advisory_xact_lock_shared(${CONFIGURATION_LOCK})` },
  lockConfiguration: { text: `select pg_advisory_xact_lock(${CONFIGURATION_LOCK})` },
  limitLockWait: waitMs => ({ text: `set local lock_timeout = ${waitMs}` }),
  readByIndex: {
    text: `select ${['seqscan', 'bitmapscan', 'hashjoin', 'mergejoin']
      .map(name => `set_config('enable_${name}', 'off', true)`)
      .join(', ')}`,
  },
  lockMigrations: { text: `select pg_advisory_xact_lock(${MIGRATION_LOCK})` },
  makeHistory: () => makeHistory(postgresDialect),
}
