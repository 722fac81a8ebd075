/**
 * Faults of a request as HTTP, which are refused before anything of it is used: what a proxy on the way and this server
 * could read differently, and what this server doesn't do. Node's parser refuses what it can't parse at all
 * (client-errors.ts), but answers some of these without a problem document and ignores others.
 */
import type { IncomingMessage } from 'node:http'
import { HttpFault } from './problem.ts'

/** Headers of which Node keeps the first and drops the others. */
const SINGLE = ['host', 'expect', 'content-type', 'authorization']
/** The same by length, to skip most headers after one look. No two are equally long. */
const BY_LENGTH = Array.from({ length: 64 }, (_, length) => SINGLE.findIndex(name => name.length === length))

/** RFC 9110 §7.2: a host, which can be empty, and optionally a port. */
const HOST = /^[\w.~!$&'()*+,;=%:[\]-]*$/

/** Undefined for a request without a fault. */
export function findHttpFault(request: IncomingMessage): HttpFault | undefined {
  const { headers, rawHeaders, httpVersionMajor, httpVersionMinor } = request
  const repeated = findRepeated(rawHeaders)
  if (repeated !== undefined) return malformed(`The ${repeated} header occurs twice. Send it once.`)
  if (httpVersionMajor !== 1) return malformed('This version of HTTP is not supported. Use HTTP/1.1.')
  const { host, expect, 'transfer-encoding': codings } = headers
  if (httpVersionMinor === 0) {
    // RFC 9112 §6.1: where such a body ends is uncertain.
    return codings === undefined ? undefined : malformed('HTTP/1.0 has no Transfer-Encoding. Use HTTP/1.1.')
  }
  if (host === undefined) return malformed('The Host header is missing. HTTP/1.1 requires it.')
  if (!HOST.test(host)) return malformed('The Host header is not a host with an optional port.')
  if (codings !== undefined && codings.toLowerCase() !== 'chunked') return faultOfCodings(codings)
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') {
    const detail = 'The only supported expectation is 100-continue. Send the request without any other Expect header.'
    return new HttpFault('expectation_failed', detail)
  }
  return undefined
}

const malformed = (detail: string) => new HttpFault('bad_request', detail)

/** RFC 9112 §6.3: without `chunked` at the end, no one knows where the body ends. */
function faultOfCodings(codings: string): HttpFault {
  const detail = 'The only supported Transfer-Encoding is chunked. Send the body without any other.'
  const isSound = /(?:^|,)[ \t]*chunked$/i.test(codings)
  return isSound ? new HttpFault('not_implemented', detail) : malformed(detail)
}

function findRepeated(rawHeaders: readonly string[]): string | undefined {
  let seen = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!
    const index = name.length < BY_LENGTH.length ? BY_LENGTH[name.length]! : -1
    if (index < 0 || name.toLowerCase() !== SINGLE[index]) continue
    const bit = 1 << index
    if ((seen & bit) !== 0) return name
    seen |= bit
  }
  return undefined
}

/** The path and query of a request target; RFC 9112 §3.2.2 lets clients send a whole URL. */
export function toOriginForm(target: string): string {
  if (target.startsWith('/')) return target
  const [, rest] = /^https?:\/\/[^/?#]*(.*)$/is.exec(target) ?? []
  if (rest === undefined) return target
  return rest.startsWith('/') ? rest : `/${rest}`
}
