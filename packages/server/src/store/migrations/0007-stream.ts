import type { Migration } from './migration.ts'

export const stream: Migration = {
  does: 'Adds the log that streams are read from.',
  compatibleFrom: 2,
  statements: [
    // What each transaction has changed (stream-notes.ts), while someone reads a stream. On SQLite, `txid` is the row's
    // own number; on PostgreSQL the id of the transaction, by which it is known who could see it.
    `create table stream_log (
       id {int} not null primary key,
       txid {int} not null,
       entries {text} not null
     )`,
    { engine: 'postgres', text: 'alter table stream_log alter column id add generated always as identity' },
    {
      engine: 'postgres',
      text: 'alter table stream_log alter column txid set default pg_current_xact_id()::text::bigint',
    },
    `create index stream_log_txid on stream_log (txid, id)`,
    // Rows come and go, as in the inbox.
    {
      engine: 'postgres',
      text: `alter table stream_log set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)`,
    },
  ],
}
