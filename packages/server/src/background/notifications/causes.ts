/** Why attempts failed, in words for mail and chat. docs/deliveries.md has the same for readers of the API. */
import { STATUS_CODES } from 'node:http'
import type { AttemptError } from '../../base/model.ts'
import type { LastFailure } from '../../store/operations/notifications/message-items.ts'

type Cause = {
  /** What happened instead of a success. */
  readonly short: string
  /** What to do about it. */
  readonly mend: string
}

const LOOK = "Look for the request in your server's log."

const CAUSES: Readonly<Record<AttemptError, Cause>> = {
  dns_failed: { short: 'host name not found', mend: 'Correct the host name in the URL, or its DNS records.' },
  target_refused: { short: 'the address is not public', mend: 'Point the host name to a public address.' },
  proxy_failed: { short: 'the proxy in between failed', mend: 'Your provider has to check its proxy.' },
  connect_refused: { short: 'connection refused', mend: 'Start your server, or open its port.' },
  connect_timeout: { short: 'connection timed out', mend: 'Check the firewall, and the load of your server.' },
  connect_failed: { short: 'no connection could be made', mend: "Check your server's network." },
  tls_failed: { short: 'the TLS certificate or settings were not accepted', mend: 'Renew or correct the certificate.' },
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
  internal: { short: 'a fault of the sender', mend: "Your provider has to look at its server's log." },
}

/** What the receiver responded, or why there was no response: `503 Service Unavailable`. */
export function responseOf({ status, error }: LastFailure): string {
  if (status === null) return CAUSES[error]?.short ?? 'none'
  const name = STATUS_CODES[status]
  return name === undefined ? String(status) : `${status} ${name}`
}

export const mendOf = ({ error }: LastFailure): string => CAUSES[error]?.mend ?? LOOK
