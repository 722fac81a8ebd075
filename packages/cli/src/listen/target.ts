/**
 * The URL of the receiver, from what was typed: a URL, `localhost:3000/hooks`, `:3000/hooks` or `3000`. What has no
 * scheme gets http, because receivers on a laptop rarely have TLS. Throws TypeError with a sentence.
 */
export function parseTarget(text: string): URL {
  const typed = text.trim()
  // A path alone would name a host.
  const target = typed.startsWith('/') ? null : URL.parse(withScheme(typed))
  if (target === null || target.hostname === '' || target.port === '0')
    throw new TypeError(`"${text}" is not a URL. ${EXAMPLE}`)
  if (target.protocol !== 'http:' && target.protocol !== 'https:') {
    throw new TypeError(`"${text}" begins with ${target.protocol}//, to which nothing can be forwarded. ${EXAMPLE}`)
  }
  if (target.username !== '' || target.password !== '') {
    throw new TypeError(
      'The URL to forward to must not contain a user name or a password: requests carry their own token.',
    )
  }
  target.hash = ''
  return target
}

const EXAMPLE = 'Give one such as http://localhost:3000/hooks.'

function withScheme(typed: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(typed)) return typed
  if (/^\d+(?=$|[/?])/.test(typed)) return `http://localhost:${typed}`
  return typed.startsWith(':') ? `http://localhost${typed}` : `http://${typed}`
}
