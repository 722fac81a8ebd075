/**
 * Why exactly an attempt failed: stable codes below the attempt's error, each with a sentence for the one who has to
 * mend it. `{value}` stands for what was seen, such as a position or a status.
 */
import type { AttemptDetail, AttemptError } from './model.ts'

const CHAIN = 'Install the full chain on the receiver: its certificate and every intermediate one.'

/** By code: the error that it belongs to, and the sentence. */
export const ATTEMPT_DETAILS = {
  // Looking the name up
  name_unknown: ['dns_failed', 'The host name does not exist. Correct the URL, or create the DNS record.'],
  name_without_address: [
    'dns_failed',
    'The host name, or the one that its aliases (CNAME) lead to, has no address. Add an A or AAAA record there.',
  ],
  name_server_silent: [
    'dns_failed',
    'No name server responded for the host name in time. Check the servers of its zone.',
  ],
  name_server_failed: [
    'dns_failed',
    'The name servers could not answer ({value}). Check the zone: its servers, its aliases (CNAME) and DNSSEC.',
  ],
  name_server_refused: ['dns_failed', 'The name servers refused to answer ({value}). Check the servers of its zone.'],
  // Connecting
  address_refused: ['target_refused', 'The host name resolves to an address that is not public ({value}).'],
  proxy_unreachable: ['proxy_failed', 'The proxy cannot be reached ({value}). Check the setting proxy.'],
  proxy_closed: ['proxy_failed', 'The proxy closed the connection without a response.'],
  proxy_credentials: [
    'proxy_failed',
    'The proxy requires other credentials (407). Check the user name and the password in the setting proxy.',
  ],
  proxy_refused: ['proxy_failed', 'The proxy responded to CONNECT with {value}. Allow the receiver there.'],
  proxy_malformed: [
    'proxy_failed',
    'The proxy responded to CONNECT with something else than HTTP. Check the setting proxy.',
  ],
  port_closed: ['connect_refused', 'No one listens at the address and port. Start the receiver, or correct the port.'],
  connect_timeout: [
    'connect_timeout',
    'No address accepted the connection in time. Check the firewall of the receiver.',
  ],
  tls_timeout: ['connect_timeout', 'The TLS handshake did not end in time, although the connection was accepted.'],
  tls_resting: [
    'connect_timeout',
    'The TLS handshake had to wait, because others of the tenant took long to verify. Use a short chain of certificates with keys of up to 4,096 bits at all receivers.',
  ],
  unreachable: ['connect_failed', 'The address cannot be reached ({value}). Check the route to it.'],
  // TLS
  certificate_chain: ['tls_failed', `The issuer of the certificate is missing or unknown. ${CHAIN}`],
  certificate_self_signed: ['tls_failed', 'The certificate is self-signed. Use one of a public authority.'],
  certificate_authority: [
    'tls_failed',
    'The certificate comes from an authority that is not trusted. Use a public one.',
  ],
  certificate_name: ['tls_failed', 'The certificate is for another host name. Use one for the name in the URL.'],
  certificate_common_name: [
    'tls_failed',
    'The certificate has its host only as common name. Use one that has it as subjectAltName (RFC 9110 §4.3.4).',
  ],
  certificate_expired: ['tls_failed', 'The certificate has expired. Renew it.'],
  certificate_not_yet_valid: ['tls_failed', 'The certificate is not valid yet. Check the clock where it was issued.'],
  certificate_invalid: ['tls_failed', 'The certificate is not valid ({value}).'],
  client_certificate_required: [
    'tls_failed',
    'The receiver requires a client certificate. Give the endpoint one, or make it optional.',
  ],
  client_certificate_refused: [
    'tls_failed',
    'The receiver refused the client certificate ({value}). Trust its issuer there, or replace it.',
  ],
  tls_version: ['tls_failed', 'The receiver supports no TLS version from 1.2 on. Enable TLS 1.2 or 1.3.'],
  tls_no_common_cipher: [
    'tls_failed',
    'The receiver supports no cipher that Posthorn offers. Enable TLS 1.3, or ECDHE with AES-GCM under TLS 1.2.',
  ],
  tls_unknown_name: ['tls_failed', 'The receiver has no certificate for the host name. Configure the name there.'],
  tls_without_http1: ['tls_failed', 'The receiver does not offer HTTP/1.1 over TLS. Enable it.'],
  not_tls: ['tls_failed', 'The receiver does not speak TLS at this port. Correct the port, or enable TLS.'],
  closed_after_certificate: [
    'tls_failed',
    'The receiver closed the connection after it got the client certificate. It probably does not accept it.',
  ],
  closed_in_handshake: ['tls_failed', 'The receiver closed the connection during the TLS handshake.'],
  tls_other: ['tls_failed', 'The TLS handshake failed ({value}).'],
  // The connection
  reset: ['connection_reset', 'The receiver reset the connection before it responded ({value}).'],
  closed: ['connection_reset', 'The receiver closed the connection before it responded.'],
  closed_in_head: [
    'connection_reset',
    'The receiver closed the connection in the middle of the response head (after byte {value}).',
  ],
  // The response
  no_status: [
    'response_timeout',
    'The receiver took the request, but sent no status in time. Respond first, then work.',
  ],
  spoke_first: ['response_malformed', 'The receiver sent data before the request, which HTTP servers never do.'],
  not_http: ['response_malformed', 'The response does not begin with HTTP/ (byte {value}). Check the port.'],
  status_line: ['response_malformed', 'The first line of the response has no status of three digits (byte {value}).'],
  null_byte: ['response_malformed', 'The response head contains a zero byte (byte {value}).'],
  protocol_switch: ['response_malformed', 'The receiver switched protocols (101), which Posthorn did not ask for.'],
  head_too_large: [
    'response_too_large',
    'The status line is longer than 16 KiB, or the response head than 256 KiB. Send fewer or shorter headers.',
  ],
  too_many_interim: ['response_too_large', 'More than 16 interim responses or 64 KiB came before the status.'],
  // OAuth
  token_server_silent: [
    'token_unavailable',
    'The token server sent no response that can be read ({value}). Check tokenUrl in oauth, and that server.',
  ],
  token_server_busy: [
    'token_unavailable',
    'Other token requests to that server took all the time. Check how fast the token server responds.',
  ],
  token_refused: [
    'token_unavailable',
    'The token server responded with {value}. Check the URL, the client and the scope in oauth.',
  ],
  token_cut_off: ['token_unavailable', 'The response of the token server ended early, or is larger than 28 KiB.'],
  token_not_json: [
    'token_unavailable',
    'The response of the token server is not a JSON object ({value}). Check tokenUrl in oauth.',
  ],
  token_missing: [
    'token_unavailable',
    'The response of the token server has no access_token that a header can carry: {value}.',
  ],
  token_type: [
    'http_client_error',
    'The receiver refused the token. Its token_type is {value}, but it was sent as a bearer token (RFC 6750).',
  ],
  // Posthorn
  not_sendable: ['internal', 'The request could not be written. This is a fault of Posthorn.'],
} as const satisfies Readonly<Record<string, readonly [error: AttemptError, says: string]>>

/** About a pause that the receiver asked for with 429 or 503, if Posthorn doesn't do what it asked. By code. */
export const PAUSE_DETAILS = {
  retry_after_too_long:
    'The receiver asked for a pause of more than a day (Retry-After: {value}). Posthorn pauses for a day.',
  retry_after_since_1970:
    'Retry-After is a time since 1970 ({value}), so it was passed over. Send the number of seconds to wait, or a date.',
  retry_after_negative: 'Retry-After is negative ({value}), so it was passed over. Send the number of seconds to wait.',
  retry_after_fractional:
    'Retry-After is not a whole number ({value}), so it was passed over. Send the number of seconds to wait.',
  retry_after_past: 'The date in Retry-After ({value}) has passed, so it was passed over. Check the clock there.',
  retry_after_malformed:
    'Retry-After is neither a number of seconds nor a date in the form of HTTP, so it was passed over. Send one of them.',
} as const satisfies Readonly<Record<string, string>>

/** What a value quotes of a response, always at its end. */
const QUOTE = / ".*$/s

export type PauseDetailCode = keyof typeof PAUSE_DETAILS

export type AttemptDetailCode = keyof typeof ATTEMPT_DETAILS

/**
 * The sentence for a detail. Empty if the code is unknown here: a newer node has stored it.
 * @param quotes false: what it quotes of a response is left out
 */
export function sentenceOf({ code, value }: AttemptDetail, { quotes = true } = {}): string {
  return wordsOf(code).replace('{value}', () => (quotes ? value : value?.replace(QUOTE, '')) ?? 'unknown')
}

function wordsOf(code: string): string {
  if (Object.hasOwn(PAUSE_DETAILS, code)) return PAUSE_DETAILS[code as PauseDetailCode]
  return Object.hasOwn(ATTEMPT_DETAILS, code) ? ATTEMPT_DETAILS[code as AttemptDetailCode][1] : ''
}

/** The error that a detail belongs to. */
export const errorOf = (code: AttemptDetailCode): AttemptError => ATTEMPT_DETAILS[code][0]
