import type { Migration } from './migration.ts'

export const narrowIndexes: Migration = {
  does: 'Lets indexes of endpoints and sessions lead only to rows that have not ended, and finds secrets and uses by one.',
  compatibleFrom: 2,
  statements: [
    // Deleted endpoints and ended sessions stay for a while, and a tenant can make any number of them.
    `drop index endpoint_operational`,
    `create index endpoint_operational on endpoint (tenant) where operational = 1 and deleted_ms is null`,
    `create index endpoint_secret on endpoint (tenant, secret_digest) where secret_digest is not null`,
    `drop index session_of_key`,
    `create index session_of_key on session (api_key, used_ms) where ended_ms is null`,
    `drop index session_of_portal`,
    `create index session_of_portal on session (tenant, used_ms) where portal is not null and ended_ms is null`,
    `drop index session_of_person`,
    `create index session_of_person on session (person_of, used_ms) where person_of is not null and ended_ms is null`,
    `create index session_use on session (used_ms)`,
  ],
}
