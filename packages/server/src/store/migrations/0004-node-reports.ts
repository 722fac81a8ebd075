import type { Migration } from './migration.ts'

export const nodeReports: Migration = {
  does: 'Adds what nodes report about themselves.',
  compatibleFrom: 2,
  statements: [
    // A row for each running node, replaced with each tick of its leases (decision 51). A node that shuts down removes
    // its row; the row of one that died stays for a while, so that its last report can be read.
    `create table node_report (
       id {bytes} not null primary key,
       seen_ms {int} not null,
       alive_until_ms {int} not null,
       report {text} not null
     )`,
  ],
}
