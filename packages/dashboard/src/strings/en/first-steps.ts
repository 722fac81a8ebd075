import { formatNumber } from '../../lib/format.ts'
import { translated } from '../translated.ts'

/** From nothing to webhooks that arrive, for a customer's developer. */
export const firstSteps = translated('firstSteps', {
  title: 'First steps',
  lead: 'From nothing to webhooks that arrive. What is done is ticked by what has really happened.',
  begin: 'Begin with the first steps',
  done: 'Done',
  progress: (done: number, of: number) => `${formatNumber(done)} of ${formatNumber(of)} done`,
  ask: 'Your link does not allow this. Ask your provider for one that does.',
  register: {
    title: 'Register an endpoint',
    text: 'The URL that your webhooks are sent to, and which events you want.',
    noServer: 'You have no server yet? Begin with the next step.',
    action: 'Register an endpoint',
    another: 'Register another',
  },
  receive: {
    title: 'Receive an event',
    text: 'See what arrives: method, headers and body, as your server will get them.',
    here: 'Your browser can receive, without a server: this page shows each request as it arrives, and answers 200.',
    opened: 'To receive in the browser, you need access to payloads and to endpoints. Ask your provider for it.',
  },
  verify: {
    title: 'Verify it',
    text: 'Code that checks the token and the signature of each request. It is done when a receiver of your own has responded with 2xx.',
    onlyYou:
      'Whether it really verifies, only you can see: call it with a wrong secret, and it has to respond with 401.',
    type: 'Event type',
    token: 'Bearer token (clientSecret)',
    signing: 'Signing secret',
    notWhole: 'A signing secret begins with whsec_. Copy it whole.',
    secretHelp: 'Paste it here once: it is put into the commands below, stays on this page and is sent nowhere.',
    noTypes: 'There are no event types yet.',
  },
  live: {
    title: 'Go live',
    text: 'What has to be right before real events depend on it.',
    none: 'No endpoint with a URL is registered yet.',
    responds: 'Responds with 2xx in time',
    respondsIn: (seconds: string) =>
      `Your receiver has ${seconds} s. Store the event, respond, and work afterwards. Anything else is sent again later.`,
    limits: (shortest: string, longest: string) => `${shortest} to ${longest}`,
    ids: 'Keeps each id once',
    idsText: 'An event can arrive more than once, always with the same webhook-id. Keep the ids that you have handled.',
    addresses: 'Lets our addresses in',
    addressesText: 'If your firewall lets in known addresses only, allow these.',
    noAddresses: 'Your provider has not said which addresses requests come from.',
    copy: 'Copy the addresses',
    secret: 'Knows when its secret expires',
    secretNever: 'No secret that is used now expires.',
    secretExpires: 'Replace it before:',
    secretExpired: 'Expired:',
    real: 'Receives a real event',
    realText: 'The first event that is no test, and arrived at your receiver.',
    state: { good: 'Done', open: 'Not yet', known: 'Yours to check', bad: 'To mend' },
  },
} as const)
