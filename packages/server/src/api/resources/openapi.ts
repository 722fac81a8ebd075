import { Type } from 'typebox'
import { NoQuery } from '../http/shapes.ts'
import { resource } from '../resource.ts'
import examples from './openapi.examples.json' with { type: 'json' }

/** The OpenAPI document, which describes all resources. */
export const openApiResource = resource({
  tag: 'Health',
  components: [],
  examples,
  isOnEveryNode: true,
  add(routes) {
    // In bytes: to encode a text of its size costs more than all else about the call.
    let bytes: Buffer | undefined
    routes.get(
      '/openapi.json',
      {
        access: 'open',
        operationId: 'getOpenApi',
        summary: 'Get this OpenAPI document',
        querystring: NoQuery,
        refusals: ['invalid'],
        response: { 200: Type.Unsafe<Buffer>({ type: 'object', description: 'An OpenAPI 3.1 document.' }) },
      },
      // Not async, so that its time counts as the caller's (http/turns.ts).
      ({ server }, reply) => {
        bytes ??= Buffer.from(JSON.stringify(server.swagger()))
        reply.header('content-type', 'application/json; charset=utf-8').send(bytes)
      },
    )
  },
})
