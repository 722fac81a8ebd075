import { formatNumber } from '../../lib/format.ts'
import { translated } from '../translated.ts'
import { common } from './common.ts'

const deliveries = common.deliveries

/** Words of the pages about replays: sending earlier events again. */
export const replays = translated('replays', {
  title: 'Replays',
  titleAcross: 'Replays across tenants',
  newestFirst: 'Newest first',
  one: 'Replay',
  across: 'Replay across tenants',
  start: 'Start a replay',
  columns: {
    created: 'Started',
    state: 'State',
    tenant: 'Tenant',
    selection: 'Selection',
    period: 'Events from',
    progress: 'Progress',
    key: 'Key',
  },
  states: {
    searching: 'Searching',
    running: 'Running',
    paused: 'Paused',
    sending: 'Sending',
    done: 'Done',
    cancelling: 'Cancelling',
    cancelled: 'Cancelled',
  },
  filters: {
    state: 'State',
    states: { running: 'Running', paused: 'Paused', done: 'Done', cancelled: 'Cancelled' },
  },
  tabs: { label: 'Whose replays', tenants: 'Of tenants', across: 'Across tenants' },
  empty: {
    title: 'No replays yet',
    text: 'A replay sends earlier events again: those that failed in an outage, or all that an endpoint registered too late has missed. You see how many it will be before it starts, and can pause it at any time.',
  },
  emptyAcross: {
    title: 'No replays across tenants yet',
    text: 'A replay across tenants sends the events of some types and of a period again in every tenant, such as the morning of an outage of your own.',
  },

  what: {
    exhausted: 'exhausted',
    cancelled: 'cancelled',
    delivered: 'delivered',
    missing: 'missed',
  },
  enumerate: (list: readonly string[]) => {
    const text = list.length < 2 ? list.join('') : `${list.slice(0, -1).join(', ')} and ${list.at(-1)}`
    return text.charAt(0).toUpperCase() + text.slice(1)
  },
  allTypes: 'all types',
  types: (n: number) => common.count(n, 'type', 'types'),
  oneEvent: 'one event',
  oneEndpoint: 'one endpoint',
  ever: 'any time',
  since: (time: string) => `since ${time}`,
  until: (time: string) => `until ${time}`,

  progress: (made: number, of: number | null) =>
    of === null ? `${formatNumber(made)} created` : `${formatNumber(made)} of ${formatNumber(of)}`,
  parts: {
    ended: 'Ended',
    sending: 'Being sent',
    skipped: 'Skipped',
    left: 'To be created',
  },
  partsHelp: {
    skipped:
      'Not created after all: the event was sent again in the meantime, the endpoint was deleted, or the event is no longer kept.',
  },
  says: {
    searching: (tenants: number) =>
      `Looking through the tenants. ${tenants === 0 ? 'None has anything to send so far.' : `${common.tenants(tenants)} so far.`}`,
    running: (made: number, of: number | null) =>
      of === null
        ? `${deliveries(made)} created so far.`
        : `${formatNumber(made)} of ${deliveries(of)} created so far.`,
    paused: (made: number, of: number | null) =>
      of === null
        ? `Paused after ${deliveries(made)}. Nothing more is created until it is resumed.`
        : `Paused after ${formatNumber(made)} of ${deliveries(of)}. Nothing more is created until it is resumed.`,
    sending: (made: number, open: number) =>
      `All ${deliveries(made)} are created; ${formatNumber(open)} ${open === 1 ? 'is' : 'are'} still being sent.`,
    done: (made: number) => (made === 0 ? 'Nothing was left to send.' : `All ${deliveries(made)} have ended.`),
    cancelling: (open: number) => `Cancelled. ${deliveries(open)} ${open === 1 ? 'is' : 'are'} being cancelled.`,
    cancelled: (made: number) =>
      made === 0 ? 'Cancelled before anything was sent.' : `Cancelled after ${deliveries(made)}.`,
    took: (took: string) => `It took ${took}.`,
  },
  facts: {
    selection: 'Outcome before',
    types: 'Event types',
    endpoint: 'Endpoint',
    event: 'Event',
    period: 'Events published',
    tenant: 'Tenant',
    key: 'Key',
    created: 'Started',
    ended: 'All created',
    endedCancelled: 'Cancelled',
    batch: 'Part of',
    tenants: 'Tenants',
  },
  everyType: 'All types',
  allEndpoints: 'All endpoints',
  selection: 'Selection',
  byTenant: 'By tenant',
  noParts: 'No tenant has anything to send.',
  notFound: 'This replay is not here. It may no longer be kept, or belong to another tenant.',

  pause: 'Pause',
  resume: 'Resume',
  cancel: 'Cancel replay',
  paused: 'Paused. Deliveries created so far are still sent.',
  resumed: 'Resumed.',
  cancelKeep: 'Keep the replay',
  cancelTitle: 'Cancel this replay?',
  cancelText: (left: number | null, open: number) =>
    [
      left === null ? 'Nothing more is created.' : left > 0 ? `${deliveries(left)} will not be created.` : '',
      open > 0 ? `${deliveries(open)} that ${open === 1 ? 'is' : 'are'} pending or held will be cancelled.` : '',
      'This can’t be undone.',
    ]
      .filter(Boolean)
      .join(' '),
  cancelAction: (open: number) => (open === 0 ? 'Cancel replay' : `Cancel ${deliveries(open)}`),
  cancelled: 'The replay is cancelled.',

  make: {
    note: 'Events are sent again as new deliveries with the same webhook id, so receivers that verify ids ignore what they already have. Live events go first.',
    tenant: 'Tenant',
    everyTenant: 'All tenants',
    endpoint: 'Endpoint',
    everyEndpoint: 'All endpoints',
    types: 'Event types',
    everyType: 'All types',
    chooseTypes: 'Choose types',
    typesNeeded: 'Across tenants, choose the types.',
    period: 'Events published',
    outcome: 'Whose delivery',
    outcomes: {
      exhausted: 'was exhausted: every attempt failed',
      cancelled: 'was cancelled',
      delivered: 'arrived: receivers get it again',
    },
    missing: 'was never made: the endpoint was registered later or did not want it, and wants it now',
    outcomeNeeded: 'Choose at least one.',
    key: 'Key',
    keyHelp: 'Optional. Your own name for it, such as outage-of-may-3: the same replay can’t be started twice.',
    count: 'Would send',
    counting: 'Counting …',
    tooMany: 'More than can be counted in advance. The replay says how many when it ends.',
    none: 'Nothing matches: there is nothing to send.',
    inTenants: (n: number | null) => (n === null ? '' : `in ${common.tenants(n)}`),
    pace: 'They are created a few at a time, and you can pause or cancel on the next page.',
    action: (n: number | null) => (n === null ? 'Replay them all' : `Replay ${deliveries(n)}`),
    actionNone: 'Replay',
    pending: 'Events with a pending or held delivery are left out, because that will still be sent.',
    duplicate: 'This replay had been started before.',
  },
} as const)
