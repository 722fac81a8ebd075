import { promisify } from 'node:util'
import { brotliDecompress, type InputType, unzip, type ZlibOptions, zstdDecompress } from 'node:zlib'
import type { Exchange } from './outcome.ts'

type Decode = (body: InputType, options: Pick<ZlibOptions, 'maxOutputLength'>) => Promise<Buffer>

/** `unzip` finds out itself whether it is gzip or deflate. */
const unzipped: Decode = promisify(unzip)

/** By content coding (RFC 9110 §8.4.1). */
const DECODERS: Readonly<Record<string, Decode>> = {
  gzip: unzipped,
  'x-gzip': unzipped,
  deflate: unzipped,
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
}

/** A small body can be decoded to a large one. */
const MAX_DECODED_BYTES = 65_536

/**
 * The same with its body decoded, if it was sent compressed: without `Accept-Encoding`, a server can choose any coding
 * (RFC 9110 §12.5.3), and some always compress. As it was if it can't be decoded, or is too large.
 */
export async function decoded(exchange: Exchange): Promise<Exchange> {
  const { headers, body, truncated } = exchange
  const at = headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'content-encoding')
  const coding = at < 0 ? codingOf(body) : headers[at + 1]!.trim().toLowerCase()
  const decode = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined
  if (decode === undefined || body.length === 0 || truncated) return exchange
  try {
    const plain = await decode(body, { maxOutputLength: MAX_DECODED_BYTES })
    return { ...exchange, headers: at < 0 ? headers : headers.toSpliced(at, 2), body: plain }
  } catch {
    return exchange
  }
}

/** Some proxies drop the header and leave the body compressed. No text begins with the first bytes of gzip (RFC 1952). */
const codingOf = (body: Uint8Array): string => (body[0] === 0x1f && body[1] === 0x8b ? 'gzip' : '')
