import swagger from '@fastify/swagger'
import { addExamples, type Examples } from './examples.ts'
import type { Api } from './routes.ts'
import { COOKIES } from './session-cookie.ts'
import { NOT_EMPTY } from './validation.ts'

const DESCRIPTION =
  'You publish events, and Posthorn delivers them as webhooks to the endpoints that your tenants have registered. ' +
  'Errors are problem details (RFC 9457) with a stable `code`. Every response to a caller with a key has the version of ' +
  'the server in the header `Posthorn-Version`.'

type Described = {
  readonly version: string
  /** The setting `publicUrl`. */
  readonly givenUrl: string | null
}

/**
 * Generates the OpenAPI 3.1 document from the schemas that validate requests. Call it before adding the routes.
 *
 * @param tags the tags of the routes, in the order in which the document lists them
 */
export function describeRoutes(
  api: Api,
  { version, givenUrl }: Described,
  tags: readonly string[],
  examples: Examples,
): void {
  api.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      ...(givenUrl === null ? {} : { servers: [{ url: givenUrl.slice(0, -1) }] }),
      info: { title: 'Posthorn', description: DESCRIPTION, version, license: { name: 'Apache-2.0' } },
      components: {
        securitySchemes: {
          apiKey: { type: 'http', scheme: 'bearer', description: 'An API key, sent as a bearer token.' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: COOKIES.session,
            description:
              'A session of the dashboard. Every path under `/v1` exists under `/session/v1` too, for sessions instead of ' +
              'API keys. Calls need `Posthorn-Session: 1` and, from the browser, `Sec-Fetch-Site: same-origin`.',
          },
          portal: {
            type: 'apiKey',
            in: 'cookie',
            name: COOKIES.portal,
            description:
              "A session of a tenant's portal. Paths under `/v1` that say `x-portal` exist under `/portal/v1` too, for " +
              'sessions with that permission. A page in a frame sends its token as a bearer token instead.',
          },
        },
      },
      security: [{ apiKey: [] }],
      tags: tags.map(name => ({ name })),
    },
    convertConstToEnum: false,
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `schema${index}`) },
    transformObject: document => {
      if (!('openapiObject' in document)) return document.swaggerObject
      return addExamples(withOptionalParameters(withOptionalBodies(document.openapiObject)), examples)
    },
  })
}

type Parameters = { readonly parameters?: { required?: boolean; readonly schema?: { readonly default?: unknown } }[] }

/** The generator takes parameters with a default for required ones. */
function withOptionalParameters<Document extends { paths?: object }>(document: Document): Document {
  for (const path of Object.values(document.paths ?? {})) {
    for (const { parameters = [] } of Object.values(path as Record<string, Parameters>)) {
      for (const parameter of parameters) if (parameter.schema?.default !== undefined) parameter.required = false
    }
  }
  return document
}

/** The generator marks every body as required. One in which nothing is required can be omitted. */
function withOptionalBodies<Document extends { paths?: object }>(document: Document): Document {
  for (const path of Object.values(document.paths ?? {})) {
    for (const { requestBody } of Object.values(path as Record<string, { requestBody?: RequestBody }>)) {
      const schema = requestBody?.content?.['application/json']?.schema
      if (schema?.type !== 'object' || NOT_EMPTY in schema) continue
      if ((schema.required ?? []).length === 0) requestBody!.required = false
    }
  }
  return document
}

type RequestBody = {
  required: boolean
  content?: Record<string, { schema?: { type?: unknown; required?: unknown[] } }>
}
