import { Buffer } from 'node:buffer'

/** A request as it is written. */
export type HttpRequest = {
  readonly method: 'POST' | 'HEAD'
  /** Path and query. */
  readonly path: string
  /** Names and values alternately, without those that HTTP itself adds. */
  readonly headers: readonly string[]
  readonly body: Uint8Array
}

/** RFC 9110 §5.6.2. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** RFC 9110 §5.5: visible characters, spaces, tabs, and bytes above 0x7f, which older senders used. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
/** RFC 9112 §3.2, but for the check of what is between: a space would end it. */
const TARGET = /^\/[\x21-\x7e\x80-\xff]*$/

/** Up to this size, a body is copied behind its head: one write costs less than two. */
const MAX_COPIED_BYTES = 65_536

/**
 * The bytes of a request: `host` and `connection` first, then the headers as given, then the length of the body.
 * Throws a TypeError for anything that would change the framing, so that no caller has to be trusted with it.
 */
export function encodeRequest(host: string, { method, path, headers, body }: HttpRequest): readonly Buffer[] {
  if (!TARGET.test(path)) throw new TypeError('The request target has characters that it must not have')
  let head = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n`
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at]!
    const value = headers[at + 1]!
    if (!NAME.test(name)) throw new TypeError('The name of a header has characters that it must not have')
    if (!VALUE.test(value)) throw new TypeError(`The header ${name} has characters that it must not have`)
    head += `${name}: ${value}\r\n`
  }
  head += method === 'HEAD' ? '\r\n' : `content-length: ${body.length}\r\n\r\n`
  if (body.length > MAX_COPIED_BYTES) {
    return [Buffer.from(head, 'latin1'), Buffer.from(body.buffer, body.byteOffset, body.byteLength)]
  }
  const bytes = Buffer.allocUnsafe(head.length + body.length)
  bytes.write(head, 0, 'latin1')
  bytes.set(body, head.length)
  return [bytes]
}
