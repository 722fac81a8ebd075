/** Responds where there is no request that the framework could respond to: to what Node's parser refuses, and CONNECT. */
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { PosthornError } from '../../base/errors.ts'
import { findHttpFault } from './http-faults.ts'
import { problemOf } from './problem.ts'
import { PROBLEM_TYPE } from './problem-schema.ts'

/** The response to the latest request on each connection, until it is complete: an idle one keeps nothing. */
const latest = new WeakMap<Socket, ServerResponse>()

/** Adds to a server what it would otherwise respond to on its own, without a problem document, or not at all. */
export function completeServer(server: Server): void {
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    latest.set(socket, response)
    response.once('close', () => {
      if (latest.get(socket) === response) latest.delete(socket)
    })
  })
  // Requests that expect something are refused like all others, with a problem document, and without a 100 before it.
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    server.emit('request', request, response)
  })
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (findHttpFault(request) === undefined) response.writeContinue()
    server.emit('request', request, response)
  })
  server.on('connect', (_request: IncomingMessage, socket: Socket) => {
    socket.on('error', () => {})
    respond(socket, new PosthornError('not_implemented', 'This server is not a proxy, so it does not support CONNECT.'))
  })
}

type ConnectionError = Error & {
  readonly code?: string
  /** What the parser says: one of a few fixed texts. */
  readonly reason?: string
}

/**
 * Responds to data that is not HTTP, or too slow or too long to become a request, and closes the connection. Responses
 * to earlier requests, and one to this request if it has begun, are completed first: a second one in between would be
 * taken for theirs.
 */
export function answerClientError(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const response = latest.get(socket)
  if (response === undefined || response.writableFinished) {
    if (socket.writable) respond(socket, refusalOf(error))
    else socket.destroySoon()
    return
  }
  // Whatever else arrives fails in the same way.
  if (closing.has(socket)) return
  closing.add(socket)
  response.once('finish', () => socket.destroySoon())
  if (response.headersSent || response.req.complete) return
  const { status, headers, body } = toMessage(refusalOf(error))
  response.writeHead(status, headers).end(body)
}

/** The same for a request that has missed a deadline. */
export function answerTooSlow(socket: Socket): void {
  answerClientError(Object.assign(new Error('The request took too long'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket)
}

/** Connections that are closed after the response that has begun. */
const closing = new WeakSet<Socket>()

function respond(socket: Socket, error: PosthornError): void {
  const { status, headers, body } = toMessage(error)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`)
  socket.destroySoon()
}

function toMessage(error: PosthornError) {
  const problem = problemOf(error)
  const body = JSON.stringify(problem)
  const headers = { 'content-type': PROBLEM_TYPE, 'content-length': Buffer.byteLength(body), connection: 'close' }
  return { status: problem.status, headers, body }
}

function refusalOf({ code, reason }: ConnectionError): PosthornError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new PosthornError(
        'request_timeout',
        'The request took too long to arrive. Send it faster, or send less at a time.',
      )
    case 'HPE_HEADER_OVERFLOW':
      return new PosthornError('headers_too_large', 'The headers or the path are too long. Shorten them.')
    default: {
      const why = reason === undefined || reason === '' ? '' : `: ${reason}`
      return new PosthornError('bad_request', `This is not a valid HTTP/1.1 request${why}.`)
    }
  }
}
