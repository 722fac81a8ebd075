import type { Migration } from './migration.ts'

export const notifications: Migration = {
  does: 'Adds notifications by mail and chat.',
  compatibleFrom: 2,
  statements: [
    // sealed: the address, and the tokens of both links. outgoing: the message being sent, as JSON. due_ms: when to look
    // at it next. told: messages in a row. sent_ms: when the last message was sent.
    `create table notification (
       id {bytes} not null primary key,
       tenant {text} not null,
       kind {text} not null,
       shown {text} not null,
       address_hash {bytes} not null,
       sealed {bytes} not null,
       types {text} not null,
       language {text} not null,
       confirm_hash {bytes},
       confirm_until_ms {int} not null,
       confirmed_ms {int},
       unsubscribe_hash {bytes} not null,
       outgoing {text},
       attempts {int} not null,
       due_ms {int},
       told {int} not null,
       quiet_until_ms {int} not null,
       digest_ms {int} not null,
       sent_ms {int},
       failed_ms {int},
       failure {text},
       created_ms {int} not null
     ) {clustered}`,
    `create unique index notification_address on notification (tenant, address_hash)`,
    `create index notification_of_tenant on notification (tenant, id)`,
    `create unique index notification_confirm on notification (confirm_hash) where confirm_hash is not null`,
    `create unique index notification_unsubscribe on notification (unsubscribe_hash)`,
    `create index notification_due on notification (due_ms) where due_ms is not null`,
    // What a notification's next messages say: one row for each kind of fact about each endpoint. tenant: the one that
    // it is about. count: facts that no message has said yet.
    `create table notification_item (
       notification {bytes} not null,
       about {text} not null,
       tenant {text} not null,
       type {text} not null,
       data {text} not null,
       count {int} not null,
       first_ms {int} not null,
       last_ms {int} not null,
       due_ms {int} not null,
       primary key (notification, about)
     ) {clustered}`,
    `create index notification_item_of_tenant on notification_item (tenant)`,
    // How much of a limit is used. name: a hash of what is limited.
    `create table notification_limit (
       name {bytes} not null primary key,
       used {int} not null,
       until_ms {int} not null
     ) {clustered}`,
    `create index notification_limit_end on notification_limit (until_ms)`,
  ],
}
