/** Headers that belong to a connection or that each one has of its own (RFC 9110 §7.6.1, RFC 9112): never forwarded. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

type Pair = readonly [name: string, value: string]

/**
 * What is sent to the receiver, names and values alternately: the request's own headers as they are, without those of a
 * hop and those that `Connection` names, and with those of this one.
 */
export function headersFor(target: URL, headers: readonly Pair[], bodyBytes: number): string[] {
  const named = headers.filter(([name]) => name.toLowerCase() === 'connection').flatMap(([, value]) => value.split(','))
  const dropped = new Set([...HOP_BY_HOP, ...named.map(name => name.trim().toLowerCase())])
  const kept = headers.filter(([name]) => !dropped.has(name.toLowerCase())).flat()
  return ['Host', target.host, ...kept, 'Content-Length', String(bodyBytes)]
}
