import swagger from '@fastify/swagger'
import type { Api } from './routes.ts'

const DESCRIPTION =
  'Publish events, and Posthorn delivers each to the endpoints that your tenants registered. Errors are problem ' +
  'details (RFC 9457) with a stable `code`.'

/**
 * OpenAPI 3.1 out of the schemas that validate. Before the routes that it describes.
 *
 * @param tags the headings of routes, in the order in which readers see them
 */
export function describeRoutes(api: Api, version: string, tags: readonly string[]): void {
  api.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Posthorn', description: DESCRIPTION, version, license: { name: 'Apache-2.0' } },
      components: {
        securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'The API key.' } },
      },
      security: [{ apiKey: [] }],
      tags: tags.map(name => ({ name })),
    },
    convertConstToEnum: false,
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `schema${index}`) },
    transformObject: document => {
      if (!('openapiObject' in document)) return document.swaggerObject
      return withOptionalBodies(document.openapiObject)
    },
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
