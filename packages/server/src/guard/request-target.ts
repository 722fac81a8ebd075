/**
 * The part of a URL behind the authority, as it is sent: the request target (RFC 9112 §3.2.1). Receivers differ in which
 * characters they take there, and strict ones refuse what RFC 3986 doesn't allow. So that is percent-encoded, and
 * nothing else is changed: no dot segment is dropped and nothing is decoded, because a signature or a router on the
 * receiver's side can depend on each byte.
 */

/** Characters that neither a path nor a query can have (RFC 3986 §3.3, §3.4), and a `%` that encodes nothing. */
const NOT_ALLOWED = /%(?![\dA-Fa-f]{2})|[^!$%&-;=?-Z_a-z~]/gu

/** Scheme and authority. */
const ORIGIN = /^[^/?#]*\/\/[^/?#]*/

/** Percent-encodes what path and query can't have, as UTF-8. Text that is valid comes back as it is. */
export function encodeTarget(target: string): string {
  return target.replaceAll(NOT_ALLOWED, character => encodeURIComponent(character.toWellFormed()))
}

/** The characters that `encodeTarget` replaces, each once. */
export const encodedCharacters = (target: string): readonly string[] => [...new Set(target.match(NOT_ALLOWED))]

/** Takes apart a URL that `checkTargetUrl` returned. */
export function splitUrl(url: string): { readonly origin: string; readonly target: string } {
  const [origin] = ORIGIN.exec(url) ?? ['']
  return { origin, target: url.slice(origin.length) }
}

/**
 * The URL that requests are sent to, of one that an earlier version stored: that version left some characters as they
 * were. Other stored URLs come back as they are.
 */
export function sentUrl(stored: string): string {
  const { origin, target } = splitUrl(stored)
  return origin + encodeTarget(target)
}
