import type { AttemptDetailCode } from '../../base/attempt-details.ts'
import { TargetRefusedError } from '../../guard/lookup.ts'
import { AnswerRefused, type RequestFailure } from '../http/client.ts'
import { ProxyFailed } from '../http/tunnel.ts'

/** By the codes of Node, the resolver and OpenSSL. Never by the text of a message, which changes. */
const BY_CODE: Readonly<Record<string, AttemptDetailCode>> = {
  ENOTFOUND: 'name_unknown',
  ENODATA: 'name_without_address',
  EAI_AGAIN: 'name_server_silent',
  ETIMEOUT: 'name_server_silent',
  POSTHORN_LOOKUP_TIMEOUT: 'name_server_silent',
  EAI_FAIL: 'name_server_failed',
  EREFUSED: 'name_server_refused',
  ESERVFAIL: 'name_server_failed',
  EBADRESP: 'name_server_failed',
  EFORMERR: 'name_server_refused',
  ENOTIMP: 'name_server_refused',
  POSTHORN_HANDSHAKES_REST: 'tls_resting',
  POSTHORN_SPOKE_FIRST: 'spoke_first',
  ECONNREFUSED: 'port_closed',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate_chain',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate_chain',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate_chain',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate_self_signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate_authority',
  CERT_UNTRUSTED: 'certificate_authority',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate_name',
  HOSTNAME_MISMATCH: 'certificate_name',
  POSTHORN_CERTIFICATE_COMMON_NAME: 'certificate_common_name',
  CERT_HAS_EXPIRED: 'certificate_expired',
  CERT_NOT_YET_VALID: 'certificate_not_yet_valid',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'tls_version',
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: 'tls_unknown_name',
  ERR_SSL_WRONG_VERSION_NUMBER: 'not_tls',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'not_tls',
  ERR_SSL_HTTP_REQUEST: 'not_tls',
}

/** OpenSSL's other codes for certificates (X509_V_ERR_…) as Node names them. */
const CERTIFICATE_CODE = /CERT|^INVALID_(?:CA|PURPOSE)$|^PATH_LENGTH_EXCEEDED$|CRL|SIGNATURE/

/** By the alert that the receiver sent (RFC 8446 §6), whatever OpenSSL puts before its name. */
const BY_ALERT: Readonly<Record<string, AttemptDetailCode>> = {
  CERTIFICATE_REQUIRED: 'client_certificate_required',
  BAD_CERTIFICATE: 'client_certificate_refused',
  UNSUPPORTED_CERTIFICATE: 'client_certificate_refused',
  CERTIFICATE_REVOKED: 'client_certificate_refused',
  CERTIFICATE_EXPIRED: 'client_certificate_refused',
  CERTIFICATE_UNKNOWN: 'client_certificate_refused',
  UNKNOWN_CA: 'client_certificate_refused',
  ACCESS_DENIED: 'client_certificate_refused',
  PROTOCOL_VERSION: 'tls_version',
  HANDSHAKE_FAILURE: 'tls_no_common_cipher',
  INSUFFICIENT_SECURITY: 'tls_no_common_cipher',
  NO_APPLICATION_PROTOCOL: 'tls_without_http1',
}

/** A detail whose code is one of ours. */
export type Reason = { readonly code: AttemptDetailCode; readonly value: string | null }

/**
 * Why there is no response.
 * @param hasCertificate whether a client certificate was presented
 */
export function reasonOf(failure: RequestFailure, hasCertificate: boolean): Reason {
  const { error, isConnected, isReady, headBytes } = failure
  const code = codeOf(error)
  if (error instanceof TargetRefusedError) return detail('address_refused', error.reason)
  if (error instanceof ProxyFailed) return detail(error.reason, error.cause === undefined ? null : causeOf(error.cause))
  if (error instanceof AnswerRefused) return detail(error.fault.reason, String(error.fault.at))
  if (code === 'POSTHORN_CONNECT_TIMEOUT' || (code === 'ETIMEDOUT' && !isReady)) {
    return detail(isConnected ? 'tls_timeout' : 'connect_timeout')
  }
  const known = BY_CODE[code]
  if (known !== undefined) return detail(known, code)
  const alert = /^ERR_SSL_.*ALERT_(?:NUMBER_)?(\w+)$/.exec(code)?.[1]
  if (alert !== undefined) return reasonOfAlert(alert, code, failure, hasCertificate)
  if (code.startsWith('ERR_SSL')) return detail('tls_other', code)
  const isReset = code === 'ECONNRESET' || code === 'EPIPE'
  if (isReset || code === 'POSTHORN_CLOSED') {
    // Some TLS servers refuse a certificate without an alert, during the handshake or after it.
    if (hasCertificate && isFirstRead(failure)) return detail('closed_after_certificate')
    if (isConnected && !isReady) return detail('closed_in_handshake')
    if (headBytes > 0) return detail('closed_in_head', String(headBytes))
    return isReset ? detail('reset', code) : detail('closed')
  }
  if (!isConnected) return detail('unreachable', code)
  if (!isReady) return detail(CERTIFICATE_CODE.test(code) ? 'certificate_invalid' : 'tls_other', code)
  return error instanceof TypeError ? detail('not_sendable') : detail('reset', code)
}

/** Whether the connection ended where the receiver reads the client certificate. */
const isFirstRead = ({ isIdentified, canBeRefusal, headBytes, isFirst }: RequestFailure): boolean =>
  isIdentified && canBeRefusal && headBytes === 0 && isFirst

function reasonOfAlert(alert: string, code: string, failure: RequestFailure, hasCertificate: boolean): Reason {
  const { isIdentified, isCertificateAsked } = failure
  const known = BY_ALERT[alert] ?? 'tls_other'
  // Before TLS 1.3 there was no alert for a missing one. A receiver that has presented its own has found a cipher.
  const isOfCertificate = known === 'client_certificate_refused' || (alert === 'HANDSHAKE_FAILURE' && isIdentified)
  if (!isOfCertificate) return detail(known, code)
  if (isCertificateAsked) {
    return hasCertificate ? detail('client_certificate_refused', code) : detail('client_certificate_required')
  }
  // The alert can't be about a certificate that the receiver never asked for.
  return detail(known === 'client_certificate_refused' ? 'tls_other' : known, code)
}

const detail = (code: AttemptDetailCode, value: string | null = null): Reason => ({ code, value })

const causeOf = (cause: unknown): string => (typeof cause === 'string' ? cause : codeOf(cause))

function codeOf(error: unknown): string {
  const { code, dnsCode } = error as { code?: unknown; dnsCode?: unknown }
  if (typeof dnsCode === 'string') return dnsCode
  return typeof code === 'string' ? code : ''
}
