/**
 * How a resource adds its routes. Everything that all routes have in common is added here, so that none can forget it.
 */
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
import { IS_CLONE } from '../../base/own-files.ts'
import { type Access, doorOf, isOpen, isSigningIn, isVisiting, type PortalNeeds } from './access.ts'
import { completeBody, takeAnyBytes, takeBytes, takeForm } from './bodies.ts'
import { PREFIXES } from './doors.ts'
import { type Idempotency, IdempotencyHeaders, Replayed } from './idempotency.ts'
import { showsPayloads } from './payloads.ts'
import { publicProblems, readProblems, writeProblems } from './problem-schema.ts'
import { checkQueryEncoding } from './query-encoding.ts'
import { NoQuery } from './shapes.ts'

/** The framework instance, with types inferred from schemas. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** A route: who can call it, what it accepts and what it returns. All of it also goes into the OpenAPI document. */
export type Route = {
  /** Which keys can call it (access.ts). */
  readonly access: Access
  /**
   * The permission that the visitor of a portal needs; of several, one, and the handler asks for the others. Undefined: the
   * call doesn't exist in portals.
   */
  readonly portal?: PortalNeeds
  /**
   * `shown`: its response contains payloads or what receivers responded, and its handler leaves them out for callers
   * that can't see them (`request.seesPayloads`). Without it, a route with such a response can't be added.
   */
  readonly payloads?: 'shown'
  /** Its name in the OpenAPI document and in clients: a verb and a noun, unique. */
  readonly operationId: string
  /** What the call does: an imperative without a full stop. */
  readonly summary: string
  readonly description?: string
  /** Path parameters. */
  readonly params?: TSchema
  /** Query parameters. `NoQuery` refuses any. */
  readonly querystring?: TSchema
  readonly body?: TSchema
  /** Responses of a successful call, by status. */
  readonly response: Readonly<Record<number, unknown>>
  /** Errors of its own, besides those that any call can have. Default: none. */
  readonly refusals?: readonly ErrorCode[]
  /** Maximum size of its body, in bytes. Default: the setting `maxBodyBytes`. */
  readonly maxBodyBytes?: number
  /** Whether the handler gets the body as the received bytes instead of parsed. Default: false. */
  readonly takesBytes?: boolean
  /** Content types of the body, for the document. With `takesBytes`, the handler gets bodies of any type. Default: JSON. */
  readonly consumes?: readonly string[]
  /** What is said about a body that is too large. Default: what is said about any. */
  readonly tooLarge?: string
  /** Whether it takes a form, which is not read, instead of JSON. Default: false. */
  readonly takesForm?: boolean
  /**
   * Whether the call makes something. It then takes an `Idempotency-Key`, and its handler has to pass `request.once` on
   * to what makes the thing. Default: false.
   */
  readonly makes?: boolean
  /** The member of the body that holds payloads, which are read as publishing reads them. */
  readonly payloadsIn?: string
  /** Maximum size of the response to a GET, in bytes; this much memory is reserved. Default: 1 MiB. */
  readonly answerBytes?: number
  /**
   * Whether its cost grows with what is stored, so that a caller can have only a few in progress (costly-calls.ts). False
   * for a response that lasts (a stream, an export). Default: true for a GET.
   */
  readonly isCostly?: boolean
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

/** Adds a route. Throws if the route refers to a component that no resource lists. */
type AddRoute = <const R extends Route>(path: string, route: R, handler: Handler<R>) => void

export type Routes = Readonly<Record<Method, AddRoute>>

/** @param tag the tag of the routes in the OpenAPI document */
export function createRoutes(api: Api, tag: string, idempotency: Idempotency): Routes {
  const addsWith =
    (method: Method): AddRoute =>
    (path, route, handler) => {
      const {
        access,
        portal,
        payloads,
        takesBytes = false,
        takesForm = false,
        makes = false,
        answerBytes,
        payloadsIn,
        isCostly,
        maxBodyBytes,
        consumes,
        tooLarge,
      } = route
      const what = `${method.toUpperCase()} ${path}`
      const schema = document(method, route, tag)
      // Mistakes in our code, which the tests run into: a start of the package doesn't look for them again.
      if (IS_CLONE) {
        requireComponents(api, what, schema)
        if (payloads === undefined && showsPayloads(api, route.response)) {
          throw new Error(`${what} shows payloads or responses: set its \`payloads\`, and leave them out if it must`)
        }
      }
      const config = {
        access,
        ...(portal === undefined ? {} : { portal }),
        ...(payloads === undefined ? {} : { payloads }),
        ...(answerBytes === undefined ? {} : { answerBytes }),
        ...(payloadsIn === undefined ? {} : { payloadsIn }),
        ...(isCostly === undefined ? {} : { isCostly }),
        ...(tooLarge === undefined ? {} : { tooLarge }),
      }
      // A handler that takes bytes sees for itself that there are none.
      const completes = route.body !== undefined && !takesBytes
      const decodes = route.querystring !== undefined && route.querystring !== NoQuery
      const preValidation = [
        ...(decodes ? [checkQueryEncoding] : []),
        ...(completes ? [completeBody] : []),
        ...(makes ? [idempotency.preValidation] : []),
      ]
      const limits = maxBodyBytes === undefined ? {} : { bodyLimit: maxBodyBytes }
      const options =
        preValidation.length === 0 ? { schema, config, ...limits } : { schema, config, preValidation, ...limits }
      const handle = makes ? once(handler as RouteHandlerMethod, idempotency) : (handler as RouteHandlerMethod)
      if (!takesBytes && !takesForm) api[method](path, options, handle)
      else {
        api.register(async scope => {
          if (takesForm) takeForm(scope)
          else if (consumes === undefined) takeBytes(scope)
          else takeAnyBytes(scope)
          scope[method](path, options, handle)
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

/** A handler that is not run again for a call that was made before. */
const once = (handler: RouteHandlerMethod, idempotency: Idempotency): RouteHandlerMethod =>
  function (request, reply) {
    if (request.once === null) return handler.call(this, request, reply)
    return idempotency.run(request, reply, () => handler.call(this, request, reply))
  }

/** The framework's schema of a route, and thus of the document, with the errors that any call can have added. */
function document(method: Method, route: Route, tag: string): FastifySchema {
  const { access, portal, refusals = [], makes, response, ...described } = route
  const { payloads: _payloads, takesBytes: _takesBytes, takesForm: _takesForm, ...shown } = described
  const { payloadsIn: _payloadsIn, tooLarge: _tooLarge, ...others } = shown
  const { answerBytes: _answerBytes, isCostly: _isCostly, maxBodyBytes: _maxBodyBytes, ...rest } = others
  const problemsOf = access === 'open' ? publicProblems : method === 'get' ? readProblems : writeProblems
  const own = makes === true ? [...new Set([...refusals, ...ONCE_REFUSALS])] : refusals
  const success = makes === true ? withReplayed(response) : response
  const inPortal = portal === undefined ? {} : { 'x-portal': portal }
  const schema = { ...rest, ...inPortal, tags: [tag], response: { ...problemsOf(...own), ...success } }
  if (doorOf(access) !== undefined) return { ...schema, ...behindDoor(access) } as FastifySchema
  if (makes === true) return { ...schema, headers: IdempotencyHeaders }
  return access === 'open' ? { ...schema, security: [] } : schema
}

/** Where a call is that exists for sessions only, for the document: relative to where the document is. */
const behindDoor = (access: Access) => ({
  servers: [{ url: `.${PREFIXES[doorOf(access)!]}` }],
  security: securityOf(access),
})

/** What a call needs there. An empty requirement makes the one before it optional. */
function securityOf(access: Access): object[] {
  if (isSigningIn(access) || isOpen(access)) return []
  const session = { [doorOf(access)!]: [] }
  return isVisiting(access) ? [session, {}] : [session]
}

const ONCE_REFUSALS = ['idempotency_conflict', 'call_in_flight', 'already_made'] as const

/** Responses with the header that they have if the call is repeated. */
function withReplayed(response: Route['response']): Route['response'] {
  const entries = Object.entries(response as Record<string, { headers?: object }>)
  return Object.fromEntries(
    entries.map(([status, shown]) => [status, { ...shown, headers: { ...shown.headers, ...Replayed } }]),
  )
}

/** Throws if a schema refers (with `ref`) to a component that no resource lists. */
export function requireComponents(api: Pick<Api, 'getSchema'>, what: string, schema: object): void {
  for (const [, id] of JSON.stringify(schema).matchAll(/"\$ref":"(\w+)#"/g)) {
    if (api.getSchema(id!) !== undefined) continue
    throw new Error(
      `${what} refers to ${id}, which no resource lists: add ${id}Schema to the components of its resource`,
    )
  }
}
