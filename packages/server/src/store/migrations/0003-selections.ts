import type { Migration } from './migration.ts'

export const selections: Migration = {
  does: "Counts the characters of a tenant's types and filters, and finds its latest changes and parts of replays.",
  compatibleFrom: 2,
  statements: [
    // Characters of the types and filters of the tenant's endpoints, as JSON. Counted here, like the endpoints: reading
    // those of 20,000 endpoints would take a second for each new one.
    `alter table tenant add column selection_characters {int} not null default 0`,
    `update tenant set selection_characters = (
       select coalesce(sum(coalesce(length(e.types), 0) + coalesce(length(e.filter), 0)), 0)
       from endpoint e where e.tenant = tenant.id and e.deleted_ms is null)`,
    // A cached copy of a tenant is brought up to date with what changed since: usually one endpoint of thousands.
    `create index endpoint_change_of_tenant on endpoint (tenant, change_seq)`,
    // Tenants take turns with the parts of their replays.
    `create index replay_part_of_tenant on replay_part (tenant, claimed_until_ms)`,
  ],
}
