import type { Migration } from './migration.ts'

export const callers: Migration = {
  does: 'Adds what the API shows and takes beyond the first release: keys of callers, last attempts, what was sent.',
  // Older nodes would take the new operators of filters for members of the payload, and match nothing.
  compatibleFrom: 2,
  statements: [
    // What the last attempt came to, so that a list shows it without reading attempts. Null before the first attempt,
    // and for deliveries that were stored before this step.
    ...['live_delivery', 'delivery'].flatMap(table => [
      `alter table ${table} add column last_started_ms {int}`,
      `alter table ${table} add column last_duration_ms {medium}`,
      `alter table ${table} add column last_status {small}`,
      `alter table ${table} add column last_error {text}`,
    ]),
    `alter table endpoint add column uid {text}`,
    `alter table endpoint add column name {text}`,
    `alter table endpoint add column disabled_ms {int}`,
    // Names of the signature's headers, as JSON; null: those of Standard Webhooks.
    `alter table endpoint add column signature_headers {text}`,
    `alter table endpoint add column request_version {int} not null default 1`,
    `create unique index endpoint_uid on endpoint (tenant, uid) where uid is not null and deleted_ms is null`,
    // What requests of an endpoint carried besides what is computed for each: attempts refer to it by version. Written
    // with each change of it; secrets are not in it, only the names of the headers that carry them.
    `create table endpoint_request (
       tenant {text} not null,
       endpoint {bytes} not null,
       version {int} not null,
       url {text} not null,
       headers {text} not null,
       secret_headers {text} not null,
       signature_headers {text},
       authentication {text} not null,
       since_ms {int} not null,
       primary key (tenant, endpoint, version)
     ) {clustered}`,
    // What a release and its settings put into every request. A row for each combination: a handful in all.
    `create table sender (
       id {int} not null primary key,
       user_agent {text} not null,
       api_version {text} not null
     )`,
    `create unique index sender_content on sender (user_agent, api_version)`,
    `alter table attempt add column request_version {medium}`,
    `alter table attempt add column sender {small}`,
    `alter table api_key add column payloads {int} not null default 1`,
    // Calls that carried an Idempotency-Key. The row is written in the transaction that makes the thing, its answer
    // right after; an answer that showed a secret is sealed until sealed_until_ms, and then removed.
    `create table idempotent_call (
       scope {text} not null,
       call_key {text} not null,
       hash {bytes} not null,
       made_id {text},
       made_ms {int} not null,
       expires_ms {int} not null,
       status {int},
       answer {bytes},
       sealed_until_ms {int},
       primary key (scope, call_key)
     ) {clustered}`,
    `create index idempotent_call_expiry on idempotent_call (expires_ms)`,
    `create index idempotent_call_sealed on idempotent_call (sealed_until_ms) where sealed_until_ms is not null`,
    // A replay across tenants: one replay in each tenant that has something to send, joined by its id.
    `create table replay_batch (
       id {bytes} not null primary key,
       replay_key {text} not null,
       hash {bytes} not null,
       selection {text} not null,
       as_of_ms {int} not null,
       state {text} not null,
       after_tenant {text},
       created_ms {int} not null,
       ended_ms {int}
     ) {clustered}`,
    `create unique index replay_batch_key on replay_batch (replay_key)`,
    `alter table replay add column batch {bytes}`,
    `create index replay_of_batch on replay (batch) where batch is not null`,
  ],
  code: 'escape filters',
}
