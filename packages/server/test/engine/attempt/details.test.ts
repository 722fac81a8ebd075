import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  ATTEMPT_DETAILS,
  type AttemptDetailCode,
  PAUSE_DETAILS,
  sentenceOf,
} from '../../../src/base/attempt-details.ts'
import { type Reason, reasonOf } from '../../../src/engine/attempt/reasons.ts'
import { readNotes, withNotes } from '../../../src/store/operations/deliveries/attempt-notes.ts'

const page = readFileSync(new URL('../../../../../docs/deliveries.md', import.meta.url), 'utf8')

/** An error as Node reports it. */
const coded = (code: string): Error => Object.assign(new Error('text that can change'), { code })

const NEVER = { isConnected: false, isIdentified: false, isReady: false, isWritten: false }
const BEFORE = { ...NEVER, headBytes: 0, isFirst: true }
const HANDSHAKE = { ...BEFORE, isConnected: true }
const IDENTIFIED = { ...HANDSHAKE, isIdentified: true }
const AFTER = { ...IDENTIFIED, isReady: true, isWritten: true }

describe('the details of an attempt', () => {
  it('are all in the docs, with the same sentences', () => {
    const rows = [...page.matchAll(/^\| `(\w+)` \| `(\w+)` \| ([A-Z].*) \|$/gm)].map(([, code, error, says]) => [
      code,
      error,
      says,
    ])
    const known = Object.entries(ATTEMPT_DETAILS).map(([code, [error, says]]) => [
      code,
      error,
      says.replace('{value}', '…'),
    ])
    expect(rows).toEqual(known)
    const onPauses = [...page.matchAll(/^\| `(retry_\w+)` \| (.*) \|$/gm)].map(([, code, says]) => [code, says])
    expect(onPauses).toEqual(Object.entries(PAUSE_DETAILS).map(([code, says]) => [code, says.replace('{value}', '…')]))
  })

  it.each<[string, typeof BEFORE, AttemptDetailCode]>([
    ['ENOTFOUND', BEFORE, 'name_unknown'],
    ['EAI_AGAIN', BEFORE, 'name_server_silent'],
    ['ENODATA', BEFORE, 'name_without_address'],
    ['ESERVFAIL', BEFORE, 'name_server_refused'],
    ['ECONNREFUSED', BEFORE, 'port_closed'],
    ['EHOSTUNREACH', BEFORE, 'unreachable'],
    ['ENETUNREACH', BEFORE, 'unreachable'],
    ['ETIMEDOUT', BEFORE, 'connect_timeout'],
    ['POSTHORN_CONNECT_TIMEOUT', HANDSHAKE, 'tls_timeout'],
    ['ECONNRESET', HANDSHAKE, 'closed_in_handshake'],
    ['ECONNRESET', AFTER, 'reset'],
    ['ECONNRESET', { ...AFTER, headBytes: 9 }, 'closed_in_head'],
    ['POSTHORN_CLOSED', AFTER, 'closed'],
    ['POSTHORN_CLOSED', { ...AFTER, headBytes: 9 }, 'closed_in_head'],
    ['POSTHORN_LOOKUP_TIMEOUT', BEFORE, 'name_server_silent'],
    ['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', HANDSHAKE, 'tls_no_common_cipher'],
    ['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', IDENTIFIED, 'client_certificate_required'],
    ['EPIPE', AFTER, 'reset'],
    ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', AFTER, 'client_certificate_required'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', AFTER, 'client_certificate_required'],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', HANDSHAKE, 'tls_version'],
    ['ERR_SSL_TLSV1_UNRECOGNIZED_NAME', HANDSHAKE, 'tls_unknown_name'],
    ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', HANDSHAKE, 'tls_other'],
    ['CERT_REVOKED', HANDSHAKE, 'certificate_invalid'],
  ])('%s: %s', (code, state, expected) => {
    expect(reasonOf({ error: coded(code), ...state }, false).code).toBe(expected)
  })

  it.each<[string, typeof BEFORE, AttemptDetailCode]>([
    ['POSTHORN_CLOSED', HANDSHAKE, 'closed_in_handshake'],
    ['POSTHORN_CLOSED', IDENTIFIED, 'closed_after_certificate'],
    ['ECONNRESET', IDENTIFIED, 'closed_after_certificate'],
    ['EPIPE', AFTER, 'closed_after_certificate'],
    ['ECONNRESET', { ...AFTER, isFirst: false }, 'reset'],
    ['ECONNRESET', { ...AFTER, headBytes: 9 }, 'closed_in_head'],
    ['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', IDENTIFIED, 'client_certificate_refused'],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', IDENTIFIED, 'client_certificate_refused'],
  ])('%s, to an endpoint with a client certificate: %s', (code, state, expected) => {
    expect(reasonOf({ error: coded(code), ...state }, true).code).toBe(expected)
  })

  it('are stored and read with the response, and nothing is stored without them', () => {
    const detail: Reason = { code: 'not_http', value: '17' }
    for (const headers of [[], ['date', 'now', 'x', '']]) {
      for (const notes of [
        { detail, reconnected: false },
        { detail: { code: 'closed', value: null }, reconnected: true },
        { detail: null, reconnected: true },
        { detail: null, reconnected: false },
      ]) {
        expect(readNotes(withNotes(headers, notes))).toEqual({ ...notes, headers })
      }
    }
    expect(withNotes(['a', 'b'], { detail: null, reconnected: false })).toEqual(['a', 'b'])
  })

  it('leave out what they quote of a response for those who must not see it', () => {
    const detail = { code: 'token_refused', value: '403 "no "client""' }
    expect(sentenceOf(detail)).toContain('with 403 "no "client"".')
    expect(sentenceOf(detail, { quotes: false })).toContain('with 403. Check')
    expect(sentenceOf({ code: 'tls_other', value: 'X' }, { quotes: false })).toContain('(X)')
  })

  it('have no sentence if another version stored them', () => {
    expect(sentenceOf({ code: 'from_the_future', value: null })).toBe('')
    expect(sentenceOf({ code: 'toString', value: null })).toBe('')
  })
})
