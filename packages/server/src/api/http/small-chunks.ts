/** Refuses bodies that cost more to read than their size says. */
import type { Buffer } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { ClosingError } from './problem.ts'

/**
 * Pieces that a body can come in however small they are, and their average size in bytes if there are more. A chunk can
 * come in two pieces, so the size that callers are told is twice as large.
 */
const FREE_PIECES = 4_096
const AVERAGE_PIECE_BYTES = 32

/**
 * Refuses a chunked body (RFC 9112 §7.1) as soon as it has come in too many small chunks: each costs about as much as a
 * kilobyte does, so a megabyte in chunks of one byte took 2 s of processor time. To be called before the body is read.
 */
export function refuseSmallChunks(request: IncomingMessage): void {
  if (request.headers['transfer-encoding'] === undefined) return
  let [pieces, bytes] = [0, 0]
  const count = (piece: Buffer) => {
    bytes += piece.length
    if (++pieces <= FREE_PIECES || bytes >= pieces * AVERAGE_PIECE_BYTES) return
    request.off('data', count)
    request.pause()
    // The framework takes it for a body that broke off, and stops reading it. No one reads that of a refused call.
    if (request.listenerCount('error') > 0) request.emit('error', new ClosingError('bad_request', TOO_SMALL))
    else request.destroy()
  }
  request.on('data', count)
}

const TOO_SMALL = `The request body arrives in too many small chunks. Send it in chunks of ${2 * AVERAGE_PIECE_BYTES} bytes or more, or with a Content-Length header.`
