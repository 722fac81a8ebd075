/** Request bodies: JSON only, parsed or, when publishing, as the bytes that were received. */
import type { Buffer } from 'node:buffer'
import type { FastifyInstance } from 'fastify'
import { parseJson, refuseEncoding } from './json.ts'

type Parsing = Pick<FastifyInstance, 'removeAllContentTypeParsers' | 'addContentTypeParser'>

/** Parses bodies with json.ts, which is stricter than the framework. */
export function takeJson(api: Parsing): void {
  api.removeAllContentTypeParsers()
  api.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    try {
      const fault = refuseEncoding(request.headers['content-encoding'])
      if (fault !== undefined) throw fault
      if (request.headers['idempotency-key'] !== undefined) request.bodyBytes = body
      done(null, parseJson(body))
    } catch (error) {
      done(error as Error)
    }
  })
}

/** Leaves bodies as the bytes that were received (C5). Applies to the whole scope, so give it a scope of its own. */
export function takeBytes(scope: Parsing): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const fault = refuseEncoding(request.headers['content-encoding'])
    if (fault === undefined) done(null, body)
    else done(fault)
  })
}
