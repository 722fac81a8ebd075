import type { AttemptError } from '@posthorn/client'
import { translated } from '../translated.ts'

/** Who has to mend what an attempt failed for. */
export type Mender = 'receiver' | 'tenant' | 'operator' | 'posthorn'

type Words = {
  /** What happened, after "the receiver" or a whole clause: `connection refused`. For badges and lists. */
  readonly short: string
  /** What it means. One sentence. */
  readonly means: string
  /** What to do. One sentence, to those who mend it. */
  readonly mend: string
  readonly by: Mender
}

export const menders: Readonly<Record<Mender, string>> = translated('menders', {
  receiver: 'For the receiver’s developers',
  tenant: 'For those who manage the endpoint',
  operator: 'For the operator of Posthorn',
  posthorn: 'A fault of Posthorn',
})

/** Each error of an attempt in words: docs/deliveries.md has the same for readers of the API. */
export const attemptErrors: Readonly<Record<AttemptError, Words>> = translated('attemptErrors', {
  dns_failed: {
    short: 'host name not found',
    means: 'The host name has no address, or no name server responded in time.',
    mend: 'Correct the host name in the URL, or its DNS records.',
    by: 'tenant',
  },
  target_refused: {
    short: 'address not public',
    means: 'The host name resolves to an address that is not public, and Posthorn sends nothing there.',
    mend: 'Point the host name to a public address.',
    by: 'tenant',
  },
  proxy_failed: {
    short: 'proxy failed',
    means: 'The proxy through which Posthorn sends cannot be reached, or it refused the connection.',
    mend: 'Check the proxy and its log.',
    by: 'operator',
  },
  connect_refused: {
    short: 'connection refused',
    means: 'Nothing listens at the receiver’s address and port.',
    mend: 'Start the receiver, or open the port.',
    by: 'receiver',
  },
  connect_timeout: {
    short: 'connection timed out',
    means: 'The receiver did not accept a connection within 5 seconds, TLS included.',
    mend: 'Check the firewall and the load, and allow Posthorn’s egress addresses.',
    by: 'receiver',
  },
  connect_failed: {
    short: 'connection failed',
    means: 'No connection could be made: there may be no route to the receiver.',
    mend: 'Check the receiver’s network.',
    by: 'receiver',
  },
  tls_failed: {
    short: 'TLS failed',
    means: 'The receiver’s certificate or TLS settings were not accepted.',
    mend: 'Renew or correct the certificate, and serve TLS 1.2 or later.',
    by: 'receiver',
  },
  connection_reset: {
    short: 'connection closed early',
    means: 'The receiver closed the connection before it responded.',
    mend: 'Look for this request in the receiver’s log.',
    by: 'receiver',
  },
  response_timeout: {
    short: 'no response in time',
    means: 'The receiver took the request but sent no status in time.',
    mend: 'Respond first and process later.',
    by: 'receiver',
  },
  response_malformed: {
    short: 'response is not HTTP',
    means: 'What came back is not an HTTP response.',
    mend: 'Check that the URL has the right port.',
    by: 'receiver',
  },
  response_too_large: {
    short: 'response head too large',
    means: 'The head of the response is larger than any receiver needs.',
    mend: 'Send fewer or shorter headers.',
    by: 'receiver',
  },
  http_redirect: {
    short: 'redirected',
    means: 'The receiver responded with a redirect, and Posthorn never follows one.',
    mend: 'Register the URL that it leads to.',
    by: 'tenant',
  },
  http_gone: {
    short: 'gone for good',
    means: 'The receiver responded with 410, so Posthorn disabled the endpoint.',
    mend: 'Enable the endpoint when the receiver is back.',
    by: 'tenant',
  },
  http_client_error: {
    short: 'refused by the receiver',
    means: 'The receiver refused the request.',
    mend: 'Read the response. After 401 or 403, compare the secret at both ends.',
    by: 'receiver',
  },
  http_server_error: {
    short: 'receiver failed',
    means: 'The receiver has a fault of its own.',
    mend: 'Look for this request in the receiver’s log.',
    by: 'receiver',
  },
  http_unexpected: {
    short: 'unknown status',
    means: 'The receiver responded with a status that HTTP does not define.',
    mend: 'Look for this request in the receiver’s log.',
    by: 'receiver',
  },
  secret_unreadable: {
    short: 'secret unreadable',
    means: 'The stored secret cannot be decrypted, so nothing was sent.',
    mend: 'Set the endpoint’s secret again.',
    by: 'operator',
  },
  token_unavailable: {
    short: 'no OAuth token',
    means: 'The token server gave no token, so nothing was sent.',
    mend: 'Check the endpoint’s OAuth settings: URL, client and scope.',
    by: 'tenant',
  },
  no_listener: {
    short: 'no listener',
    means: 'No one who listened to this endpoint answered in time.',
    mend: 'Listen again. What was missed is sent then.',
    by: 'tenant',
  },
  internal: {
    short: 'fault of Posthorn',
    means: 'Posthorn failed before it could send the request.',
    mend: 'Look at the server’s log, and report it.',
    by: 'posthorn',
  },
})

/** Of an error that a newer server has. */
export const otherError = translated('otherError', {
  means: (error: string) => `The attempt failed (${error}).`,
  mend: 'Look at the attempt.',
})

/** Words for an error, also for one that a newer server has. */
export function wordsFor(error: string): Words {
  return (
    (attemptErrors as Readonly<Record<string, Words>>)[error] ?? {
      short: error.replaceAll('_', ' '),
      means: otherError.means(error),
      mend: otherError.mend,
      by: 'receiver',
    }
  )
}
