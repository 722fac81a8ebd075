import { PUBLISH_FUNCTION } from '../postgres/publish-function.ts'
import type { Migration } from './migration.ts'

export const firstRelease: Migration = {
  does: 'Makes the schema of the first release.',
  compatibleFrom: 1,
  statements: [
    `create table event_type (
       name {text} not null primary key,
       grp {text} not null,
       description {text} not null,
       schema {text} not null,
       example {text} not null,
       schedule {text},
       archived_ms {int},
       created_ms {int} not null
     ) {clustered}`,
    // The newest events of each type, for judging a change of its schema: a few hundred rows per type.
    `create table event_type_sample (
       type {text} not null,
       event {bytes} not null,
       tenant {text} not null,
       primary key (type, event)
     ) {clustered}`,
    `create table tenant (
       id {text} not null primary key,
       name {text},
       metadata {text} not null,
       retention {text},
       version {int} not null,
       created_ms {int} not null,
       deleted_ms {int},
       endpoint_count {int} not null default 0,
       change_seq {int} not null default 0
     ) {clustered}`,
    `create index tenant_change on tenant (change_seq)`,
    `create table endpoint (
       id {bytes} not null primary key,
       tenant {text} not null,
       partition {int} not null,
       url {text} not null,
       credentials {bytes},
       secret_digest {bytes},
       types {text},
       filter {text},
       description {text},
       metadata {text} not null,
       headers {text} not null,
       schedule {text},
       timeout_ms {int},
       rate_requests {int},
       rate_seconds {int},
       ordered {int} not null,
       next_seq {int} not null default 1,
       state {text} not null,
       disabled_reason {text},
       failing_since_ms {int},
       failing_stage {int} not null default 0,
       paused_until_ms {int},
       operational {int} not null default 0,
       secret_expires_ms {int},
       secret_warned {int} not null default 0,
       certificate_expires_ms {int},
       certificate_warned {int} not null default 0,
       created_ms {int} not null,
       updated_ms {int} not null,
       deleted_ms {int},
       created_version {int} not null default 0,
       selection_version {int} not null default 0,
       deleted_version {int},
       change_seq {int} not null default 0
     ) {clustered}`,
    `create index endpoint_change on endpoint (change_seq)`,
    `create index endpoint_of_tenant on endpoint (tenant, id)`,
    `create index endpoint_operational on endpoint (tenant) where operational = 1`,
    `create index endpoint_secret_expiry on endpoint (secret_expires_ms) where secret_expires_ms is not null`,
    `create index endpoint_certificate_expiry on endpoint (certificate_expires_ms)
       where certificate_expires_ms is not null`,
    // What an endpoint selected earlier, by versions of its tenant, the last one excluded. Written when it changes.
    `create table endpoint_selection (
       tenant {text} not null,
       endpoint {bytes} not null,
       until_version {int} not null,
       from_version {int} not null,
       types {text},
       filter {text},
       primary key (tenant, endpoint, until_version)
     ) {clustered}`,
    // In the three history tables, columns of a fixed size come first, the widest first: PostgreSQL puts each at a
    // multiple of its size, and leaves the bytes before it empty.
    // History is never updated, except that a payload can be removed before its event; it is then empty. Keys rise with
    // time, so rows are added at the end.
    `create table event (
       created_ms {int} not null,
       tenant_version {medium},
       deliveries {medium},
       test {small} not null,
       tenant {text} not null,
       id {bytes} not null,
       type {text} not null,
       payload {bytes} not null,
       event_key {text},
       not_sent {text},
       rejected {text},
       traceparent {text},
       primary key (tenant, id)
     ) {cutById}`,
    `create index event_rejected on event (id, tenant) where rejected is not null`,
    // Events whose deliveries have yet to be created. With a payload: published from SQL, and not in `event` yet.
    // Without: already stored, with very many deliveries; until they exist, the event doesn't say how many there are.
    `create table inbox (
       tenant {text} not null,
       id {bytes} not null,
       type {text} not null,
       event_key {text},
       payload {bytes},
       created_ms {int} not null,
       claimed_until_ms {int} not null default 0,
       after_endpoint {bytes},
       made {int} not null default 0,
       tenant_version {int},
       not_sent {text},
       primary key (tenant, id)
     ) {clustered}`,
    // Rows come and go: the dead ones must not make it slow to look at an empty inbox.
    {
      engine: 'postgres',
      text: `alter table inbox set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)`,
    },
    `create table idempotency (
       tenant {text} not null,
       event_key {text} not null,
       event {bytes} not null,
       hash {bytes} not null,
       expires_ms {int} not null,
       primary key (tenant, event_key)
     ) {clustered}`,
    `create index idempotency_expiry on idempotency (expires_ms)`,
    // Deliveries that haven't ended. Small: a row is removed when its delivery ends.
    `create table live_delivery (
       tenant {text} not null,
       id {bytes} not null,
       endpoint {bytes} not null,
       partition {int} not null,
       event {bytes} not null,
       type {text} not null,
       state {text} not null,
       held_reason {text},
       due_ms {int} not null,
       attempts {int} not null,
       replay_of {bytes},
       test {int} not null,
       created_ms {int} not null,
       open_trials {int} not null default 0,
       seq {int},
       replay {bytes},
       primary key (tenant, id)
     ) {clustered}`,
    // Only deliveries to ordered endpoints have a number, so the others cost nothing here.
    `create index live_order on live_delivery (partition, endpoint, seq) where state = 'pending' and seq is not null`,
    `create index live_due on live_delivery (partition, endpoint, due_ms, id) where state = 'pending'`,
    `create index live_held on live_delivery (partition, endpoint, id) where state = 'held'`,
    `create index live_set_aside on live_delivery (partition, id) where held_reason = 'set_aside'`,
    `create index live_event on live_delivery (event)`,
    // Deliveries that a replay created: the others cost nothing here.
    `create index live_replay on live_delivery (replay, endpoint, id) where replay is not null`,
    `create index live_untried on live_delivery (replay, endpoint)
       where replay is not null and state = 'pending' and attempts = 0`,
    `create table delivery (
       created_ms {int} not null,
       ended_ms {int} not null,
       attempts {small} not null,
       test {small} not null,
       tenant {text} not null,
       id {bytes} not null,
       endpoint {bytes} not null,
       event {bytes} not null,
       type {text} not null,
       state {text} not null,
       replay_of {bytes},
       primary key (tenant, id)
     ) {cutById}`,
    `create index delivery_endpoint on delivery (endpoint, id)`,
    // With the endpoint: if an event went to thousands, its deliveries to one of them are found among few rows.
    `create index delivery_event on delivery (event, endpoint)`,
    // Rows are added in this order, so a few bytes per 128 pages tell whether a span holds any that ended recently.
    { engine: 'postgres', text: `create index delivery_ended on delivery using brin (ended_ms)` },
    // Two nodes can make the same attempt around a takeover, and both rows are kept: hence started_ms in the key.
    // truncated: 0 no, 1 yes, 2 the response was removed before the rest of the row.
    // headers: as operations/deliveries/answer-headers.ts packs them.
    `create table attempt (
       started_ms {int} not null,
       duration_ms {medium} not null,
       number {small} not null,
       status {small},
       truncated {small} not null,
       tenant {text} not null,
       delivery {bytes} not null,
       error {text},
       address {text},
       headers {bytes} not null,
       body {bytes} not null,
       primary key (tenant, delivery, number, started_ms)
     ) {cutByDelivery}`,
    // Statistics over time, aggregated. An endpoint id of all zeros stands for all of the tenant's endpoints.
    `create table stat (
       tenant {text} not null,
       endpoint {bytes} not null,
       grain_ms {int} not null,
       start_ms {int} not null,
       delivered {int} not null,
       exhausted {int} not null,
       cancelled {int} not null,
       status_2xx {int} not null,
       status_3xx {int} not null,
       status_4xx {int} not null,
       status_5xx {int} not null,
       status_other {int} not null,
       no_answer {int} not null,
       latencies {text} not null,
       primary key (tenant, endpoint, grain_ms, start_ms)
     ) {clustered}`,
    `create index stat_age on stat (grain_ms, start_ms)`,
    `create table partition_lease (
       id {int} not null primary key,
       epoch {int} not null,
       owner {bytes},
       expires_ms {int} not null
     )`,
    `insert into partition_lease (id, epoch, expires_ms)
       with recursive n(id) as (select 0 union all select id + 1 from n where id < 255) select id, 0, 0 from n`,
    // Nodes that send. One that hasn't renewed its row in time is dead, and its row is removed.
    `create table node (
       id {bytes} not null primary key,
       alive_until_ms {int} not null
     )`,
    // API keys, as hashes. A revoked key stays, so that it can be listed.
    `create table api_key (
       id {bytes} not null primary key,
       hash {bytes} not null,
       name {text} not null,
       scope {text} not null,
       tenant {text},
       rate_requests {int},
       rate_seconds {int},
       created_ms {int} not null,
       expires_ms {int},
       revoked_ms {int},
       change_seq {int} not null
     ) {clustered}`,
    `create index api_key_change on api_key (change_seq)`,
    `create index api_key_tenant on api_key (tenant) where tenant is not null`,
    `create table replay (
       tenant {text} not null,
       id {bytes} not null,
       replay_key {text} not null,
       hash {bytes} not null,
       selection {text} not null,
       as_of_ms {int} not null,
       state {text} not null,
       deliveries {int},
       made {int} not null default 0,
       skipped {int} not null default 0,
       created_ms {int} not null,
       ended_ms {int},
       primary key (tenant, id)
     ) {clustered}`,
    `create unique index replay_key on replay (tenant, replay_key)`,
    `create index replay_open on replay (tenant, state) where ended_ms is null`,
    `create index replay_ended on replay (ended_ms) where ended_ms is not null`,
    // The deliveries that a replay has yet to create, by endpoint. A row is removed when all of its deliveries exist.
    `create table replay_part (
       replay {bytes} not null,
       endpoint {bytes} not null,
       tenant {text} not null,
       partition {int} not null,
       wanted {int},
       done {int} not null default 0,
       after_id {text},
       claimed_until_ms {int} not null default 0,
       primary key (replay, endpoint)
     ) {clustered}`,
    `create index replay_part_claim on replay_part (claimed_until_ms)`,
    // Operational events that have yet to be published. In a row that gathers (an endpoint's exhausted deliveries),
    // `count` is how many there have been since the last one.
    `create table notice (
       key {text} not null primary key,
       type {text} not null,
       tenant {text},
       gathers {int} not null,
       due_ms {int} not null,
       count {int} not null,
       data {text} not null
     ) {clustered}`,
    `create index notice_due on notice (due_ms)`,
    // Who changed what in the configuration, and when (the id contains the time).
    `create table audit (
       id {bytes} not null primary key,
       actor {text} not null,
       actor_key {bytes},
       actor_name {text},
       address {text},
       action {text} not null,
       target {text} not null,
       target_id {text} not null,
       tenant {text},
       fields {text} not null,
       created_ms {int} not null
     ) {clustered}`,
    `create index audit_tenant on audit (tenant, id) where tenant is not null`,
    // Work that one node does for all from time to time: which node is doing it, and until when it is presumed to.
    `create table upkeep (
       name {text} not null primary key,
       owner {bytes},
       until_ms {int} not null,
       due_ms {int} not null,
       state {text} not null
     ) {clustered}`,
    // For tenants whose retention periods require it: how far payloads and responses have been removed, by event and by
    // delivery, and what had to be left behind, to be checked again.
    `create table retention_mark (
       tenant {text} not null,
       kind {text} not null,
       id {bytes} not null,
       primary key (tenant, kind)
     ) {clustered}`,
    `create table retention_kept (
       tenant {text} not null,
       kind {text} not null,
       id {bytes} not null,
       primary key (tenant, kind, id)
     ) {clustered}`,
    // Tenants that were erased, or are being erased. The row outlives the tenant's own.
    `create table erasure (
       tenant_id {text} not null primary key,
       state {text} not null,
       rows_removed {int} not null,
       settled_ms {int} not null,
       requested_ms {int} not null,
       finished_ms {int}
     ) {clustered}`,
    // Mismatches found by the consistency check.
    `create table mismatch (
       kind {text} not null,
       tenant {text} not null,
       id {text} not null,
       detail {text} not null,
       found_ms {int} not null,
       seen_ms {int} not null,
       primary key (kind, tenant, id)
     ) {clustered}`,
    ...PUBLISH_FUNCTION.map(text => ({ engine: 'postgres', text }) as const),
  ],
}
