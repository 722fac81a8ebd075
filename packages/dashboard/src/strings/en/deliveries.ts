import { formatNumber } from '../../lib/format.ts'
import { translated } from '../translated.ts'
import { common } from './common.ts'

/** Words of the pages about deliveries. */
export const deliveries = translated('deliveries', {
  title: 'Deliveries',
  one: 'Delivery',
  columns: {
    time: 'Created',
    state: 'State',
    type: 'Event type',
    endpoint: 'Endpoint',
    tenant: 'Tenant',
    status: 'Response',
    attempts: 'Attempts',
    took: 'Took',
    next: 'Next attempt',
  },
  filters: {
    state: 'State',
    status: 'Status',
    error: 'Error',
    type: 'Event type',
    endpoint: 'Endpoint',
    event: 'Event',
    key: 'Key',
    heldReason: 'Held because',
    keyHelp: 'The key that the event was published with',
    endpointHelp: 'An endpoint’s id, or its uid if a tenant is chosen',
    eventHelp: 'An event’s id',
    typeOwn: 'Another type',
    statusOwn: 'Another status, such as 418',
    statuses: {
      '2xx': '2xx · success',
      '3xx': '3xx · redirect',
      '4xx': '4xx · refused',
      '5xx': '5xx · receiver failed',
      none: 'No response',
    },
    heldReasons: { disabled: 'Endpoint disabled', set_aside: 'Set aside after crashes' },
  },
  match: (n: number | null) => (n === null ? 'more than 10,000 match' : `${formatNumber(n)} match`),
  searchOn: 'Search further back',
  empty: {
    title: 'No deliveries yet',
    text: 'A delivery is one event on its way to one endpoint. Register an endpoint and publish an event: its delivery appears here within a second.',
    action: 'Register an endpoint',
  },
  emptyRange: {
    title: 'No deliveries in this period',
    newest: 'The newest was created',
    show: (range: string) => `Show the ${range.toLowerCase()}`,
    noMatch: 'Nothing matches in this period',
    newestMatch: 'The newest that matches was created',
  },
  searched: {
    title: 'Nothing found so far',
    text: 'Searched back to',
  },
  retry: 'Retry now',
  retryAgain: 'Resend',
  retryMany: (n: number) => `Resend ${common.deliveries(n)} …`,
  retryAll: 'Resend all that match …',
  resend: (n: number, hasMore: boolean) => (hasMore ? 'Resend them all' : `Resend ${common.deliveries(n)}`),
  cancel: 'Cancel delivery',
  cancelTitle: 'Cancel this delivery?',
  cancelText: 'It is not sent again. The receiver never gets this event unless you send it again from here.',
  retryTickedText:
    'Each pending delivery is attempted now; each that has ended is sent as a new delivery with the same webhook id. Receivers that verify ids ignore what they already have.',
  resendTitle: 'Resend deliveries',
  resendText: (filters: string, tenant: string | null, isEnded: boolean) =>
    `Every delivery that matches the filters (${filters}) ${tenant === null ? 'of all tenants' : `of “${tenant}”`} is sent again${isEnded ? '' : ': pending ones now, ended ones'} as ${isEnded ? 'a new delivery' : 'new deliveries'} with the same webhook id.`,
  arrived: (n: number) =>
    n === 1
      ? 'One of them was delivered: its receiver gets it again.'
      : `${formatNumber(n)} of them were delivered: their receivers get them again.`,
  resending: (n: number) => `${common.deliveries(n)} sent so far …`,
  counting: 'Counting …',
  countedSoFar: (n: number) => `${common.deliveries(n)} so far …`,
  moreMatch: 'More than 10,000 match: they are sent page by page, newest first. Keep this page open until it is done.',
  nothingToResend: 'Nothing that matches can be sent again.',
  leftOut: 'Left out:',
  superseded: (n: number) => (n === 1 ? 'has been sent again since.' : 'have been sent again since.'),
  retried: (n: number) => `${common.deliveries(n)} ${n === 1 ? 'is' : 'are'} being sent.`,
  retriedSome: (n: number, failed: number) =>
    `${common.deliveries(n)} ${n === 1 ? 'is' : 'are'} being sent; ${formatNumber(failed)} could not be retried.`,
  retriedNew: 'Sent again as a new delivery.',
  retriedNow: 'The next attempt is being made now.',
  cancelled: 'The delivery is cancelled.',

  sentence: {
    delivered: (attempts: number, took: string) =>
      attempts === 1
        ? `Delivered at the first attempt, in ${took}.`
        : `Delivered at attempt ${attempts}, after ${attempts - 1} ${attempts === 2 ? 'failure' : 'failures'}.`,
    waiting: 'Waiting for its first attempt.',
    due: 'An attempt is due now.',
    retrying: (attempts: number) =>
      `${attempts === 1 ? 'The first attempt' : attempts === 2 ? 'Both attempts so far' : `All ${attempts} attempts so far`} failed.`,
    first: 'It is made',
    nextIn: 'Next attempt',
    exhausted: (attempts: number) =>
      attempts === 1
        ? 'The only attempt failed. Nothing more is sent by itself.'
        : `${attempts === 2 ? 'Both' : `All ${attempts}`} attempts failed. Nothing more is sent by itself.`,
    held: 'Held because its endpoint is disabled. Enable the endpoint to release it.',
    setAside:
      'Set aside: it was in flight at three crashes of the server and might have caused them. Look at it, then retry or cancel it.',
    cancelled: 'Cancelled. It is not sent.',
    was: 'The receiver responded with',
    noResponse: 'There was no response',
  },
  timeline: 'Attempts',
  published: 'Published',
  attempt: (n: number) => `Attempt ${n}`,
  nextAttempt: 'next',
  heldStep: 'held',
  cancelledStep: 'cancelled',
  openEndpoint: 'Open the endpoint',
  dueNow: 'due now',
  gap: (gap: string) => `+${gap}`,
  request: 'Request',
  response: 'Response',
  headers: 'Headers',
  body: 'Body',
  noBody: 'No body.',
  noRequest: 'Nothing was sent in this attempt.',
  noResponse: 'The receiver sent no response.',
  responseRemoved: 'The response is no longer kept.',
  responseHidden: 'You do not have access to payloads and responses.',
  payloadRemoved: 'The payload is no longer kept.',
  truncated: 'Only the first 16 KiB of the response are kept.',
  copyCurl: 'Copy as curl',
  curlNote: 'Secrets are left out.',
  facts: {
    id: 'Delivery',
    event: 'Event',
    endpoint: 'Endpoint',
    created: 'Created',
    ended: 'Ended',
    replayOf: 'Repeats',
    test: 'Test event',
    address: 'Address',
    took: 'Took',
    started: 'Started',
    reconnected: 'The kept connection had been closed; the request was repeated on a new one.',
    clientCertificate: 'Client certificate presented',
  },
  notFound: 'This delivery is not here. It may no longer be kept, or belong to another tenant.',
} as const)
