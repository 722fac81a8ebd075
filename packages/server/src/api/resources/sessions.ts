import type { FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { API_KEY_SCOPES, type Session } from '../../base/callers.ts'
import { PosthornError } from '../../base/errors.ts'
import { PORTAL_PERMISSIONS } from '../../base/portal.ts'
import { nameOfPerson } from '../../services/sessions/person.ts'
import type { Sessions } from '../../services/sessions/sessions.ts'
import { type PersonSession, SignInRefused, type SingleSignOn } from '../../services/single-sign-on/single-sign-on.ts'
import type { SessionKey } from '../../store/operations/sessions.ts'
import { requireKey } from '../http/access.ts'
import { WrongCredentials } from '../http/gate.ts'
import { newestFirst, PageQuery } from '../http/lists.ts'
import { isLoopbackHost, readOrigin } from '../http/origins.ts'
import type { Routes } from '../http/routes.ts'
import { hasCookie, setCookie } from '../http/session-cookie.ts'
import {
  Gone,
  KeyParams,
  NoBody,
  NoQuery,
  objectOrNull,
  pageOf,
  ref,
  strict,
  TextOrNull,
  Time,
  time,
  Word,
} from '../http/shapes.ts'
import { redirectUriOf, sealedIn, setSealed } from '../http/single-sign-on.ts'
import type { ApiOptions } from '../options.ts'
import { type Public, resource } from '../resource.ts'
import examples from './sessions.examples.json' with { type: 'json' }

/** Room for the longest key. */
const MAX_BODY_BYTES = 16_384
const MAX_KEY_CHARACTERS = 4096
/** An authorisation code can be long. */
const MAX_RESPONSE_CHARACTERS = 8192
const LINK_TOKEN = /^phl_[A-Za-z0-9_-]{43}$/

const SessionSchema = Type.Object(
  {
    id: Type.String({ examples: ['ses_01jy4k8v3xf0c8wq2rn5s7t9ab'] }),
    apiKey: Type.Object(
      {
        id: TextOrNull({ description: 'Id of the API key. Null for the root key, and for a person.' }),
        name: TextOrNull({ description: 'Name of the API key, or of the person. Null for the root key.' }),
        scope: Word(API_KEY_SCOPES),
        tenant: TextOrNull({ description: 'The only tenant that the session can see. Null for all tenants.' }),
        payloads: Type.Boolean({ description: 'Whether the session sees payloads and what receivers responded.' }),
      },
      {
        description:
          'The API key that signed in. The session can do what the key can, and ends with it. If `person` is not null, ' +
          'there is no key, and this is what the person can do.',
      },
    ),
    person: objectOrNull(
      {
        issuer: Type.String({ description: "The issuer's id in the setting `singleSignOn`." }),
        subject: Type.String({ description: 'Who it is for the issuer (`sub`).' }),
        name: TextOrNull({ description: 'What the issuer says that they are called. Null if it does not say it.' }),
      },
      'Who signed in through single sign-on. Null for a session of an API key or a portal.',
    ),
    address: TextOrNull({ description: 'IP address that signed in. Null if it is unknown.' }),
    userAgent: TextOrNull({ description: 'What the browser called itself, up to 256 characters. Null if it did not.' }),
    createdAt: Time('When the session began.'),
    lastUsedAt: Time('When the session was last used, to within two minutes.'),
    idleUntil: Time('When the session ends unless it is used before.'),
    expiresAt: Time('When the session ends, however much it is used.'),
    portal: objectOrNull(
      {
        tenant: Type.String({ description: 'The tenant that it shows.' }),
        user: TextOrNull({ description: 'The user that the link names. Null if it names none.' }),
        may: Type.Array(Word(PORTAL_PERMISSIONS), { description: 'What the user can do.' }),
      },
      'Whose portal the session is of. Null for a session of the dashboard. `apiKey` is then the key that made the link.',
    ),
    isCurrent: Type.Boolean({ description: 'Whether this call was made with the session.' }),
  },
  { $id: 'Session' },
)

type SessionView = Static<typeof SessionSchema>

const SessionStateSchema = Type.Object(
  {
    session: Type.Union([ref(SessionSchema), Type.Null()], { description: 'The session. Null if there is none.' }),
    hasEnded: Type.Boolean({ description: 'Whether the browser has a session that has ended.' }),
  },
  { $id: 'SessionState' },
)

const SignInLinkSchema = Type.Object(
  {
    url: Type.String({ format: 'uri', description: 'The link. Only this response contains it.' }),
    expiresAt: Time('When the link stops working.'),
  },
  { $id: 'SignInLink' },
)

const SignInInput = strict({
  apiKey: Type.Optional(
    Type.String({ minLength: 1, maxLength: MAX_KEY_CHARACTERS, description: 'The API key to sign in with.' }),
  ),
  signInToken: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: MAX_KEY_CHARACTERS,
      description: "The token of a sign-in link, which is in the link's fragment. Instead of `apiKey`.",
    }),
  ),
  singleSignOn: Type.Optional(
    Type.Object(
      {
        issuer: Type.String({ maxLength: 32, description: "The issuer's id." }),
        response: Type.String({
          maxLength: MAX_RESPONSE_CHARACTERS,
          description: 'What the issuer sent the browser back with: the query of the page, without the question mark.',
        }),
      },
      {
        additionalProperties: false,
        description: 'The end of a sign-in that was begun with `POST /session/v1/single-sign-on`. Instead of `apiKey`.',
      },
    ),
  ),
})

const HERE = 'The path is `/session/v1/session`.'
const PAGE_HEADERS =
  'Needs the header `Posthorn-Session: 1` and, from the browser itself, `Sec-Fetch-Site: same-origin`.'

type Needs = { readonly sessions: Public<Sessions>; readonly singleSignOn: Public<SingleSignOn> }

export const sessionsResource = resource({
  tag: 'Sessions',
  components: [SessionSchema, SessionStateSchema, SignInLinkSchema],
  examples,
  add(routes, services: Needs, options) {
    addSigningIn(routes, services, options)
    addOwn(routes, services, options)
    addState(routes, services)
    addManaging(routes, services)
    addLinks(routes, services, options)
  },
})

function addSigningIn(routes: Routes, services: Needs, { basePath, publicUrl }: ApiOptions): void {
  const { sessions } = services
  routes.post(
    '/v1/session',
    {
      access: 'sign-in',
      operationId: 'signIn',
      summary: 'Sign in: exchange an API key, a sign-in link or the response of an issuer for a session',
      description:
        `${HERE} The response sets a cookie for the paths under \`/session/v1\`, which scripts cannot read. ` +
        `${PAGE_HEADERS} \`Origin\` must be \`https://\`, or \`http://\` on the same machine.`,
      maxBodyBytes: MAX_BODY_BYTES,
      querystring: NoQuery,
      body: SignInInput,
      response: { 201: { ...ref(SessionSchema), description: 'The new session.' } },
      refusals: ['insecure_origin', 'issuer_unavailable', 'not_found'],
    },
    async (request, reply) => {
      const origin = readOrigin(request.headers.origin)
      const { singleSignOn } = request.body
      if (singleSignOn !== undefined) {
        requireAlone(request.body)
        const { session, key, token, signOut } = await signInPerson(services, singleSignOn, publicUrl(), request)
        return reply
          .code(201)
          .header('set-cookie', [
            setCookie('session', token, basePath, origin),
            setSealed('signIn', null, basePath, origin),
            setSealed('signOut', signOut, basePath, origin),
          ])
          .send(viewSession(sessions, session, key, session.id))
      }
      const { session, key, token } = await signIn(sessions, request.body, request)
      return reply
        .code(201)
        .header('set-cookie', setCookie('session', token, basePath, origin))
        .send(viewSession(sessions, session, key, session.id))
    },
  )
}

const browserOf = (request: FastifyRequest) => ({
  address: request.clientAddress,
  userAgent: request.headers['user-agent'] ?? null,
})

function requireAlone({ apiKey, signInToken }: Static<typeof SignInInput>): void {
  if (apiKey !== undefined || signInToken !== undefined) throw ambiguous()
}

const ambiguous = () => new PosthornError('invalid', 'Send either `apiKey`, `signInToken` or `singleSignOn`.')

async function signInPerson(
  { singleSignOn }: Needs,
  { issuer, response }: NonNullable<Static<typeof SignInInput>['singleSignOn']>,
  url: string,
  request: FastifyRequest,
): Promise<PersonSession> {
  const sealed = sealedIn('signIn', request.headers.cookie)
  const given = { issuer, response, sealed, redirectUri: redirectUriOf(url, issuer) }
  try {
    return await singleSignOn.complete(given, browserOf(request))
  } catch (error) {
    if (error instanceof SignInRefused && error.isGuess) throw new WrongCredentials('unauthorized', error.message)
    throw error
  }
}

async function signIn(sessions: Needs['sessions'], body: Static<typeof SignInInput>, request: FastifyRequest) {
  const { apiKey, signInToken } = body
  const browser = browserOf(request)
  if (apiKey !== undefined && signInToken === undefined) {
    const started = await sessions.signIn(apiKey, browser)
    if (started === undefined) throw new WrongCredentials('unauthorized', 'The API key is not valid.')
    return started
  }
  if (apiKey !== undefined || signInToken === undefined) {
    throw ambiguous()
  }
  requireLocal(request, 'Sign-in links work')
  const started = LINK_TOKEN.test(signInToken) ? await sessions.redeem(signInToken, browser) : undefined
  const remedy = 'Sign in with an API key, or make another link.'
  if (started !== undefined) return started
  throw new WrongCredentials('unauthorized', `The sign-in link was used already, or has expired. ${remedy}`)
}

/** Throws `forbidden` unless both the caller and the page that it has open are on this machine. */
function requireLocal(request: FastifyRequest, what: string): void {
  const { origin } = request.headers
  const isLocalPage = origin === undefined || readOrigin(origin).isLoopback
  if (request.isLocal && isLocalPage) return
  throw new PosthornError('forbidden', `${what} only on the machine that Posthorn runs on. Use an API key.`)
}

function addOwn(routes: Routes, { sessions }: Needs, { basePath }: ApiOptions): void {
  routes.get(
    '/v1/session',
    {
      access: 'session',
      operationId: 'getSession',
      summary: 'Get the session that the call is made with',
      description: `${HERE} ${PAGE_HEADERS}`,
      querystring: NoQuery,
      response: { 200: { ...ref(SessionSchema), description: 'The session.' } },
      refusals: ['not_found'],
    },
    async ({ caller }) => {
      const { id } = caller!.session!
      const live = sessions.get(id)
      // It ended since the call arrived.
      if (live === undefined) throw new PosthornError('session_ended', 'Your session has ended. Sign in again.')
      return viewSession(sessions, live.session, live.key, id)
    },
  )

  routes.delete(
    '/v1/session',
    {
      access: 'session',
      operationId: 'signOut',
      summary: 'Sign out: end the session that the call is made with',
      description: `${HERE} ${PAGE_HEADERS}`,
      querystring: NoQuery,
      response: { 204: Gone },
      refusals: ['not_found'],
    },
    async ({ caller, actor, headers: { origin } }, reply) => {
      await sessions.end(caller!.session!.id, actor)
      return reply
        .code(204)
        .header('set-cookie', setCookie('session', null, basePath, readOrigin(origin)))
        .send(undefined)
    },
  )
}

/** The pages ask before anyone has signed in, and a browser reports every refusal as an error on its console. */
function addState(routes: Routes, { sessions }: Needs): void {
  routes.get(
    '/v1/session-state',
    {
      access: 'visitor',
      operationId: 'getSessionState',
      summary: 'Ask whether the browser has a session',
      description: `The path is \`/session/v1/session-state\`. Having no session is no error here. ${PAGE_HEADERS}`,
      querystring: NoQuery,
      response: { 200: { ...ref(SessionStateSchema), description: 'The session, or that there is none.' } },
      refusals: ['not_found'],
    },
    async ({ caller, headers: { cookie } }) => {
      const live = caller?.session === undefined ? undefined : sessions.get(caller.session.id)
      if (live === undefined) return { session: null, hasEnded: hasCookie('session', cookie) }
      return { session: viewSession(sessions, live.session, live.key, live.session.id), hasEnded: false }
    },
  )
}

function addManaging(routes: Routes, { sessions }: Needs): void {
  routes.get(
    '/v1/sessions',
    {
      access: 'operator',
      operationId: 'listSessions',
      summary: 'List the sessions of the dashboard and of portals, newest first',
      description: 'Without sessions that have ended, or whose API key or issuer has.',
      querystring: strict({
        portal: Type.Optional(Type.String({ description: "Only the sessions of this tenant's portal." })),
        ...PageQuery,
      }),
      response: { 200: pageOf(SessionSchema, 'A page of sessions.') },
    },
    async ({ query, caller }) => {
      const pager = newestFirst('ses', query)
      const found = await sessions.list({ ...pager.place, limit: pager.count }, query.portal ?? null)
      const current = caller?.session?.id
      return pager.page(
        found,
        ({ session }) => session.id,
        ({ session, key }) => viewSession(sessions, session, key, current),
      )
    },
  )

  routes.delete(
    '/v1/sessions/:id',
    {
      access: 'operator',
      operationId: 'revokeSession',
      summary: 'End a session',
      description: 'All nodes refuse it within a second.',
      params: KeyParams,
      querystring: NoQuery,
      response: { 204: Gone },
      refusals: ['not_found'],
    },
    async ({ params: { id }, actor }, reply) => {
      await sessions.end(id, actor)
      return reply.code(204).send(undefined)
    },
  )
}

function addLinks(routes: Routes, { sessions }: Needs, { publicUrl }: ApiOptions): void {
  routes.post(
    '/v1/sign-in-links',
    {
      access: 'operator',
      operationId: 'createSignInLink',
      summary: 'Create a link that signs in to the dashboard with the API key of the call',
      description:
        'The link works once, for ten minutes, in a browser on the machine that Posthorn runs on. It can be created only ' +
        'there, with an API key, and only if `publicUrl` is not set or is an address of that machine.',
      querystring: NoQuery,
      body: NoBody,
      response: { 201: { ...ref(SignInLinkSchema), description: 'The link.' } },
      refusals: ['conflict'],
    },
    async (request, reply) => {
      requireKey(request.caller, 'create sign-in links')
      const { key, session } = request.caller!
      if (session !== undefined) {
        throw new PosthornError('forbidden', 'A session cannot create sign-in links. Use an API key.')
      }
      requireLocal(request, 'Sign-in links can be created')
      const base = publicUrl()
      if (!isLoopbackHost(new URL(base).hostname)) throw elsewhere()
      const { token, expiresAtMs } = await sessions.makeLink(key)
      const view = { url: `${base}sign-in#token=${token}`, expiresAt: time(expiresAtMs) }
      return reply.code(201).header('cache-control', 'no-store').send(view)
    },
  )
}

function elsewhere(): PosthornError {
  const detail =
    'Sign-in links work only on the machine that Posthorn runs on, and `publicUrl` is not an address of it.'
  return new PosthornError('conflict', `${detail} Sign in with an API key.`)
}

/** What the list knows of a person's session has no key: it is in the person. */
const ofPerson = ({ person, tenant }: Session) =>
  person === null
    ? ROOT
    : { id: null, name: nameOfPerson(person), scope: person.scope, tenant, payloads: person.payloads }

const ROOT = { id: null, name: null, scope: 'all', tenant: null, payloads: true } as const

function viewSession(
  sessions: Pick<Sessions, 'idleUntilMs'>,
  session: Session,
  key: SessionKey | null,
  current: string | undefined,
): SessionView {
  const { id, tenant, portal, person, address, userAgent, createdAtMs, usedAtMs, expiresAtMs } = session
  return {
    id,
    apiKey:
      key === null || person !== null
        ? ofPerson(session)
        : { id: key.id, name: key.name, scope: key.scope, tenant: key.tenant, payloads: key.payloads },
    address,
    userAgent,
    createdAt: time(createdAtMs),
    lastUsedAt: time(usedAtMs),
    idleUntil: time(sessions.idleUntilMs(session)),
    expiresAt: time(expiresAtMs),
    portal: portal === null ? null : { tenant: tenant!, user: portal.user, may: [...portal.may] },
    person: person === null ? null : { issuer: person.issuer, subject: person.subject, name: person.name },
    isCurrent: id === current,
  }
}
