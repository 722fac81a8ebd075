/** Every page of the dashboard, for what has to be looked at on each: faults of accessibility, pictures. */
import type { Posthorn } from '@posthorn/client'

/** Things that exist, for the pages that show one. */
export type Things = {
  readonly tenant: string
  readonly delivery: string
  readonly event: string
  readonly endpoint: string
  readonly eventType: string
  readonly replay: { readonly tenant: string; readonly id: string }
}

export type ListedPage = {
  /** For the names of files and tests. */
  readonly name: string
  /** Path and query below the dashboard's base. */
  readonly path: (things: Things) => string
}

const fixed = (name: string, path = name): ListedPage => ({ name, path: () => path })

export const PAGES: readonly ListedPage[] = [
  fixed('overview', ''),
  fixed('deliveries'),
  { name: 'delivery', path: ({ tenant, delivery }) => `deliveries/${tenant}/${delivery}` },
  fixed('events'),
  { name: 'event', path: ({ tenant, event }) => `events/${tenant}/${event}` },
  { name: 'publish', path: ({ tenant, eventType }) => `events/new?tenant=${tenant}&type=${eventType}` },
  fixed('endpoints'),
  { name: 'endpoint', path: ({ tenant, endpoint }) => `endpoints/${tenant}/${endpoint}` },
  { name: 'endpoint-settings', path: ({ tenant, endpoint }) => `endpoints/${tenant}/${endpoint}?tab=settings` },
  { name: 'endpoint-secrets', path: ({ tenant, endpoint }) => `endpoints/${tenant}/${endpoint}?tab=secrets` },
  { name: 'endpoint-retries', path: ({ tenant, endpoint }) => `endpoints/${tenant}/${endpoint}?tab=retries` },
  { name: 'register', path: ({ tenant }) => `endpoints/new?tenant=${tenant}` },
  fixed('event-types'),
  { name: 'event-type', path: ({ eventType }) => `event-types/${eventType}` },
  fixed('replays'),
  { name: 'start-replay', path: ({ tenant }) => `replays/new?tenant=${tenant}` },
  { name: 'replay', path: ({ replay }) => `replays/${replay.tenant}/${replay.id}` },
  { name: 'notifications', path: ({ tenant }) => `notifications?tenant=${tenant}` },
  fixed('tenants'),
  { name: 'tenant', path: ({ tenant }) => `tenants/${tenant}` },
  fixed('nodes', 'operate/nodes'),
  fixed('checks', 'operate/checks'),
  fixed('rejected', 'operate/rejected'),
  fixed('set-aside', 'operate/set-aside'),
  fixed('audit', 'operate/audit'),
  fixed('api-keys', 'operate/api-keys'),
  fixed('sessions', 'operate/sessions'),
  fixed('operators-notifications', 'operate/notifications'),
  fixed('portal-looks', 'operate/portal'),
  fixed('egress', 'operate/egress'),
  fixed('settings', 'operate/settings'),
]

const OPERATORS_ALONE =
  /^(publish|tenants?|nodes|checks|rejected|set-aside|audit|api-keys|sessions|operators-notifications|portal-looks|egress|settings)$/

/** Every page of a portal, whose tenant has to be that of the things. */
export const PORTAL_PAGES: readonly ListedPage[] = [
  ...PAGES.filter(({ name }) => !OPERATORS_ALONE.test(name)).map(({ name, path }) => ({
    name: `portal-${name}`,
    path: (things: Things) => `portal/${path(things).replace(/\?tenant=[^&]+/, '')}`,
  })),
  fixed('portal-first-steps', 'portal/first-steps'),
]

/**
 * The most telling things of an installation, or of one tenant: a delivery that failed, with its event, and a replay.
 */
export async function findThings(api: Posthorn, of?: string): Promise<Things> {
  const { data: deliveries } = await api.deliveries.listAll({ state: ['exhausted', 'pending'], limit: 100, tenant: of })
  const failed = deliveries.toSorted((a, b) => b.attemptCount - a.attemptCount)[0]
  if (failed === undefined) throw new Error('No delivery has failed yet.')
  const { tenant, id: delivery, event, endpoint, type: eventType } = failed
  const { data: tenants } = await api.tenants.list({ limit: 1_000 })
  for (const { id: tenantOfReplay } of tenants) {
    const { data: replays } = await api.replays.list(tenantOfReplay, { limit: 1 })
    const replay = replays[0]
    if (replay !== undefined) {
      return { tenant, delivery, event, endpoint, eventType, replay: { tenant: tenantOfReplay, id: replay.id } }
    }
  }
  throw new Error('There is no replay yet.')
}
