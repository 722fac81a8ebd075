/** The HTTP API: one Fastify instance, one file a resource; schemas validate, type and document (OpenAPI 3.1). */
import swagger from '@fastify/swagger'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyRequest } from 'fastify'
import { PosthornError } from '../errors.ts'
import type { ApiOptions, ApiServices, App } from './app.ts'
import { registerDeliveries } from './deliveries.ts'
import { registerEgress } from './egress.ts'
import { registerEndpoints } from './endpoints.ts'
import { registerEventTypes } from './event-types.ts'
import { registerEvents } from './events.ts'
import { registerHealth } from './health.ts'
import { parseJson } from './json.ts'
import { answerClientError, MethodNotAllowed, sendProblem } from './problem.ts'
import { registerTenants } from './tenants.ts'
import { compileValidator } from './validation.ts'

const REQUEST_TIMEOUT_MS = 60_000
const KEEP_ALIVE_MS = 65_000
const MAX_PARAMETER_LENGTH = 512

export async function createApi(services: ApiServices, options: ApiOptions): Promise<App> {
  const app: App = Fastify({
    bodyLimit: options.maxBodyBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    logger: false,
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => sendProblem(error, request, reply, options.logger),
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.setValidatorCompiler(compileValidator)
  // Views are built to their schema by hand; a serialiser made from it would only drop what it doesn't know.
  app.setSerializerCompiler(() => value => JSON.stringify(value))
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply, options.logger))
  parseBodies(app)
  requireKey(app, options)
  const allowedMethods = collectRoutes(app)
  app.setNotFoundHandler(request => {
    const allow = allowedMethods(request.url)
    if (allow !== undefined) throw new MethodNotAllowed(allow)
    throw new PosthornError('not_found', 'There is nothing at this path.')
  })
  await app.register(swagger, { openapi: describeApi(options.version) })
  app.after(() => {
    registerHealth(app, options)
    registerEgress(app, options)
    registerEventTypes(app, services)
    registerTenants(app, services)
    registerEndpoints(app, services)
    registerEvents(app, services)
    registerDeliveries(app, services)
    app.get('/openapi.json', { config: { isPublic: true }, schema: { hide: true } }, () => app.swagger())
  })
  await app.ready()
  return app
}

function describeApi(version: string) {
  return {
    openapi: '3.1.0',
    info: { title: 'Posthorn', version, description: 'Sends web-hooks. Errors are problem details (RFC 9457).' },
    components: { securitySchemes: { apiKey: { type: 'http' as const, scheme: 'bearer' } } },
    security: [{ apiKey: [] }],
  }
}

function parseBodies(app: App): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      done(null, request.routeOptions.config.isRawBody === true ? body : parseJson(body as Buffer))
    } catch (error) {
      done(error as Error)
    }
  })
}

/**
 * By the route that was matched, not by the path: the router decodes paths, so there is more than one spelling of each.
 * What matches no route needs a key under /v1 only, and learns nothing either way.
 */
function requireKey(app: App, { apiKeyMatches }: ApiOptions): void {
  app.addHook('onRequest', async request => {
    if (request.routeOptions.config?.isPublic === true) return
    if (request.is404 && !/^\/v1(?:[/?]|$)/.test(request.url)) return
    if (!apiKeyMatches(bearerOf(request))) {
      throw new PosthornError('unauthorized', 'Send the API key in the header Authorization: Bearer <key>.')
    }
  })
}

function bearerOf({ headers }: FastifyRequest): string {
  return /^Bearer +([\w.~+/-]+=*)$/i.exec(headers.authorization ?? '')?.[1] ?? ''
}

/** Answers, for a path that some route has, which methods it takes. */
function collectRoutes(app: App): (url: string) => string | undefined {
  const methods = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const taken = methods.get(url) ?? new Set()
    for (const one of [method].flat()) taken.add(one)
    methods.set(url, taken)
  })
  return url => {
    const path = url.split('?', 1)[0]!
    for (const [pattern, taken] of methods) {
      const expression = new RegExp(`^${pattern.replaceAll('.', '\\.').replace(/:\w+/g, '[^/]+')}$`)
      if (expression.test(path)) return [...taken].join(', ')
    }
    return undefined
  }
}
