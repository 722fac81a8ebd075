import { formatNumber } from '../../lib/format.ts'
import { translated } from '../translated.ts'

/** Words of the list of endpoints, and those that it shares with the page of one. */
export const endpoints = translated('endpoints', {
  title: 'Endpoints',
  search: 'Name, URL or uid',
  register: 'Register endpoint',
  columns: {
    health: 'State',
    name: 'Name',
    url: 'URL',
    tenant: 'Tenant',
    types: 'Event types',
    failures: 'Failed, 7 days',
    last: 'Last delivery',
  },
  health: {
    healthy: 'Healthy',
    failing: 'Failing',
    paused: 'Paused',
    unknown: 'Unknown',
    disabled: 'Disabled',
  },
  healthFilter: {
    healthy: 'Healthy',
    failing: 'Failing',
    paused: 'Paused by its receiver',
    unknown: 'Unknown',
  },
  states: { enabled: 'Enabled', disabled: 'Disabled' },
  disabledBecause: { manual: 'by a call', gone: 'receiver gone (410)', failing: 'failed for days' },
  filters: { health: 'Health', state: 'State', type: 'Event type', typeOwn: 'Another type' },
  allTypes: 'All types',
  moreTypes: (n: number) => `+${formatNumber(n)}`,
  noAttempts: 'No attempts in the last 7 days',
  failedOf: (failed: number, attempts: number) =>
    `${formatNumber(failed)} of ${formatNumber(attempts)} attempts failed in the last 7 days`,
  never: 'never',
  noneEnded: 'none has ended',
  attention: {
    token_expired: 'secret expired',
    token_expires_soon: 'secret expires soon',
    certificate_expires_soon: 'certificate expires soon',
    secret_unreadable: 'secret unreadable',
    types_fit_nothing: 'a type fits nothing',
  } as Readonly<Record<string, string>>,
  /** For `token_expires_soon`, where it is known when. */
  secretExpires: (when: string) => `secret expires ${when}`,
  empty: {
    title: 'No endpoints yet',
    text: 'An endpoint is a URL of a tenant that events are sent to, with its secret and the event types it wants. Register one: it gets every matching event published from then on.',
    action: 'Register an endpoint',
  },
} as const)
