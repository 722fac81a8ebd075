import swagger from '@fastify/swagger'
import { Type } from 'typebox'
import { COMPONENTS } from './schemas/components.ts'
import { publicProblems } from './schemas/problems.ts'
import type { Api } from './services.ts'

const DESCRIPTION =
  'Publish events, and Posthorn delivers each to the endpoints that your tenants registered. Errors are problem ' +
  'details (RFC 9457) with a stable `code`.'

/** OpenAPI 3.1 out of the schemas that validate. Before the routes that it describes. */
export function addOpenApi(api: Api, version: string): void {
  for (const component of COMPONENTS) api.addSchema(component)
  api.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Posthorn', description: DESCRIPTION, version, license: { name: 'Apache-2.0' } },
      components: {
        securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'The API key.' } },
      },
      security: [{ apiKey: [] }],
      tags: [
        'Event types',
        'Tenants',
        'Endpoints',
        'Events',
        'Deliveries',
        'Replays',
        'API keys',
        'Audit',
        'Egress',
        'Health',
      ].map(name => ({ name })),
    },
    convertConstToEnum: false,
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `schema${index}`) },
    transformObject: document => {
      if (!('openapiObject' in document)) return document.swaggerObject
      return withOptionalBodies(document.openapiObject)
    },
  })

  let text: string | undefined
  api.after(() => {
    api.get(
      '/openapi.json',
      {
        schema: {
          operationId: 'getOpenApi',
          summary: 'This document',
          tags: ['Health'],
          security: [],
          response: {
            200: Type.Unsafe<string>({ type: 'object', description: 'OpenAPI 3.1.' }),
            ...publicProblems(),
          },
        },
      },
      async (_request, reply) => {
        text ??= JSON.stringify(api.swagger())
        return reply.header('content-type', 'application/json; charset=utf-8').send(text)
      },
    )
  })
}

/** The generator calls every body required. One that may be null may be left out as well. */
function withOptionalBodies<Document extends { paths?: object }>(document: Document): Document {
  for (const path of Object.values(document.paths ?? {})) {
    for (const { requestBody } of Object.values(path as Record<string, { requestBody?: RequestBody }>)) {
      const type = requestBody?.content?.['application/json']?.schema?.type
      if (requestBody !== undefined && Array.isArray(type) && type.includes('null')) requestBody.required = false
    }
  }
  return document
}

type RequestBody = { required: boolean; content?: Record<string, { schema?: { type?: unknown } }> }
