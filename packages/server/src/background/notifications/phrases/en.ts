import type { Phrases } from './phrases.ts'

const LOOK = "Look for the request in your server's log."
const WHAT = { clientSecret: 'OAuth client secret', clientCertificate: 'client certificate' } as const
const since = (now: string): string => (now === 'deleted' ? ', and was deleted since' : '')

export const en: Phrases = {
  locale: 'en-GB',
  and: { unknownTime: 'an unknown time', of: tenant => ` of ${tenant}` },
  ago: { days: n => `${n} days ago`, hours: n => `${n} hours ago`, minutes: n => `${n} minutes ago` },
  subjects: {
    failing: (name, now) => `${now === 'over' ? 'Works again' : 'Failing'}: ${name}`,
    disabled: name => `Disabled: ${name}`,
    expiring: (what, name) => `Expires soon: ${WHAT[what]} of ${name}`,
    exhausted: (deliveries, name) => `Exhausted: ${deliveries} to ${name}`,
    nodeLost: node => `Lost: node ${node}`,
    many: n => `${n} notices about webhooks`,
  },
  titles: {
    failing: (name, now) =>
      `Endpoint ${name} ${now === 'over' ? 'was failing, and works again' : `is failing${since(now)}`}`,
    disabled: (name, now) => `Endpoint ${name} was disabled${now === 'over' ? ', and is enabled again' : since(now)}`,
    expiring: (what, name, now) => `The ${WHAT[what]} of endpoint ${name} expires soon${since(now)}`,
    exhausted: (n, deliveries, name, now) =>
      `${deliveries} to endpoint ${name} ${n === 1 ? 'has' : 'have'} used up all attempts${since(now)}`,
    nodeLost: node => `Node ${node} stopped responding`,
  },
  endpoint: id => `endpoint ${id}`,
  deliveries: (n, text) => (n === 1 ? '1 delivery' : `${text} deliveries`),
  labels: {
    failingSince: 'Failing since',
    since: 'Since',
    why: 'Why',
    next: 'Next',
    expires: 'Expires',
    when: 'When',
    noticed: 'Noticed',
    howOften: 'How often',
    endpoint: 'Endpoint',
    lastResponse: 'Last response',
    noResponse: 'No response',
  },
  disablesAt: time => `It is disabled on ${time}, unless an attempt succeeds before.`,
  times: (n, from) => `${n} times since ${from}`,
  period: (from, to) => `${from} to ${to}`,
  reasons: {
    manual: 'A person or a call did it',
    gone: 'Its server responded with 410 Gone',
    failing: 'All attempts had failed for days',
  },
  advice: {
    enable: 'Its events are held. Enable it to have them sent.',
    enableOnceMended: 'Its events are held. Once its server works again, enable the endpoint to have them sent.',
    replace: 'Replace it before that: nothing can be sent with one that has expired.',
    retry: 'Retry them: they are not sent again automatically.',
    retryOnceMended: 'Retry them then: they are not sent again automatically.',
    node: 'Other nodes send for its endpoints. Look at its machine and its log.',
    forDevelopers: mend => `For the receiver's developers: ${mend}`,
  },
  causes: {
    dns_failed: { short: 'host name not found', mend: 'Correct the host name in the URL, or its DNS records.' },
    target_refused: { short: 'the address is not public', mend: 'Point the host name to a public address.' },
    proxy_failed: { short: 'the proxy in between failed', mend: 'Your provider has to check its proxy.' },
    connect_refused: { short: 'connection refused', mend: 'Start your server, or open its port.' },
    connect_timeout: { short: 'connection timed out', mend: 'Check the firewall, and the load of your server.' },
    connect_failed: { short: 'no connection could be made', mend: "Check your server's network." },
    tls_failed: {
      short: 'the TLS certificate or settings were not accepted',
      mend: 'Renew or correct the certificate.',
    },
    connection_reset: { short: 'connection closed before a response', mend: LOOK },
    response_timeout: { short: 'no response in time', mend: 'Respond first, and process the event later.' },
    response_malformed: { short: 'the response is not HTTP', mend: 'Check that the URL has the right port.' },
    response_too_large: { short: 'the headers of the response are too large', mend: 'Send fewer or shorter headers.' },
    http_redirect: { short: 'a redirect, which is not followed', mend: 'Register the URL that it leads to.' },
    http_gone: { short: 'gone', mend: 'Enable the endpoint when your server is back.' },
    http_client_error: {
      short: 'your server refused the request',
      mend: 'Check that the URL is right. After 401 or 403, compare the secret at both ends.',
    },
    http_server_error: { short: 'your server failed', mend: LOOK },
    http_unexpected: { short: 'a status that HTTP does not define', mend: LOOK },
    secret_unreadable: { short: 'the stored secret is unreadable', mend: "Set the endpoint's secret again." },
    token_unavailable: { short: 'no OAuth token', mend: "Check the endpoint's OAuth settings." },
    no_listener: { short: 'no one listened', mend: 'Listen again: what was missed is sent then.' },
    internal: { short: 'a fault of the sender', mend: "Your provider has to look at its server's log." },
  },
  links: {
    endpoint: 'See the endpoint',
    deliveries: 'See the deliveries',
    nodes: 'See the nodes',
    confirm: 'Confirm',
    refuse: 'Refuse',
    manage: 'Change what is reported',
    unsubscribe: 'Unsubscribe',
  },
  about: tenant => (tenant === null ? 'all webhooks of this Posthorn installation' : `the webhooks of ${tenant}`),
  confirmation: {
    subject: about => `Confirm notifications about ${about}`,
    intro: (about, isMail) => [
      `Someone asked to have problems with ${about} reported ${isMail ? 'to this address' : 'here'}: an endpoint that is failing or disabled, or a secret that expires.`,
      'Do you agree? Nothing is sent before you do.',
    ],
    outro: (until, isMail) =>
      `The link works until ${until}. If you didn't expect this, ignore it, or refuse: then ${isMail ? 'this address' : 'this channel'} is asked no more.`,
    why: isMail => `Sent once, because someone entered ${isMail ? 'this address' : 'the URL of this webhook'}.`,
  },
  test: {
    subject: about => `Test: notifications about ${about}`,
    intro: 'This is a test, and it has arrived. There is nothing to do.',
    outro: about => `Problems with ${about} are reported here.`,
  },
  intro: (n, about) => `${n} notices about ${about}:`,
  more: n => `And ${n} more.`,
  why: about => `You get this because notifications about ${about} were confirmed here.`,
}
