/** How deliveries do, in one call: what waits, and what needs attention. */
import { type Static, Type } from 'typebox'
import { ATTEMPT_ERRORS, DISABLED_REASONS } from '../../base/model.ts'
import type {
  DisabledEndpoint,
  ExpiringSecret,
  FailingEndpoint,
  Overview,
  OverviewReport,
} from '../../services/overview.ts'
import { TENANT_ORDERS, type TenantRanks, type TenantStats } from '../../services/tenant-stats.ts'
import type { Troubled } from '../../store/operations/endpoints/troubled.ts'
import { parseRange } from '../http/lists.ts'
import type { Routes } from '../http/routes.ts'
import {
  IntegerOrNull,
  NoQuery,
  NumberOrNull,
  objectOrNull,
  ref,
  strict,
  TenantParams,
  TextOrNull,
  Time,
  TimeInput,
  TimeOrNull,
  time,
  timeOrNull,
  Word,
  WordOrNull,
} from '../http/shapes.ts'
import { type Public, resource } from '../resource.ts'
import examples from './overview.examples.json' with { type: 'json' }

const Count = (what: string) => IntegerOrNull({ description: `Number of ${what}. Null if there are more than 10,000.` })

const ENDPOINT = {
  tenant: Type.String(),
  endpoint: Type.String({ description: "The endpoint's id.", examples: ['ep_01jy4k8v3xf0c8wq2rn5s7t9ab'] }),
  uid: TextOrNull({ description: "The endpoint's uid. Null if it has none." }),
  name: TextOrNull({ description: "The endpoint's name. Null if it has none." }),
  url: TextOrNull({ description: "The endpoint's URL. Null if it is a listener." }),
}

const FailingEndpointSchema = Type.Object(
  {
    ...ENDPOINT,
    failingSince: Time('When the first attempt of the current run of failures ended.'),
    lastError: WordOrNull(ATTEMPT_ERRORS, {
      description: 'Why the last attempt failed. Null if no failed attempt is kept.',
    }),
    lastStatus: IntegerOrNull({
      description: 'HTTP status of the response to that attempt. Null if there was no response, or no such attempt.',
    }),
    lastFailureAt: TimeOrNull('When that attempt ended. Null if there is no such attempt.'),
    pausedUntil: TimeOrNull('Posthorn sends nothing before this time. Null if the receiver did not ask for a pause.'),
    pending: IntegerOrNull({ description: 'Number of its pending deliveries. Null if there are more than 1,000.' }),
  },
  { $id: 'FailingEndpoint' },
)

const DisabledEndpointSchema = Type.Object(
  {
    ...ENDPOINT,
    disabledAt: Time('When the endpoint was disabled.'),
    reason: WordOrNull(DISABLED_REASONS, {
      description: 'Why the endpoint is disabled. Null if an earlier version of Posthorn disabled it.',
    }),
    held: IntegerOrNull({ description: 'Number of its held deliveries. Null if there are more than 1,000.' }),
  },
  { $id: 'DisabledEndpoint' },
)

const ExpiringSecretSchema = Type.Object(
  {
    ...ENDPOINT,
    secret: Word(['clientSecret', 'clientCertificate'] as const, { description: 'Which secret expires.' }),
    expiresAt: Time('When it expires. It can be in the past.'),
  },
  { $id: 'ExpiringSecret' },
)

const some = <Item extends Parameters<typeof Type.Array>[0]>(what: string, first: string, item: Item) =>
  Type.Object(
    {
      count: Count(what),
      tenants: IntegerOrNull({
        description: 'Number of tenants that they are of. Null if there are too many to count.',
      }),
      data: Type.Array(item, { description: `${first} At most 20, and of all tenants at most 3 of each.` }),
    },
    { description: `The ${what}.` },
  )

const BacklogOrNull = objectOrNull(
  {
    pending: Type.Integer({ description: 'Number of pending deliveries.' }),
    due: Type.Integer({ description: 'Number of those that are due: the backlog.' }),
    oldestDueAt: TimeOrNull('When the first of the backlog became due. Null if nothing is due.'),
    oldestCreatedAt: TimeOrNull('When the oldest pending delivery was created. Null if there is none.'),
    countedAt: Time('When they were counted. Very many are counted about every 15 seconds.'),
    complete: Type.Boolean({
      description:
        'False if there are more than were counted: of a tenant more than the oldest 10,000 deliveries that have not ' +
        'ended, of all tenants more than could be counted so far. The numbers are then the least that there are.',
    }),
  },
  'The pending deliveries. Null if they could not be counted in time.',
)

const OverviewSchema = Type.Object(
  {
    at: Time('When the overview was made.'),
    tenant: TextOrNull({ description: 'The tenant that it is of. Null if it is of all.' }),
    backlog: BacklogOrNull,
    held: Count('held deliveries'),
    setAside: Count('deliveries set aside'),
    failing: some(
      'enabled endpoints whose receiver is failing',
      'Those that have failed for longest.',
      ref(FailingEndpointSchema),
    ),
    disabled: some('disabled endpoints', 'Those that were disabled last.', ref(DisabledEndpointSchema)),
    expiring: some(
      'clientSecrets and client certificates of enabled endpoints that have expired or expire within 30 days, as far as it is known when',
      'Those that expire first.',
      ref(ExpiringSecretSchema),
    ),
    replays: Count('replays that are running or paused'),
    replayBatches: Count('replays across tenants that are running or paused. 0 for a single tenant'),
    rejected: Type.Object(
      {
        since: Time('Events rejected at or after this time are counted.'),
        count: Count(
          'events published from SQL that were rejected since. Of a single tenant, only those among the newest 10,000 of all tenants',
        ),
      },
      { description: 'Events that were rejected in the last 24 hours.' },
    ),
  },
  { $id: 'Overview' },
)

type OverviewView = Static<typeof OverviewSchema>

const TenantStatsSchema = Type.Object(
  {
    tenant: Type.String(),
    name: TextOrNull({ description: "The tenant's name. Null if it has none." }),
    deliveries: Type.Object(
      { delivered: Type.Integer(), exhausted: Type.Integer(), cancelled: Type.Integer() },
      { description: 'Deliveries that ended in the period, by end state.' },
    ),
    attempts: Type.Integer({ description: 'Number of attempts that ended in the period.' }),
    failedAttempts: Type.Integer({ description: 'Number of those that failed.' }),
    failureRate: NumberOrNull({
      description: 'Share of the attempts that failed, from 0 to 1. Null if there were none.',
    }),
    failingEndpoints: IntegerOrNull({
      description: 'Number of its enabled endpoints that fail now. Null if there are more than 1,000.',
    }),
  },
  { $id: 'TenantStats' },
)

type TenantStatsView = Static<typeof TenantStatsSchema>

const TenantStatsQuery = strict({
  sort: Type.Optional(
    Word(TENANT_ORDERS, {
      description:
        '`volume` (the default): by attempts. `trouble`: by endpoints that fail now, then by exhausted deliveries, then ' +
        'by failed attempts.',
    }),
  ),
  from: Type.Optional(
    TimeInput('Start of the period, rounded down to a whole step. Defaults to 24 hours before its end.'),
  ),
  to: Type.Optional(TimeInput('End of the period. Defaults to now.')),
  limit: Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'Maximum number of tenants to return.' }),
})

const TenantStatsList = {
  ...Type.Object({
    from: Time('Start of the period.'),
    to: Time('End of the period.'),
    data: Type.Array(ref(TenantStatsSchema), {
      description: 'The first tenants in the order of `sort`. Those with nothing of it are left out.',
    }),
    complete: Type.Boolean({
      description:
        'False if not all tenants could be looked at within about 2 seconds: others might belong on the list. A shorter ' +
        'period takes less.',
    }),
  }),
  description: 'The tenants.',
}

type Needs = { readonly overview: Public<Overview>; readonly tenantRanks: Public<TenantRanks> }

export const overviewResource = resource({
  tag: 'Overview',
  components: [FailingEndpointSchema, DisabledEndpointSchema, ExpiringSecretSchema, OverviewSchema, TenantStatsSchema],
  examples,
  add(routes, services: Needs) {
    addOverviews(routes, services)
    addRanking(routes, services)
  },
})

const WHAT_IT_TELLS =
  'What waits to be sent, and what needs attention: endpoints that fail or are disabled, secrets that expire, replays, ' +
  'rejected events. `GET …/stats` has the numbers over time.'

function addOverviews(routes: Routes, { overview }: Needs): void {
  routes.get(
    '/v1/overview',
    {
      access: 'read',
      operationId: 'getAllOverview',
      summary: 'Get an overview of all tenants',
      description: `For API keys without a tenant. ${WHAT_IT_TELLS}`,
      querystring: NoQuery,
      response: { 200: { ...ref(OverviewSchema), description: 'The overview.' } },
    },
    async () => viewOverview(await overview.ofAll()),
  )

  routes.get(
    '/v1/tenants/:tenant/overview',
    {
      access: 'read',
      portal: 'look',
      operationId: 'getOverview',
      summary: 'Get an overview of a tenant',
      description: WHAT_IT_TELLS,
      params: TenantParams,
      querystring: NoQuery,
      response: { 200: { ...ref(OverviewSchema), description: 'The overview.' } },
      refusals: ['not_found'],
    },
    async ({ params: { tenant } }) => viewOverview(await overview.of(tenant)),
  )
}

function addRanking(routes: Routes, { tenantRanks }: Needs): void {
  routes.get(
    '/v1/tenant-stats',
    {
      access: 'read',
      operationId: 'listTenantStats',
      summary: 'List the tenants with the most attempts, or in the most trouble',
      description:
        'For API keys without a tenant. Adds up whole steps: of a minute for a period of up to 96 minutes, of an hour for ' +
        'up to 4 days, of a day (UTC) for longer ones, so the period can begin earlier and end later than asked for.',
      querystring: TenantStatsQuery,
      response: { 200: TenantStatsList },
    },
    async ({ query }) => {
      const { sort = 'volume', limit } = query
      const { fromMs, toMs, items, isComplete } = await tenantRanks.rank(sort, parseRange(query), limit)
      return { from: time(fromMs), to: time(toMs), data: items.map(viewTenantStats), complete: isComplete }
    },
  )
}

function viewTenantStats({ tenant, name, counts, attempts, failed, failingEndpoints }: TenantStats): TenantStatsView {
  const { delivered, exhausted, cancelled } = counts
  return {
    tenant,
    name,
    deliveries: { delivered, exhausted, cancelled },
    attempts,
    failedAttempts: failed,
    failureRate: attempts === 0 ? null : failed / attempts,
    failingEndpoints,
  }
}

function viewOverview(report: OverviewReport): OverviewView {
  const { backlog, failing, disabled, expiring, rejected } = report
  return {
    at: time(report.atMs),
    tenant: report.tenant,
    backlog:
      backlog === null
        ? null
        : {
            pending: backlog.pending,
            due: backlog.due,
            oldestDueAt: timeOrNull(backlog.oldestDueMs),
            oldestCreatedAt: timeOrNull(backlog.oldestMs),
            countedAt: time(backlog.countedAtMs),
            complete: backlog.isWhole,
          },
    held: report.held,
    setAside: report.setAside,
    failing: { count: failing.endpoints, tenants: failing.tenants, data: failing.items.map(viewFailing) },
    disabled: { count: disabled.endpoints, tenants: disabled.tenants, data: disabled.items.map(viewDisabled) },
    expiring: { count: expiring.endpoints, tenants: expiring.tenants, data: expiring.items.map(viewExpiring) },
    replays: report.replays,
    replayBatches: report.batches,
    rejected: { since: time(rejected.sinceMs), count: rejected.count },
  }
}

const viewPlace = ({ tenant, id, uid, name, url }: Troubled) => ({ tenant, endpoint: id, uid, name, url })

function viewFailing({ endpoint, report, pending }: FailingEndpoint): Static<typeof FailingEndpointSchema> {
  const { lastFailure, pausedUntilMs } = report
  return {
    ...viewPlace(endpoint),
    failingSince: time(endpoint.sinceMs),
    lastError: lastFailure?.error ?? null,
    lastStatus: lastFailure?.status ?? null,
    lastFailureAt: timeOrNull(lastFailure?.endedAtMs ?? null),
    pausedUntil: timeOrNull(pausedUntilMs),
    pending,
  }
}

const viewDisabled = ({ endpoint, held }: DisabledEndpoint): Static<typeof DisabledEndpointSchema> => ({
  ...viewPlace(endpoint),
  disabledAt: time(endpoint.sinceMs),
  reason: endpoint.disabledReason,
  held,
})

const viewExpiring = ({ endpoint, secret, expiresAtMs }: ExpiringSecret): Static<typeof ExpiringSecretSchema> => ({
  ...viewPlace(endpoint),
  secret,
  expiresAt: time(expiresAtMs),
})
