/** How a resource adds its routes. What all routes have in common is added here, so that none can forget it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifySchema,
  RawServerDefault,
  RouteGenericInterface,
  RouteHandlerMethod,
} from 'fastify'
import type { TSchema } from 'typebox'
import type { ErrorCode } from '../../base/errors.ts'
import type { Access } from './access.ts'
import { takeBytes } from './bodies.ts'
import { publicProblems, readProblems, writeProblems } from './problem-schema.ts'

/** The framework's instance, with types out of schemas. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** A call: who may make it, what it takes, and what it answers. All of it is documentation too. */
export type Route = {
  /** Which key may make it (access.ts). */
  readonly access: Access
  /** Its name in the OpenAPI document and in clients: a verb and a noun, like no other's. */
  readonly operationId: string
  /** What it does, in half a sentence. */
  readonly summary: string
  readonly description?: string
  /** Parameters of the path. */
  readonly params?: TSchema
  /** Parameters behind the `?`. `NoQuery` for none: then others are refused. */
  readonly querystring?: TSchema
  readonly body?: TSchema
  /** What it answers when it succeeds, by status. */
  readonly response: Readonly<Record<number, unknown>>
  /** What it refuses for reasons of its own, beside what any call can be refused with. Default: nothing. */
  readonly refusals?: readonly ErrorCode[]
  /** Whether the handler gets the body as the bytes that came in, rather than parsed. Default: false. */
  readonly takesBytes?: boolean
  /** The most that an answer to a GET comes to, bytes: so much memory is set aside. Default: 1 MiB. */
  readonly answerBytes?: number
}

type Handler<R extends Route> = RouteHandlerMethod<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  RouteGenericInterface,
  unknown,
  R & FastifySchema,
  TypeBoxTypeProvider,
  FastifyBaseLogger
>

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/** Adds a route. Throws for one that refers to a component that nobody has. */
type AddRoute = <const R extends Route>(path: string, route: R, handler: Handler<R>) => void

export type Routes = Readonly<Record<Method, AddRoute>>

/** @param tag the heading of the routes in the OpenAPI document */
export function createRoutes(api: Api, tag: string): Routes {
  const addsWith =
    (method: Method): AddRoute =>
    (path, route, handler) => {
      const { access, takesBytes = false, answerBytes } = route
      const schema = document(method, route, tag)
      requireComponents(api, `${method.toUpperCase()} ${path}`, schema)
      const config = answerBytes === undefined ? { access } : { access, answerBytes }
      if (!takesBytes) api[method](path, { schema, config }, handler as RouteHandlerMethod)
      else {
        api.register(async scope => {
          takeBytes(scope)
          scope[method](path, { schema, config }, handler as RouteHandlerMethod)
        })
      }
    }
  return {
    get: addsWith('get'),
    post: addsWith('post'),
    put: addsWith('put'),
    patch: addsWith('patch'),
    delete: addsWith('delete'),
  }
}

/** The framework's schema of a route: that, and with it the document, has what any call can be refused with. */
function document(method: Method, route: Route, tag: string): FastifySchema {
  const { access, refusals = [], takesBytes: _takesBytes, answerBytes: _answerBytes, response, ...rest } = route
  const problemsOf = access === 'open' ? publicProblems : method === 'get' ? readProblems : writeProblems
  const schema = { ...rest, tags: [tag], response: { ...problemsOf(...refusals), ...response } }
  return access === 'open' ? { ...schema, security: [] } : schema
}

/** Throws where a schema refers to a component (`ref`) that no resource has brought along. */
export function requireComponents(api: Pick<Api, 'getSchema'>, what: string, schema: object): void {
  for (const [, id] of JSON.stringify(schema).matchAll(/"\$ref":"(\w+)#"/g)) {
    if (api.getSchema(id!) !== undefined) continue
    throw new Error(
      `${what} refers to ${id}, which no resource lists: add ${id}Schema to the components of its resource`,
    )
  }
}
