import { MASK } from '../../base/webhook-request.ts'
import { MAX_KEPT_BODY_BYTES } from './deliver.ts'
import type { Exchange } from './outcome.ts'
import { SecretSearch } from './secret-search.ts'

/** The parts of a response that are kept. */
export type Recorded = {
  readonly headers: readonly string[]
  readonly body: Uint8Array
  readonly truncated: boolean
}

/**
 * Creates the function that decides what is recorded of a response: its headers and the first 16 KiB, with the request's
 * secrets masked wherever the receiver echoes them (C14), as they are or as JSON, HTML, URLs, Base64 and hexadecimal
 * write them. If the response was cut in the middle of an echo, the beginning of the echo is masked too. A compressed
 * body is not recorded, since a secret in it could not be found.
 */
export function createRedactor(secrets: readonly string[]): (exchange: Exchange) => Recorded {
  const search = new SecretSearch(secrets)
  const redact = (text: string, isCut: boolean): string => masked(text, search, isCut)
  return ({ headers, body, truncated }) => {
    const cleanHeaders = headers.length === 0 ? headers : headers.map(text => redact(text, false))
    if (body.length === 0) return { headers: cleanHeaders, body, truncated }
    if (isEncoded(headers)) return { headers: cleanHeaders, body: new Uint8Array(0), truncated: true }
    const isCut = truncated || body.length > MAX_KEPT_BODY_BYTES
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1')
    const kept = Buffer.from(redact(text, isCut), 'latin1')
    return {
      headers: cleanHeaders,
      // A copy: a slice of the socket's chunk would keep its whole slab in memory.
      body: Uint8Array.from(kept.subarray(0, MAX_KEPT_BODY_BYTES)),
      truncated: truncated || kept.length > MAX_KEPT_BODY_BYTES,
    }
  }
}

function masked(text: string, search: SecretSearch, isCut: boolean): string {
  const ranges = search.rangesIn(text, isCut)
  if (ranges.length === 0) return text
  ranges.sort((a, b) => a.from - b.from)
  let redacted = ''
  let from = 0
  for (const range of ranges) {
    if (range.from >= from) redacted += text.slice(from, range.from) + MASK
    from = Math.max(from, range.to)
  }
  return redacted + text.slice(from)
}

function isEncoded(headers: readonly string[]): boolean {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const [name, value] = [headers[i]!.toLowerCase(), headers[i + 1]!.trim().toLowerCase()]
    const isPlain = (name === 'transfer-encoding' && value === 'chunked') || value === 'identity'
    if ((name === 'content-encoding' || name === 'transfer-encoding') && !isPlain) return true
  }
  return false
}
