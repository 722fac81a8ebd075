import type { Migration } from './migration.ts'

export const sessions: Migration = {
  does: 'Adds sessions of the dashboard, and links that sign in.',
  compatibleFrom: 2,
  statements: [
    // A session of an API key or, without one, of the root key whose hash is root_hash.
    `create table session (
       id {bytes} not null primary key,
       hash {bytes} not null,
       api_key {bytes},
       root_hash {bytes},
       tenant {text},
       address {text},
       user_agent {text},
       created_ms {int} not null,
       used_ms {int} not null,
       expires_ms {int} not null,
       ended_ms {int},
       change_seq {int} not null
     ) {clustered}`,
    `create index session_change on session (change_seq)`,
    `create index session_of_key on session (api_key, used_ms)`,
    `create table sign_in_link (
       hash {bytes} not null primary key,
       api_key {bytes},
       root_hash {bytes},
       expires_ms {int} not null
     ) {clustered}`,
  ],
}
