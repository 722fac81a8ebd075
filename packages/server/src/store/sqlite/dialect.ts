import type { Dialect } from '../transaction.ts'

export const sqliteDialect: Dialect = {
  engine: 'sqlite',
  words: {
    text: 'text',
    int: 'integer',
    medium: 'integer',
    small: 'integer',
    bytes: 'blob',
    clustered: 'without rowid',
    cutById: 'without rowid',
    cutByDelivery: 'without rowid',
  },
  // No locks are needed: there is one writer at a time.
  lockLiveRows: '',
  lockEndpointRows: '',
  lockEventRows: '',
  shareEventRows: '',
  shareBatchRow: '',
  isNamed: (table, columns) => columns.map(column => `${table}.${column} = v.${column}`).join(' and '),
  // `exists (…)` would scan the whole table for each row of `v` (144 µs instead of 9 for one delivery, with a few
  // thousand pending).
  deleteNamed: (table, columns) => `delete from ${table} where (${columns}) in (select ${columns} from v)`,
  // A query costs a microsecond or two here: it is a call within the thread.
  hasLateral: false,
  skipLocked: '',
  giveBackPages: pages => ({ text: `pragma incremental_vacuum(${pages})` }),
  nowMs: `cast(unixepoch('subsec') * 1000 as integer)`,
  listColumns: `select m.name as table_name, c.name as name, c.pk as key_at,
                  case lower(c.type) when 'integer' then 'int' when 'blob' then 'bytes' else lower(c.type) end as type
                from sqlite_schema m join pragma_table_info(m.name) c
                where m.type = 'table' and m.name not like 'sqlite%' order by m.name, c.cid`,
  confirmReads: null,
  addToStream: `insert into stream_log (id, txid, entries)
                select coalesce(max(id), 0) + 1, coalesce(max(id), 0) + 1, $1 from stream_log`,
  // One writer, so the next row's number says it all.
  snapshot: `(select cast(coalesce(max(id), 0) + 1 as text) from stream_log)`,
  streamWriters: null,
  lockConfigurationShared: null,
  lockConfiguration: null,
  limitLockWait: () => null,
  readByIndex: null,
  lockMigrations: null,
  makeHistory: null,
}
