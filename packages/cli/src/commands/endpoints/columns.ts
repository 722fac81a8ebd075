/** How endpoints are shown. */
import type { Endpoint } from '@posthorn/client'
import { type Column, NONE, type Tone } from '../../terminal/index.ts'

const HEALTH_TONES: Readonly<Record<string, Tone>> = {
  healthy: 'good',
  failing: 'bad',
  paused: 'doubtful',
  unknown: 'quiet',
}

export const addressOf = ({ url, kind }: Pick<Endpoint, 'url' | 'kind'>): string => url ?? kind

export const lastFailureOf = ({
  lastStatus,
  lastError,
}: Pick<Endpoint['health'], 'lastStatus' | 'lastError'>): string =>
  lastStatus === null ? (lastError ?? NONE) : String(lastStatus)

const ID: Column<Endpoint> = { title: 'ID', text: ({ id }) => id }
const TENANT: Column<Endpoint> = { title: 'TENANT', text: ({ tenant }) => tenant }
const UID: Column<Endpoint> = { title: 'UID', text: ({ uid }) => uid ?? NONE, extra: 3 }
const URL: Column<Endpoint> = { title: 'URL', text: addressOf, canBeCut: true }
const STATE: Column<Endpoint> = {
  title: 'STATE',
  text: ({ state }) => state,
  tone: ({ state }) => (state === 'disabled' ? 'doubtful' : undefined),
  extra: 2,
}
const HEALTH: Column<Endpoint> = {
  title: 'HEALTH',
  text: ({ health }) => health.state,
  tone: ({ health }) => HEALTH_TONES[health.state],
}
const TYPES: Column<Endpoint> = {
  title: 'TYPES',
  text: ({ types }) => (types === null ? 'all' : types.join(', ')),
  canBeCut: true,
  extra: 4,
}

const scoped = (tenant: string | null, columns: readonly Column<Endpoint>[]): readonly Column<Endpoint>[] =>
  tenant === null ? [ID, TENANT, ...columns] : [ID, ...columns]

export const columnsFor = (tenant: string | null): readonly Column<Endpoint>[] =>
  scoped(tenant, [UID, STATE, HEALTH, URL, TYPES])

export const failingColumnsFor = (tenant: string | null): readonly Column<Endpoint>[] =>
  scoped(tenant, [
    { title: 'FAILING SINCE', text: ({ health }, { time }) => time(health.failingSince), tone: () => 'bad' },
    { title: 'LAST', text: ({ health }) => lastFailureOf(health) },
    { ...STATE, extra: 3 },
    UID,
    URL,
    { title: 'FAILED', text: ({ stats }) => rateOf(stats), align: 'right', extra: 1 },
    { title: 'LAST FAILURE', text: ({ health }, { time }) => time(health.lastFailureAt), extra: 5 },
  ])

/** How many of the attempts of the last 24 hours failed. */
const rateOf = (stats: Endpoint['stats']): string =>
  stats === undefined || stats.attempts === 0 ? NONE : `${stats.failedAttempts} of ${stats.attempts}`

/** All of an endpoint that people ask for. `--json` has the rest. */
export const FIELDS: readonly Column<Endpoint>[] = [
  ID,
  TENANT,
  UID,
  { title: 'NAME', text: ({ name }) => name ?? NONE },
  URL,
  { title: 'DESCRIPTION', text: ({ description }) => description ?? NONE },
  TYPES,
  { title: 'FILTER', text: ({ filter }) => (filter === null ? NONE : JSON.stringify(filter)) },
  STATE,
  { title: 'DISABLED', text: ({ disabledAt, disabledReason }, { time }) => disabled(disabledReason, time(disabledAt)) },
  HEALTH,
  { title: 'FAILING SINCE', text: ({ health }, { time }) => time(health.failingSince) },
  { title: 'LAST FAILURE', text: ({ health }) => lastFailureOf(health) },
  { title: 'PAUSED UNTIL', text: ({ pausedUntil }, { time }) => time(pausedUntil) },
  { title: 'HEADERS', text: ({ headers }) => Object.keys(headers).join(', ') || NONE },
  {
    title: 'METADATA',
    text: ({ metadata }) =>
      Object.entries(metadata)
        .map(pair => pair.join('='))
        .join(' ') || NONE,
  },
  { title: 'ORDERED', text: ({ ordered }) => (ordered ? 'yes' : 'no') },
  {
    title: 'RATE',
    text: ({ rateLimit }) => (rateLimit === null ? NONE : `${rateLimit.requests}/${rateLimit.perSeconds} s`),
  },
  { title: 'SECRET EXPIRES', text: ({ secretExpiresAt }, { time }) => time(secretExpiresAt) },
  { title: 'CREATED', text: ({ createdAt }, { time }) => time(createdAt) },
  { title: 'UPDATED', text: ({ updatedAt }, { time }) => time(updatedAt) },
]

const disabled = (reason: string | null, at: string): string => (reason === null ? at : `${reason}, ${at}`)
