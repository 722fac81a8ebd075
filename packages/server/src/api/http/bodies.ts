/** Bodies of calls: JSON and nothing else, parsed or, where they are published, as they came. */
import type { Buffer } from 'node:buffer'
import type { FastifyInstance } from 'fastify'
import { parseJson, refuseEncoding } from './json.ts'

type Parsing = Pick<FastifyInstance, 'removeAllContentTypeParsers' | 'addContentTypeParser'>

/** Parsed by json.ts, which is stricter than the framework. */
export function takeJson(api: Parsing): void {
  api.removeAllContentTypeParsers()
  api.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    try {
      const fault = refuseEncoding(request.headers['content-encoding'])
      if (fault !== undefined) throw fault
      done(null, parseJson(body))
    } catch (error) {
      done(error as Error)
    }
  })
}

/** A body stays the bytes that came in (C5). For a scope of its own. */
export function takeBytes(scope: Parsing): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const fault = refuseEncoding(request.headers['content-encoding'])
    if (fault === undefined) done(null, body)
    else done(fault)
  })
}
