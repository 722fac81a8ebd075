import type { Migration } from './migration.ts'

export const portalLooks: Migration = {
  does: 'Adds how the portals look.',
  compatibleFrom: 2,
  statements: [
    // One row, 1, or none. looks is JSON; of the logo all or nothing is there.
    `create table portal_looks (
       id {int} not null primary key,
       looks {text} not null,
       logo {bytes},
       logo_type {text},
       logo_hash {text},
       updated_ms {int} not null
     )`,
  ],
}
