/**
 * Signatures as defined by Standard Webhooks (standardwebhooks.com, specification 1.0.0). `webhook-signature` is a
 * space-separated list of `<version>,<Base64>`, each signing `<webhook-id>.<webhook-timestamp>.<body>`. `v1` is
 * HMAC-SHA256 with a secret written as `whsec_<Base64>`; `v1a` is Ed25519 with a public key written as `whpk_<Base64>`.
 */

/** Limits of a `whsec_` secret's length, in bytes. */
export const MIN_SECRET_BYTES = 24
export const MAX_SECRET_BYTES = 64

const PUBLIC_KEY_BYTES = 32
/** More than any sender adds. Bounds the work: a forged header must not cost thousands of verifications. */
const MAX_SIGNATURES = 16

export type SigningKey = { readonly version: 'v1' | 'v1a'; readonly bytes: Uint8Array<ArrayBuffer> }

/** Throws TypeError if the secret is neither `whsec_…` nor `whpk_…`; the message doesn't contain the secret. */
export function parseSigningSecret(secret: string): SigningKey {
  const [, kind, base64] = /^(whsec|whpk)_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? []
  const bytes = base64 === undefined ? undefined : decodeBase64(base64)
  if (kind === 'whsec' && bytes && bytes.length >= MIN_SECRET_BYTES && bytes.length <= MAX_SECRET_BYTES) {
    return { version: 'v1', bytes }
  }
  if (kind === 'whpk' && bytes?.length === PUBLIC_KEY_BYTES) return { version: 'v1a', bytes }
  throw new TypeError(
    'A signingSecret must be whsec_ or whpk_ followed by Base64. Copy it exactly as the sender shows it.',
  )
}

/** Returns the part of the signed content that precedes the body. */
export function signedPrefix(id: string, timestamp: string): string {
  return `${id}.${timestamp}.`
}

export type SignedRequest = {
  readonly id: string
  readonly timestamp: string
  readonly body: Uint8Array
  /** The `webhook-signature` header. */
  readonly signatures: string
}

/** Returns whether any signature matches any key. Tries all pairs of the same version, even after a match. */
export async function isSigned(request: SignedRequest, keys: readonly SigningKey[]): Promise<boolean> {
  const { id, timestamp, body } = request
  const prefix = new TextEncoder().encode(signedPrefix(id, timestamp))
  const content = new Uint8Array(prefix.length + body.length)
  content.set(prefix)
  content.set(body, prefix.length)
  let isFound = false
  for (const entry of request.signatures.split(' ').slice(0, MAX_SIGNATURES)) {
    const comma = entry.indexOf(',')
    const signature = decodeBase64(entry.slice(comma + 1))
    if (signature === undefined) continue
    for (const { version, bytes } of keys) {
      if (version === entry.slice(0, comma) && (await isSignature(version, bytes, signature, content))) isFound = true
    }
  }
  return isFound
}

async function isSignature(
  version: SigningKey['version'],
  key: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
  content: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const algorithm = version === 'v1' ? { name: 'HMAC', hash: 'SHA-256' } : { name: 'Ed25519' }
  const imported = await crypto.subtle.importKey('raw', key, algorithm, false, ['verify'])
  return crypto.subtle.verify(algorithm.name, imported, signature, content)
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), character => character.charCodeAt(0))
  } catch {
    return undefined
  }
}
