import { MAX_KEPT_BODY_BYTES } from './deliver.ts'
import type { Exchange } from './outcome.ts'

/**
 * What of an answer is recorded: its headers and the first 16 KiB, with the secret blanked wherever the receiver
 * echoes it (C14), as it is or as JSON, URLs and Base64 spell it. A compressed body is not recorded, since a secret in
 * it could not be seen.
 */
export type Recorded = {
  readonly headers: readonly string[]
  readonly body: Uint8Array
  readonly truncated: boolean
}

const BLANK = '[secret]'

export function createBlanker(secret: string): (exchange: Exchange) => Recorded {
  const needles = spellings(secret)
  const blankText = (text: string): string => needles.reduce((left, needle) => left.replaceAll(needle, BLANK), text)
  return ({ headers, body, truncated }) => {
    const cleanHeaders = headers.length === 0 ? headers : headers.map(blankText)
    if (body.length === 0) return { headers: cleanHeaders, body, truncated }
    if (isEncoded(headers)) return { headers: cleanHeaders, body: new Uint8Array(0), truncated: true }
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1')
    const kept = Buffer.from(blankText(text), 'latin1')
    return {
      headers: cleanHeaders,
      // Own memory: a chunk of the socket's would keep the whole of its slab.
      body: Uint8Array.from(kept.subarray(0, MAX_KEPT_BODY_BYTES)),
      truncated: truncated || kept.length > MAX_KEPT_BODY_BYTES,
    }
  }
}

/** Longest first, so that one spelling that holds another is blanked whole. */
function spellings(secret: string): string[] {
  const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '')
  const all = [
    secret,
    secret.replaceAll('/', '\\/'),
    encodeURIComponent(secret),
    encodeURIComponent(secret).toLowerCase(),
    // A form's spelling of a blank is no part of a b64token, but `+` is, and some decode it.
    secret.replaceAll('+', ' '),
    ...(secret.length >= 8 ? [base64, Buffer.from(secret).toString('base64url')] : []),
  ]
  return [...new Set(all)].sort((a, b) => b.length - a.length)
}

function isEncoded(headers: readonly string[]): boolean {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]!.toLowerCase() === 'content-encoding' && headers[i + 1]!.trim().toLowerCase() !== 'identity')
      return true
  }
  return false
}
