import { shellWord } from '../lib/curl.ts'

/** The reader's own, for the commands. Empty texts: an example, and no signatures. */
export type Secrets = { readonly token: string; readonly signing: string }

/** Where the receivers listen. */
const RECEIVER = 'localhost:9000'

/**
 * A command for a POSIX shell that sends a type's example to a receiver on the same machine: signed as real requests are,
 * if there is a signing secret, because a receiver that has one refuses what isn't signed.
 */
export function tryItCommand(example: unknown, { token, signing }: Secrets): string {
  const body = shellWord(JSON.stringify(example) ?? 'null')
  const bearer = `-H ${shellWord(`Authorization: Bearer ${token}`)}`
  const key = signingKeyOf(signing)
  if (key === null) return [`curl -i ${RECEIVER}`, bearer, "-H 'webhook-id: evt_1'", `-d ${body}`].join(' \\\n  ')
  const send = [
    `curl -i ${RECEIVER}`,
    bearer,
    '-H "webhook-id: $id" -H "webhook-timestamp: $time" -H "webhook-signature: v1,$signature"',
    '-d "$body"',
  ]
  return [
    `id=evt_1 time=$(date +%s) body=${body}`,
    'signature=$(printf %s "$id.$time.$body" |',
    `  openssl dgst -sha256 -mac HMAC -macopt hexkey:${key} -binary | base64)`,
    send.join(' \\\n  '),
  ].join('\n')
}

/** The key of the first `whsec_` secret as hexadecimal digits. Null if there is none, or it was not copied whole. */
export function signingKeyOf(signing: string): string | null {
  const [, base64] = /^whsec_([A-Za-z0-9+/]+={0,2})(?:,|$)/.exec(signing) ?? []
  if (base64 === undefined) return null
  try {
    return [...atob(base64)].map(byte => byte.charCodeAt(0).toString(16).padStart(2, '0')).join('')
  } catch {
    return null
  }
}
