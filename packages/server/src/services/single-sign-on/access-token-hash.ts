import { createHash } from 'node:crypto'

/** What hashes for which algorithms of signatures (RFC 7518 §3.1, RFC 8037 §3.1). */
const HASHES: Readonly<Record<string, string>> = {
  '256': 'sha256',
  '384': 'sha384',
  '512': 'sha512',
  EdDSA: 'sha512',
  Ed25519: 'sha512',
}

/**
 * Whether an ID token is about this access token, if it says about which it is: `at_hash` is the left half of the access
 * token's hash (OpenID Connect Core §3.1.3.6). The library doesn't look at it.
 *
 * @param idToken one whose signature is valid
 */
export function hasRightAccessTokenHash(idToken: string, accessToken: string): boolean {
  const [header = '', payload = ''] = idToken.split('.')
  const { at_hash: given } = read(payload)
  if (given === undefined) return true
  const alg = String(read(header).alg)
  const algorithm = HASHES[alg] ?? HASHES[alg.slice(-3)]
  if (algorithm === undefined) return false
  const whole = createHash(algorithm).update(accessToken).digest()
  return whole.subarray(0, whole.length / 2).toString('base64url') === given
}

const read = (part: string): Record<string, unknown> => JSON.parse(Buffer.from(part, 'base64url').toString())
