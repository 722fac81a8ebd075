/** Where a page that signs in was loaded from, as its browser says in `Origin` (RFC 6454). */
import { PosthornError } from '../../base/errors.ts'

const HOW_TO_ENCRYPT =
  'Put a proxy with a certificate in front of Posthorn, set publicUrl to its https:// address and open that, or open ' +
  'the dashboard on the machine that Posthorn runs on, for example through an SSH tunnel.'

/** What an Origin header means for a session. */
export type Origin = {
  /** Whether the cookie is sent over encrypted connections only. */
  readonly isSecure: boolean
  /** Whether the page is on the machine that the browser runs on. */
  readonly isLoopback: boolean
}

/**
 * Throws `insecure_origin` for an unencrypted page that is not on loopback: the cookie could be read on its way. A
 * request without the header comes from no page.
 */
export function readOrigin(header: string | undefined): Origin {
  if (header === undefined) return { isSecure: true, isLoopback: false }
  const url = URL.parse(header)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) throw unknownOrigin()
  const isLoopback = isLoopbackHost(url.hostname)
  if (url.protocol === 'https:') return { isSecure: true, isLoopback }
  if (isLoopback) return { isSecure: false, isLoopback }
  const detail = `This page was opened without encryption, so anyone on the way could read the session. ${HOW_TO_ENCRYPT}`
  throw new PosthornError('insecure_origin', detail)
}

/** A host name as the URL parser returns it. Browsers never ask a name server for these (RFC 6761 §6.3). */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127(?:\.\d+){3}$/.test(host)
}

function unknownOrigin(): PosthornError {
  return new PosthornError('forbidden', 'The Origin header is not an http:// or https:// origin. Open the page itself.')
}
