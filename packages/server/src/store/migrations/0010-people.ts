import type { Migration } from './migration.ts'

export const people: Migration = {
  does: 'Adds sessions of people who sign in through single sign-on.',
  compatibleFrom: 2,
  statements: [
    // Null for a session of an API key or a portal. Otherwise the person as JSON, who it is, and a hash of what the
    // settings said of the issuer.
    `alter table session add column person {text}`,
    `alter table session add column person_of {text}`,
    `alter table session add column issuer_mark {text}`,
    `create index session_of_person on session (person_of, used_ms) where person_of is not null`,
    // Sign-ins that were used, until they would have expired.
    `create table used_sign_in (
       hash {bytes} not null primary key,
       expires_ms {int} not null
     ) {clustered}`,
  ],
}
