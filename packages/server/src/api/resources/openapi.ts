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
    let text: string | undefined
    routes.get(
      '/openapi.json',
      {
        access: 'open',
        operationId: 'getOpenApi',
        summary: 'Get this OpenAPI document',
        querystring: NoQuery,
        refusals: ['invalid'],
        response: { 200: Type.Unsafe<string>({ type: 'object', description: 'An OpenAPI 3.1 document.' }) },
      },
      async ({ server }, reply) => {
        text ??= JSON.stringify(server.swagger())
        return reply.header('content-type', 'application/json; charset=utf-8').send(text)
      },
    )
  },
})
