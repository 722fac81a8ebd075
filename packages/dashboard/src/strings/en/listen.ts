import { translated } from '../translated.ts'
import { common } from './common.ts'

/** Receiving in the browser, with an endpoint that has no URL (a listener). */
export const listen = translated('listen', {
  start: 'Listen here',
  name: 'In the browser',
  lead: 'No server yet? Your browser can receive: it shows each request as it arrives, and answers 200.',
  title: 'Requests',
  listening: 'Listening. Leave this page to stop; come back to go on.',
  connecting: 'Connecting …',
  broken: 'The connection broke off. This page keeps trying.',
  failed: (why: string) => `Listening has stopped: ${why}`,
  again: 'Listen again',
  gone: 'This listener has been removed.',
  other:
    'Someone else may listen here, such as a program on a laptop. If you listen too, this page answers 200 to each request, and the first answer counts.',
  notAllowed: 'To see its requests, you need access to payloads and to endpoints.',
  waiting: 'No request has arrived yet. What arrives is shown here.',
  noTest: 'The next event that happens is shown here.',
  noTypes: 'There are no event types yet, so there is no test event to send.',
  test: 'Send a test event',
  another: 'Send another',
  type: 'Event type',
  remove: 'Stop and remove',
  removeTitle: 'Remove this listener',
  removeText: 'Requests that have not arrived are cancelled. What has arrived stays among the deliveries.',
  removed: 'The listener is removed.',
  arrived: (n: number) => `${common.count(n, 'request has', 'requests have')} arrived.`,
  showing: (n: number) => `The newest ${n} requests are shown.`,
  isTest: 'Test',
  answers: {
    waiting: 'Answering …',
    answered: 'Answered 200',
    late: 'Answered elsewhere, or too late',
    failed: 'Not answered',
  },
  headers: 'Headers',
  body: 'Body',
  show: (name: string) => `Show ${name}`,
  hide: (name: string) => `Hide ${name}`,
  delivery: 'Open the delivery',
} as const)
