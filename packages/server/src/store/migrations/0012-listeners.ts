import type { Migration } from './migration.ts'

export const listeners: Migration = {
  does: 'Adds endpoints without a URL, whose requests are handed over to those who listen.',
  compatibleFrom: 2,
  statements: [
    // When someone last listened. Null for an endpoint with a URL.
    `alter table endpoint add column seen_ms {int}`,
    `create index endpoint_listener on endpoint (tenant, seen_ms) where seen_ms is not null and deleted_ms is null`,
    // The open streams that listen. A row whose node is gone stays until its end, and is removed later.
    `create table listener_reader (
       endpoint {bytes} not null,
       reader {bytes} not null,
       tenant {text} not null,
       since_ms {int} not null,
       until_ms {int} not null,
       primary key (endpoint, reader)
     ) {clustered}`,
    `create index listener_reader_of on listener_reader (reader)`,
    // Requests that were handed over and are not settled. Headers and answer are sealed with the endpoint's key.
    `create table listener_request (
       tenant {text} not null,
       delivery {bytes} not null,
       endpoint {bytes} not null,
       event {bytes} not null,
       number {int} not null,
       started_ms {int} not null,
       expires_ms {int} not null,
       headers {bytes} not null,
       answer {bytes},
       primary key (tenant, delivery)
     ) {clustered}`,
    `create index listener_request_of on listener_request (endpoint, started_ms)`,
    `create index listener_request_expiry on listener_request (expires_ms)`,
    // Rows come and go, as in the inbox.
    {
      engine: 'postgres',
      text: `alter table listener_request set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`,
    },
  ],
}
