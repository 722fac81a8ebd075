import { formatNumber } from '../../lib/format.ts'
import type { RangeName } from '../../lib/range.ts'
import { translated } from '../translated.ts'
import { common } from './common.ts'

const many = (n: number | null, one: string, several: string) =>
  n === null ? `More than 10,000 ${several}` : common.count(n, one, several)

/** Words of Overview, of all tenants and of one. */
export const overview = translated('overview', {
  title: 'Overview',
  verdict: {
    none: 'No webhook arrives',
    most: 'Most webhooks don’t arrive',
    except: (endpoints: number | null, tenants: number | null) =>
      `Webhooks arrive, except at ${many(endpoints, 'endpoint', 'endpoints').replace(/^M/, 'm')}${
        tenants === null || tenants < 2 ? '' : ` of ${common.tenants(tenants)}`
      }`,
    late: (age: string) => `Webhooks arrive late: the oldest has waited for ${age}`,
    all: 'Webhooks arrive',
    quiet: 'Nothing was sent in this period',
  },
  figures: {
    label: 'Figures of the period',
    arriving: 'Arriving',
    arrivingNote: (delivered: string, exhausted: string) => `${delivered} delivered, ${exhausted} exhausted`,
    arrivingNone: 'Nothing ended in this period',
    backlog: 'Backlog',
    oldest: (age: string) => `Due now; oldest waits for ${age}`,
    nothingDue: 'Nothing waits',
    pending: (n: string) => `Nothing is due, ${n} retry later`,
    unknown: 'Could not be counted in time',
    latency: 'Receivers’ p95',
    latencyNote: (p50: string) => `p50 ${p50}`,
    latencyNone: 'No receiver responded',
    failing: 'Endpoints failing',
    failingNone: 'No receiver fails now',
    failingNote: (recent: number) => (recent === 0 ? 'None new in the last hour' : `${recent} new in the last hour`),
    disabled: (n: number | null) => `${n === null ? 'more than 10,000' : formatNumber(n)} disabled`,
    before: 'Compared with the period before, of the same length',
    growing: (n: string) => `${n} more than when this page was opened`,
    falling: (n: string) => `${n} fewer than when this page was opened`,
  },
  outcomes: {
    title: 'Deliveries by outcome',
    delivered: 'Delivered',
    retrying: 'Failed, retried',
    exhausted: 'Exhausted',
    cancelled: 'Cancelled',
    resetZoom: 'Reset zoom',
    nothing: 'No delivery was attempted in this period.',
  },
  latency: { title: 'Receivers’ response times', p50: 'p50', p95: 'p95' },
  attention: {
    title: 'Needs attention',
    none: 'Nothing needs attention.',
    noneSince: 'No delivery has been exhausted since',
    noneIn: (range: RangeName | null) =>
      range === null
        ? 'No delivery was exhausted in this period.'
        : `No delivery was exhausted in the ${common.range.names[range].toLowerCase()}.`,
    more: (n: number) => `Show ${formatNumber(n)} more`,
    fewer: 'Show fewer',
    severity: { bad: 'Urgent', warn: 'Soon', info: 'For information' },
    failing: (age: string, reason: string) => `has failed for ${age}: ${reason}.`,
    failingUnknown: (age: string) => `has failed for ${age}.`,
    waiting: (n: number | null) =>
      n === null
        ? 'More than 1,000 deliveries are pending.'
        : `${common.deliveries(n)} ${n === 1 ? 'is' : 'are'} pending.`,
    disabled: {
      manual: (age: string) => `was disabled ${age} by a call.`,
      gone: (age: string) => `was disabled ${age}, as its receiver responded with 410.`,
      failing: (age: string) => `was disabled ${age}, as no attempt succeeded for days.`,
      null: (age: string) => `was disabled ${age}.`,
    },
    held: (n: number | null) =>
      n === null ? 'More than 1,000 deliveries are held.' : `${common.deliveries(n)} ${n === 1 ? 'is' : 'are'} held.`,
    secrets: { clientSecret: 'The secret', clientCertificate: 'The client certificate' },
    secretOf: 'of',
    expired: (age: string) => `expired ${age}.`,
    expires: (when: string) => `expires ${when}.`,
    moreFailing: (n: number | null) => `${many(n, 'more endpoint fails', 'more endpoints fail')}.`,
    moreDisabled: (n: number | null) => `${many(n, 'more endpoint is', 'more endpoints are')} disabled.`,
    moreExpiring: (n: number | null) => `${many(n, 'more secret has', 'more secrets have')} expired or will soon.`,
    setAside: (n: number | null) =>
      `${many(n, 'delivery is', 'deliveries are')} set aside: each was in flight at three crashes of the server.`,
    rejected: (n: number | null) => `${many(n, 'event was', 'events were')} rejected in the last 24 hours.`,
    unassigned: (n: number) =>
      `${common.count(n, 'partition has', 'partitions have')} no node: nothing is sent to their endpoints.`,
    lost: 'has stopped reporting.',
    lostSince: 'has not reported since',
    replays: (n: number | null) => `${many(n, 'replay is', 'replays are')} running or paused.`,
    actions: {
      deliveries: 'See deliveries',
      pause: 'Pause',
      held: 'See held',
      enable: 'Enable',
      replace: 'Replace secret',
      endpoints: 'See endpoints',
      look: 'Look at them',
      nodes: 'See nodes',
      checks: 'See checks',
      replays: 'See replays',
      rejected: 'See events',
    },
    pauseTitle: (name: string) => `Pause ${name}`,
    pauseText: (pending: number | null) =>
      pending === 0
        ? 'The endpoint is disabled. Deliveries of new events are held until you enable it; none is lost.'
        : `The endpoint is disabled. Its ${
            pending === null ? 'more than 1,000 deliveries' : common.deliveries(pending)
          }, and those of new events, are held until you enable it; none is lost.`,
    pauseAction: (pending: number | null) =>
      pending === 0
        ? 'Pause the endpoint'
        : `Pause and hold ${pending === null ? 'all deliveries' : common.deliveries(pending)}`,
    paused: (name: string) => `${name} is paused.`,
  },
  ranks: {
    trouble: 'Tenants in trouble',
    volume: 'Tenants by volume',
    all: 'All tenants',
    noTrouble: 'Everything of every tenant arrives.',
    noVolume: 'No tenant sent anything in this period.',
    tenant: 'Tenant',
    failing: 'Failing',
    failingTitle: 'Endpoints that fail now',
    exhausted: 'Exhausted',
    failed: 'Failed',
    failedTitle: 'Share of the attempts that failed',
    delivered: 'Delivered',
    attempts: 'Attempts',
    incomplete: 'Not all tenants could be looked at in time. Choose a shorter period.',
  },
  nodes: {
    title: 'Nodes',
    node: 'Node',
    state: 'State',
    states: { running: 'Running', draining: 'Shutting down', lost: 'Lost' },
    partitions: 'Partitions',
    inFlight: 'In flight',
    backlog: 'Backlog',
    lag: 'Oldest',
  },
  checks: {
    title: 'The server says',
    all: 'All checks',
    fine: (n: number) => `${common.count(n, 'check', 'checks')}, nothing to mend.`,
    checking: 'Checking …',
  },
  nothing: {
    title: 'No webhooks yet',
    text: 'Register an endpoint: the URL that your webhooks are sent to. Whether they arrive will be shown here.',
    readOnly:
      'Once an endpoint is registered and the first event has happened, this page shows whether webhooks arrive.',
    registered: 'Your endpoint is registered. From the first event on, this page shows whether webhooks arrive.',
    register: 'Register an endpoint',
    test: 'Open it and send a test event',
    open: 'Open the endpoint',
  },
  first: {
    title: 'No webhooks yet',
    text: 'Posthorn takes your events and delivers each to the endpoints that are registered for its type. Whether they arrive will be shown here.',
    steps: 'First steps',
    done: 'Done',
    tenant: 'Create a tenant',
    tenantText: 'One of your customers. You choose its id.',
    endpoint: 'Register its endpoint',
    register: 'Register an endpoint',
    secret: 'the-token-that-your-receiver-expects',
    endpointText: 'The URL that receives the tenant’s events, and the token with which Posthorn calls it.',
    event: 'Publish an event',
    eventText: 'Posthorn stores it before it responds, and sends it to every endpoint that is registered for its type.',
    publish: 'Publish a test event',
    live: 'This page shows the first delivery within seconds, without a reload.',
  },
} as const)
