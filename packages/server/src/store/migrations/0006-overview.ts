import type { Migration } from './migration.ts'

/** What the overview reads along indexes: endpoints with trouble, of each tenant (decision 50). */
const TROUBLE_INDEXES = [
  `create index endpoint_failing on endpoint (tenant, failing_since_ms, id)
     where failing_since_ms is not null and state = 'enabled' and deleted_ms is null`,
  `create index endpoint_disabled on endpoint (tenant, disabled_ms, id)
     where state = 'disabled' and deleted_ms is null`,
  `create index endpoint_secret_expiry_of_tenant on endpoint (tenant, secret_expires_ms, id)
     where secret_expires_ms is not null and state = 'enabled' and deleted_ms is null`,
  `create index endpoint_certificate_expiry_of_tenant on endpoint (tenant, certificate_expires_ms, id)
     where certificate_expires_ms is not null and state = 'enabled' and deleted_ms is null`,
]

const COUNTS = 'delivered exhausted cancelled status_2xx status_3xx status_4xx status_5xx status_other no_answer'.split(
  ' ',
)

/** The sums of what was counted so far. Latencies are counted from here on: bins can't be added up in SQL. */
const sumOfTenants = (zeros: string): string =>
  `insert into stat (tenant, endpoint, grain_ms, start_ms, ${COUNTS.join(', ')}, latencies)
     select '', endpoint, grain_ms, start_ms, ${COUNTS.map(name => `sum(${name})`).join(', ')}, '' from stat
     where endpoint = ${zeros} group by endpoint, grain_ms, start_ms`

export const overview: Migration = {
  does: 'Adds the statistics of all tenants together, and finds endpoints with trouble.',
  compatibleFrom: 2,
  statements: [
    ...TROUBLE_INDEXES,
    { engine: 'sqlite', text: sumOfTenants('zeroblob(16)') },
    { engine: 'postgres', text: sumOfTenants(`decode(repeat('00', 16), 'hex')`) },
  ],
}
