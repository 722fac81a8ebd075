/** Request bodies: JSON only, parsed or, when publishing, as the bytes that were received. */
import type { Buffer } from 'node:buffer'
import type { FastifyInstance, preValidationHookHandler } from 'fastify'
import { PosthornError } from '../../base/errors.ts'
import { parseJson, refuseEncoding } from './json.ts'

type Parsing = Pick<FastifyInstance, 'removeAllContentTypeParsers' | 'addContentTypeParser'>

export const SEND_JSON = 'Send JSON with the header Content-Type: application/json.'

/** Parses bodies with json.ts, which is stricter than the framework. */
export function takeJson(api: Parsing): void {
  api.removeAllContentTypeParsers()
  takeNothing(api)
  api.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    try {
      const fault = refuseEncoding(request.headers['content-encoding'])
      if (fault !== undefined) throw fault
      if (request.headers['idempotency-key'] !== undefined) request.bodyBytes = body
      done(null, parseJson(body, undefined, request.routeOptions.config.payloadsIn))
    } catch (error) {
      done(error as Error)
    }
  })
}

/** Leaves bodies as the bytes that were received (C5). Applies to the whole scope, so give it a scope of its own. */
export function takeBytes(scope: Parsing): void {
  scope.removeAllContentTypeParsers()
  takeNothing(scope)
  scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const fault = refuseEncoding(request.headers['content-encoding'])
    if (fault === undefined) done(null, body)
    else done(fault)
  })
}

/** Leaves bodies of any type as the bytes that were received: what they are is told by their content. */
export function takeAnyBytes(scope: Parsing): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    const fault = refuseEncoding(request.headers['content-encoding'])
    if (fault === undefined) done(null, body)
    else done(fault)
  })
}

/**
 * Takes requests without a body whatever their content type: `curl -d ''` announces a form. Any body of another type
 * than JSON is refused, unread.
 */
function takeNothing(scope: Parsing): void {
  scope.addContentTypeParser('*', ({ headers }, payload, done) => {
    const refuse = () => done(new PosthornError('unsupported_media_type', SEND_JSON))
    if (headers['transfer-encoding'] === undefined) {
      if (Number(headers['content-length'] ?? 0) === 0) done(null, undefined)
      else refuse()
      return
    }
    // Only its first bytes tell whether a chunked body is empty.
    const end = () => done(null, undefined)
    payload.once('end', end)
    payload.once('data', () => {
      payload.off('end', end)
      refuse()
    })
  })
}

/** Reads a missing body as an empty object, so that validation names the members that are missing, if any. */
export const completeBody: preValidationHookHandler = (request, _reply, done) => {
  if (request.body === undefined) request.body = {}
  done()
}
