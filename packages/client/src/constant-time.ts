const encoder = new TextEncoder()

/**
 * Returns whether a string is one of the expected ones. Compares digests, all of them and each to its end, so that the
 * time taken doesn't reveal how much of the string is right, how long an expected one is, or which one matched.
 */
export async function isOneOf(text: string, expected: readonly string[]): Promise<boolean> {
  const digest = await sha256(text)
  let found = 0
  for (const one of expected) found |= areEqual(digest, await sha256(one))
  return found === 1
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(text)))
}

/** Returns 1 if two arrays of the same length are equal, otherwise 0. */
function areEqual(a: Uint8Array, b: Uint8Array): number {
  let difference = 0
  for (let index = 0; index < a.length; index++) difference |= a[index]! ^ b[index]!
  return difference === 0 ? 1 : 0
}
