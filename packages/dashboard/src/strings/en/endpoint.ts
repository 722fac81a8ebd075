import { formatNumber } from '../../lib/format.ts'
import { translated } from '../translated.ts'
import { common } from './common.ts'

/** `12 held deliveries`, also where there are too many to count. */
const held = (n: number | null) =>
  n === null ? 'all held deliveries' : common.count(n, 'held delivery', 'held deliveries')

/** Words of the page of one endpoint: its frame, its activity and its actions. */
export const endpoint = translated('endpoint', {
  back: 'Endpoints',
  notFound: {
    title: 'This endpoint is not here',
    text: 'It may have been deleted, or belong to another tenant. Its deliveries are kept for a while.',
    deliveries: 'Its deliveries',
  },
  tabs: { activity: 'Activity', settings: 'Settings', secrets: 'Secrets', retries: 'Retries' },
  tabsLabel: 'Parts of the endpoint',
  copyUrl: 'the URL',
  more: 'More actions',

  says: {
    failing: (why: string) => `Failing: ${why}.`,
    began: 'It began',
    since: 'no attempt has succeeded since.',
    willDisable: 'It will be disabled',
    unlessSuccess: 'unless an attempt succeeds before then.',
    disabled: {
      manual: 'Disabled by a call',
      gone: 'Disabled because its receiver responded with 410 (gone)',
      failing: 'Disabled because no attempt succeeded for days',
      unknown: 'Disabled',
    },
    holding: (n: number | null) =>
      n === 0
        ? 'Nothing is held yet. Events published from now on are held until it is enabled.'
        : `${n === null ? 'More than 10,000 deliveries are' : `${common.deliveries(n)} ${n === 1 ? 'is' : 'are'}`} held, and so will be those of new events.`,
    paused: 'The receiver asked for a pause (Retry-After). Nothing is sent',
    pausedUntil: 'before',
    resumes: 'now',
    nextSecret: 'A new secret takes effect',
  },
  retryPending: (n: number) => `Retry ${common.count(n, 'pending delivery', 'pending deliveries')} now`,
  retryPendingTitle: 'Retry what is pending',
  retryPendingText: (n: number) =>
    `The next attempt of ${common.count(n, 'delivery', 'deliveries')} is made now, not when it is due. An attempt that fails counts as one of those that the schedule allows.`,
  retried: (n: number) => `${common.deliveries(n)} ${n === 1 ? 'is' : 'are'} being sent.`,

  figures: {
    delivered: 'Delivered',
    deliveredNote: (n: number) => (n === 0 ? 'nothing ended in this period' : `of ${common.deliveries(n)} that ended`),
    failed: 'Failed attempts',
    failedNote: (failed: number, all: number) => `${formatNumber(failed)} of ${formatNumber(all)}`,
    latency: 'Response time, p50',
    latencyNote: (p95: string) => `p95 ${p95}`,
    noLatency: 'no attempt reached the receiver',
    waiting: 'Pending',
    held: (n: number) => `${formatNumber(n)} held`,
    noneHeld: 'none held',
    tooMany: 'more than 10,000',
  },
  charts: {
    attempts: 'Attempts by response',
    latency: 'Response times',
    series: {
      '2xx': '2xx',
      '3xx': '3xx',
      '4xx': '4xx',
      '5xx': '5xx',
      other: 'Other',
      none: 'No response',
    },
    p50: 'p50',
    p95: 'p95',
    nothing: 'No attempts in this period.',
  },
  latest: 'Newest deliveries',
  allDeliveries: 'All deliveries',
  noDeliveries: 'No deliveries in this period',
  noDeliveriesText: 'When an event is published that this endpoint wants, its delivery appears here within a second.',

  test: {
    action: 'Send test event',
    title: 'Send a test event',
    type: 'Event type',
    text: 'The type’s example is sent with the header X-Posthorn-Test: true, also if the endpoint does not want the type.',
    send: 'Send it',
    again: 'Send another',
    disabled: 'The endpoint is disabled, so a test would be held. Enable it first.',
    waiting: 'Sent. Waiting for the response …',
    arrived: (status: number, took: string) => `Delivered: the receiver responded with ${status} in ${took}.`,
    failed: (why: string) => `Not delivered: ${why}.`,
    retrying: 'It is sent again as the schedule says.',
    open: 'Open the delivery',
    response: 'Response',
    noTypes: 'There is no event type to send. Create one first.',
  },

  disable: {
    action: 'Disable',
    title: 'Disable this endpoint',
    confirm: (pending: number | null) =>
      pending === 0
        ? 'Disable the endpoint'
        : `Disable and hold ${pending === null ? 'all pending deliveries' : common.deliveries(pending)}`,
    text: 'The receiver gets nothing more. Pending deliveries are held, and so are those of events published from now on, until someone enables the endpoint. No event is lost.',
    done: 'The endpoint is disabled.',
  },
  enable: {
    action: 'Enable',
    title: 'Enable this endpoint',
    none: 'Nothing is held. The receiver gets every matching event published from now on.',
    text: (n: number | null) =>
      `${n === null ? 'More than 10,000 deliveries are' : `${common.deliveries(n)} ${n === 1 ? 'is' : 'are'}`} held. Send them now, oldest first, or cancel them: the receiver then never gets these events, unless they are replayed.`,
    plain: 'Enable the endpoint',
    release: (n: number | null) => `Enable and send ${held(n)}`,
    cancel: (n: number | null) => `Enable and cancel ${held(n)}`,
    counting: 'Counting what is held …',
    done: 'The endpoint is enabled.',
    doneReleased: (n: number | null) => `The endpoint is enabled; ${held(n)} ${n === 1 ? 'is' : 'are'} being sent.`,
    doneCancelled: (n: number | null) => `The endpoint is enabled; ${held(n)} ${n === 1 ? 'was' : 'were'} cancelled.`,
  },
  delete: {
    action: 'Delete …',
    title: (name: string) => `Delete “${name}”`,
    confirm: (n: number | null) =>
      n === 0
        ? 'Delete the endpoint'
        : `Delete and cancel ${n === null ? 'all open deliveries' : common.deliveries(n)}`,
    text: (n: number | null, tenant: string) =>
      n === 0
        ? `“${tenant}” gets no more events at this URL. Nothing is pending. This cannot be undone.`
        : `“${tenant}” gets no more events at this URL, and ${n === null ? 'more than 10,000 deliveries that are' : `${common.deliveries(n)} ${n === 1 ? 'that is' : 'that are'}`} pending or held will never be sent. This cannot be undone.`,
    instead: 'To stop for a while and lose nothing, disable it.',
    done: 'The endpoint is deleted.',
  },

  replay: {
    action: 'Replay …',
    title: 'Send earlier events again',
    since: 'Events published since',
    to: 'until',
    now: 'now',
    starts: {
      failing: 'shortly before it began to fail',
      hour: '1 hour ago',
      day: '24 hours ago',
      week: '7 days ago',
      own: 'a time of your own',
    },
    own: 'Time',
    which: 'Which of them',
    states: {
      exhausted: 'Failed: all attempts are used up',
      cancelled: 'Cancelled',
      delivered: 'Delivered: the receiver gets them once more',
      missing: 'Never sent: published before the endpoint wanted them',
    },
    help: 'Each becomes a new delivery with the same webhook id, so a receiver can tell what it already has. Live events go first.',
    counting: 'Counting …',
    count: (n: number | null) =>
      n === null ? 'Replay (too many to count)' : n === 0 ? 'Nothing to replay' : `Replay ${common.events(n)}`,
    nothingChosen: 'Choose at least one.',
    started: (n: number | null) =>
      n === null ? 'The replay has started.' : `The replay of ${common.events(n)} has started.`,
    progress: (ended: number, all: number | null) =>
      all === null
        ? `${common.deliveries(ended)} ended so far`
        : `${formatNumber(ended)} of ${common.deliveries(all)} ended`,
    running: 'Replaying',
    isPaused: 'Replay paused',
    isMade: 'Replay: all deliveries are created',
    isDone: 'Replay done',
    pause: 'Pause',
    resume: 'Resume',
    cancel: 'Cancel replay',
    cancelTitle: 'Cancel this replay',
    cancelText: (made: number) =>
      `No more deliveries are created, and those that are pending or held are cancelled. ${common.deliveries(made)} ${made === 1 ? 'was' : 'were'} created so far. This cannot be undone.`,
    cancelled: 'The replay is cancelled.',
    open: 'See the replay',
  },
} as const)
