import { formatNumber } from '../../lib/format.ts'
import type { Dictionary, PartialTranslation } from '../translated.ts'

// Sections take their words when they are loaded, so none can be loaded from here.
const deliveries = (n: number): string => `${formatNumber(n)} ${n === 1 ? 'delivery' : 'deliveries'}`
const endpoints = (n: number): string => `${formatNumber(n)} ${n === 1 ? 'endpoint' : 'endpoints'}`

/**
 * What the portal says in other words than the dashboard: its users have a link and no API key, know one tenant only, which
 * is themselves, and are customers of a provider, whose operator or software they have never heard of.
 */
const words = {
  shell: {
    notAllowed: 'Your link does not allow this. Ask your provider for one that does.',
    palette: { actions: { signOut: { label: 'Leave', synonyms: 'sign log out end session' } } },
  },
  deliveries: {
    filters: { endpointHelp: 'An endpoint’s id or uid' },
    resendText: (states: string) =>
      `Every delivery that matches the filters (${states}) is sent again: pending ones now, ended ones as new deliveries with the same webhook id.`,
    empty: {
      text: 'A delivery is one event on its way to one endpoint. Register an endpoint: the delivery of the next event that it wants appears here within a second.',
    },
    responseHidden: 'Your link does not show payloads and responses.',
    notFound: 'This delivery is not here. It may no longer be kept.',
  },
  endpoint: {
    notFound: { text: 'It may have been deleted. Its deliveries are kept for a while.' },
    delete: {
      text: (n: number | null) =>
        n === 0
          ? 'No more events are sent to this URL. Nothing is pending. This cannot be undone.'
          : `No more events are sent to this URL, and ${n === null ? 'more than 10,000 deliveries that are' : `${deliveries(n)} ${n === 1 ? 'that is' : 'that are'}`} pending or held will never be sent. This cannot be undone.`,
    },
  },
  endpoints: {
    empty: {
      text: 'An endpoint is a URL that events are sent to, with its secret and the event types it wants. Register one: it gets every matching event from then on.',
    },
  },
  endpointChange: {
    standard: 'Your provider’s default',
    sending: {
      timeoutHelp: 'How long the receiver can take to respond: 1 to 60 seconds. Empty for your provider’s default.',
    },
    metadata: { help: 'Your own names and values, at most 50. Nothing else uses them.' },
    secret: { help: 'Each request carries it as “Authorization: Bearer …”. Only its fingerprint is shown.' },
    oauth: {
      help: 'Instead of a secret, requests can carry a token from a token server (client credentials).',
    },
    retries: { sources: { setting: 'Your provider’s default schedule.' } },
  },
  menders: { operator: 'For your provider', posthorn: 'A fault on your provider’s side' },
  attemptErrors: {
    target_refused: { means: 'The host name resolves to an address that is not public, and nothing is sent there.' },
    proxy_failed: {
      means: 'The proxy through which webhooks are sent cannot be reached, or it refused the connection.',
    },
    connect_timeout: { mend: 'Check the firewall and the load, and let in the addresses that webhooks come from.' },
    http_redirect: { means: 'The receiver responded with a redirect, which is never followed.' },
    http_gone: { means: 'The receiver responded with 410, so the endpoint was disabled.' },
    internal: {
      short: 'fault of the server',
      means: 'The server failed before it could send the request.',
      mend: 'Tell your provider.',
    },
  },
  eventTypes: {
    own: 'About webhooks',
    ownNote: 'Events of this type are about your webhooks themselves. Endpoints receive it only if they name it.',
    empty: {
      text: 'An event type says what happened and what its payload looks like. Endpoints choose the types that they receive.',
    },
  },
  events: {
    payloadHidden: 'Your link does not show payloads.',
    empty: {
      text: 'An event is something that happened, with a type and a payload. It is sent to every endpoint that wants it, and stands here from then on.',
    },
    notFound: 'This event is not here. It may no longer be kept.',
    says: {
      noEndpoints: 'Sent to no one: there are no endpoints.',
      none: (n: number) => (n === 1 ? 'The only endpoint did not get it.' : `None of the ${endpoints(n)} got it.`),
    },
  },
  register: {
    where: { good: 'Webhooks can be sent there.' },
    readOnly: 'Your link lets you look at everything, but not register endpoints. Ask your provider for one that does.',
    filter: { noPermission: 'Your link does not show payloads, so the filter can’t be tried on stored events.' },
    proof: { shared: 'Another endpoint has the same secret. Better: one of its own.' },
    more: {
      oauthText: 'A token is requested with these client credentials, and renewed.',
      uidHelp: 'Your own id of the endpoint.',
      headersText: 'Sent with every request, besides the usual ones.',
    },
    egress: {
      text: 'If the receiver lets in known addresses only: requests come from these.',
      none: 'Your provider has not said which addresses requests come from.',
    },
  },
  replays: { notFound: 'This replay is not here. It may no longer be kept.' },
  secrets: {
    faults: { bearer: () => 'Remove the word “Bearer” and the space after it: both are added when it is sent.' },
  },
  urlField: {
    help: 'An https URL with a public host. POST requests are sent there, and redirects are not followed.',
    fine: 'Webhooks can be sent to this URL.',
  },
  catalogue: {
    receive: { tls: 'Requests are sent to https:// only: put the receiver behind your proxy or load balancer.' },
  },
  failures: { other: (status: string) => `Something other than the expected server responded (status ${status}).` },
} satisfies Words

type Words = {
  readonly shell: PartialTranslation<typeof import('./shell.ts').shell>
  readonly deliveries: PartialTranslation<typeof import('./deliveries.ts').deliveries>
  readonly endpoint: PartialTranslation<typeof import('./endpoint.ts').endpoint>
  readonly endpoints: PartialTranslation<typeof import('./endpoints.ts').endpoints>
  readonly endpointChange: PartialTranslation<typeof import('./endpoint-change.ts').endpointChange>
  readonly menders: PartialTranslation<typeof import('./errors.ts').menders>
  readonly attemptErrors: PartialTranslation<typeof import('./errors.ts').attemptErrors>
  readonly eventTypes: PartialTranslation<typeof import('./event-types.ts').eventTypes>
  readonly events: PartialTranslation<typeof import('./events.ts').events>
  readonly register: PartialTranslation<typeof import('./register.ts').register>
  readonly replays: PartialTranslation<typeof import('./replays.ts').replays>
  readonly secrets: PartialTranslation<typeof import('./secrets.ts').secrets>
  readonly urlField: PartialTranslation<typeof import('./url-field.ts').urlField>
  readonly catalogue: PartialTranslation<typeof import('./catalogue.ts').catalogue>
  readonly failures: PartialTranslation<typeof import('./failures.ts').failures>
}

export const dictionary: Dictionary = words
