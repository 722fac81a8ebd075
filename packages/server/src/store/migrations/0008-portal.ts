import type { Migration } from './migration.ts'

export const portal: Migration = {
  does: "Adds links to the tenants' portal, and their sessions.",
  compatibleFrom: 2,
  statements: [
    // Made with an API key or, without one, with the root key whose hash is root_hash, as in session.
    `create table portal_link (
       id {bytes} not null primary key,
       hash {bytes} not null,
       api_key {bytes},
       root_hash {bytes},
       tenant {text} not null,
       portal {text} not null,
       uses_left {int} not null,
       session_ms {int} not null,
       created_ms {int} not null,
       expires_ms {int} not null
     ) {clustered}`,
    `create unique index portal_link_hash on portal_link (hash)`,
    `create index portal_link_of_tenant on portal_link (tenant, id)`,
    // Null for a session of an API key, or what its link gave, as JSON.
    `alter table session add column portal {text}`,
    `alter table session add column portal_link {bytes}`,
    `create index session_of_portal on session (tenant, used_ms) where portal is not null`,
    `create index session_of_portal_link on session (portal_link) where portal_link is not null`,
    // Null: the setting applies. Otherwise a list of permissions, as JSON.
    `alter table tenant add column portal_may {text}`,
  ],
}
