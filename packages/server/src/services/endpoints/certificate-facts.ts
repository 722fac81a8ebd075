/** What certificates say. Reading one takes a tenth of a millisecond, and a list shows hundreds, again and again. */
import { hash, X509Certificate } from 'node:crypto'

export type CertificateFacts = {
  readonly subject: string
  /** SHA-256, in hexadecimal with colons. */
  readonly fingerprint: string
  readonly expiresAtMs: number
}

/** The most certificates whose facts are kept: some hundred bytes each, and a few thousand for the longest subjects. */
const MAX_KEPT = 1_000

/** By the certificate's digest, the one used longest ago first. */
const kept = new Map<string, CertificateFacts>()

/** What a chain's first certificate says. Kept by content. Throws if there is none. */
export function factsOf(chain: string): CertificateFacts {
  const digest = hash('sha256', chain, 'base64url')
  const facts = kept.get(digest) ?? read(chain)
  kept.delete(digest)
  kept.set(digest, facts)
  if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value!)
  return facts
}

function read(chain: string): CertificateFacts {
  const { subject, fingerprint256, validToDate } = new X509Certificate(chain)
  return { subject: subject ?? '', fingerprint: fingerprint256, expiresAtMs: validToDate.getTime() }
}
