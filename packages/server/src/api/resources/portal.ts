/** The portal of a tenant: links to it, and the sessions of those who came by one (decision 52). */
import { type Static, Type } from 'typebox'
import type { Session } from '../../base/callers.ts'
import { PosthornError } from '../../base/errors.ts'
import { PORTAL_LANGUAGES, PORTAL_PERMISSIONS, PORTAL_THEMES, type PortalLink } from '../../base/portal.ts'
import type { PortalLinks } from '../../services/portal/portal-links.ts'
import type { Sessions } from '../../services/sessions/sessions.ts'
import type { Tenants } from '../../services/tenants/tenants.ts'
import { requireKey, requirePayloads } from '../http/access.ts'
import { WrongCredentials } from '../http/gate.ts'
import { newestFirst, PageQuery } from '../http/lists.ts'
import { readOrigin } from '../http/origins.ts'
import type { Routes } from '../http/routes.ts'
import { hasCookie, setCookie } from '../http/session-cookie.ts'
import {
  Gone,
  NoQuery,
  pageOf,
  ref,
  strict,
  TenantParams,
  TextOrNull,
  Time,
  time,
  Word,
  WordOrNull,
} from '../http/shapes.ts'
import type { ApiOptions } from '../options.ts'
import { type Public, resource } from '../resource.ts'
import examples from './portal.examples.json' with { type: 'json' }

/** Room for the longest token. */
const MAX_BODY_BYTES = 16_384
const MAX_TOKEN_CHARACTERS = 4_096
const LINK_TOKEN = /^ppl_[A-Za-z0-9_-]{43}$/

const MAY =
  '`look` at endpoints, deliveries and events, see their `payloads`, `retry` and replay deliveries, `test` endpoints, ' +
  'manage `endpoints`, manage `secrets`'
const Permissions = (description: string) => Type.Array(Word(PORTAL_PERMISSIONS), { description })

/** What a link gives, as it is shown. */
const GIVEN = {
  user: TextOrNull({ description: 'Who the link is for, as you name them. The audit log shows it.' }),
  may: Permissions(`What the portal's user can do: ${MAY}. All of them include \`look\`.`),
  theme: WordOrNull(PORTAL_THEMES, { description: "Null: as the user's browser prefers." }),
  language: WordOrNull(PORTAL_LANGUAGES, { description: "Null: as the user's browser prefers." }),
  returnUrl: TextOrNull({ description: 'Where the portal leads back to. Null: nowhere.' }),
}

const PortalLinkSchema = Type.Object(
  {
    id: Type.String({ examples: ['pln_01jy4k8v3xf0c8wq2rn5s7t9ab'] }),
    tenant: Type.String({ description: 'The only tenant that the link shows.' }),
    ...GIVEN,
    usesLeft: Type.Integer({ description: 'How often the link can still be used.' }),
    sessionMinutes: Type.Integer({ description: 'How long each of its sessions lasts, in minutes.' }),
    createdAt: Time('When the link was created.'),
    expiresAt: Time('When the link stops working. Sessions that it has started go on.'),
  },
  { $id: 'PortalLink' },
)

const NewPortalLinkSchema = Type.Object(
  {
    ...PortalLinkSchema.properties,
    url: Type.String({ format: 'uri', description: 'The link. Only this response contains it.' }),
  },
  { $id: 'NewPortalLink' },
)

type PortalLinkView = Static<typeof PortalLinkSchema>

const PortalSessionSchema = Type.Object(
  {
    id: Type.String({ examples: ['ses_01jy4k8v3xf0c8wq2rn5s7t9ab'] }),
    tenant: Type.Object({ id: Type.String(), name: TextOrNull() }, { description: 'The tenant that it shows.' }),
    ...GIVEN,
    createdAt: Time('When the session began.'),
    idleUntil: Time('When the session ends unless it is used before.'),
    expiresAt: Time('When the session ends, however much it is used.'),
  },
  { $id: 'PortalSession' },
)

const NewPortalSessionSchema = Type.Object(
  {
    ...PortalSessionSchema.properties,
    token: TextOrNull({
      description: 'The token to send as `Authorization: Bearer <token>`. Null if it is in the cookie.',
    }),
  },
  { $id: 'NewPortalSession' },
)

const PortalSessionStateSchema = Type.Object(
  {
    session: Type.Union([ref(PortalSessionSchema), Type.Null()], {
      description: 'The session. Null if there is none.',
    }),
    hasEnded: Type.Boolean({ description: 'Whether the browser, or the frame, has a session that has ended.' }),
  },
  { $id: 'PortalSessionState' },
)

type PortalSessionView = Static<typeof PortalSessionSchema>

const LinkInput = strict({
  user: Type.Optional(
    TextOrNull({ description: 'Who the link is for, by your own name or id for them: 1 to 256 characters.' }),
  ),
  may: Type.Optional(
    Permissions(
      `What the user can do: ${MAY}. All of them include \`look\`. Defaults to the tenant's \`portalMay\`, or to the ` +
        'setting of the same name. A link of an API key without the permission `payloads` never has `payloads`.',
    ),
  ),
  theme: Type.Optional(WordOrNull(PORTAL_THEMES, { description: "Defaults to what the user's browser prefers." })),
  language: Type.Optional(
    WordOrNull(PORTAL_LANGUAGES, { description: "Defaults to what the user's browser prefers." }),
  ),
  returnUrl: Type.Optional(
    TextOrNull({
      description:
        'Where the portal leads back to: an `https://` URL. In development mode also `http://` on this machine.',
    }),
  ),
  uses: Type.Optional(Type.Integer({ description: 'How often the link works, from 1 to 100. Defaults to 1.' })),
  minutes: Type.Optional(
    Type.Integer({ description: 'How long the link works, in minutes: at most 10,080, seven days. Defaults to 10.' }),
  ),
  sessionMinutes: Type.Optional(
    Type.Integer({
      description:
        'How long each of its sessions lasts, in minutes: at most `sessionDays`. Defaults to 480, eight hours.',
    }),
  ),
})

const PLACES = ['cookie', 'memory'] as const

const RedeemInput = strict({
  token: Type.String({
    minLength: 1,
    maxLength: MAX_TOKEN_CHARACTERS,
    description: "The link's token, which is in its fragment.",
  }),
  keep: Type.Optional(
    Word(PLACES, {
      description:
        'Where the session is kept: in a `cookie`, which scripts cannot read, or in the `memory` of the page, for frames ' +
        'on other sites, in which browsers keep no cookie. Defaults to `cookie`.',
    }),
  ),
})

const LinkParams = strict({ tenant: Type.String(), id: Type.String() })
const HERE = 'The path is `/portal/v1/portal-session`.'
const PAGE_HEADERS =
  'Needs the header `Posthorn-Session: 1` and, from the browser itself, `Sec-Fetch-Site: same-origin`.'

type Needs = {
  readonly portalLinks: Public<PortalLinks>
  readonly sessions: Public<Sessions>
  readonly tenants: Public<Tenants>
}

export const portalResource = resource({
  tag: 'Portal',
  components: [
    PortalLinkSchema,
    NewPortalLinkSchema,
    PortalSessionSchema,
    NewPortalSessionSchema,
    PortalSessionStateSchema,
  ],
  examples,
  add(routes, services: Needs, options) {
    addLinks(routes, services, options)
    addRedeeming(routes, services, options)
    addOwn(routes, services, options)
    addState(routes, services)
  },
})

function addLinks(routes: Routes, { portalLinks }: Needs, { portalUrl }: ApiOptions): void {
  routes.post(
    '/v1/tenants/:tenant/portal-links',
    {
      access: 'write',
      operationId: 'createPortalLink',
      summary: "Create a link to a tenant's portal",
      description: "Send the browser of one of the tenant's people there, or mount it in a frame.",
      params: TenantParams,
      querystring: NoQuery,
      body: LinkInput,
      response: { 201: { ...ref(NewPortalLinkSchema), description: 'The link.' } },
      refusals: ['not_found'],
    },
    async ({ params: { tenant }, body, caller, actor }, reply) => {
      requireKey(caller, 'create portal links')
      if (body.may?.includes('payloads')) requirePayloads(caller, 'create a link that has it')
      const { link, token } = await portalLinks.create(tenant, body, caller!.key, actor)
      const view = { ...viewLink(link), url: `${portalUrl()}portal/#${fragmentOf(link, token)}` }
      return reply.code(201).header('cache-control', 'no-store').send(view)
    },
  )

  routes.get(
    '/v1/tenants/:tenant/portal-links',
    {
      access: 'read',
      operationId: 'listPortalLinks',
      summary: "List the links to a tenant's portal that still work, newest first",
      params: TenantParams,
      querystring: strict(PageQuery),
      response: { 200: pageOf(PortalLinkSchema, 'A page of links.') },
      refusals: ['not_found'],
    },
    async ({ params: { tenant }, query }) => {
      const pager = newestFirst('pln', query)
      const found = await portalLinks.list(tenant, { ...pager.place, limit: pager.count })
      return pager.page(found, ({ id }) => id, viewLink)
    },
  )

  routes.delete(
    '/v1/tenants/:tenant/portal-links/:id',
    {
      access: 'write',
      operationId: 'revokePortalLink',
      summary: 'Revoke a link, and end the sessions that it has started',
      description: 'All nodes refuse them within a second.',
      params: LinkParams,
      querystring: NoQuery,
      response: { 204: Gone },
      refusals: ['not_found'],
    },
    async ({ params: { tenant, id }, actor }, reply) => {
      await portalLinks.revoke(tenant, id, actor)
      return reply.code(204).send(undefined)
    },
  )
}

/** The page says what it says before it has a session, and what it says of a link that doesn't work, as the link asks. */
function fragmentOf({ portal: { language, theme } }: PortalLink, token: string): string {
  return String(new URLSearchParams({ token, ...(language && { language }), ...(theme && { theme }) }))
}

function addRedeeming(routes: Routes, services: Needs, { basePath }: ApiOptions): void {
  routes.post(
    '/v1/portal-session',
    {
      access: 'portal-sign-in',
      operationId: 'redeemPortalLink',
      summary: "Exchange a link's token for a session of the portal",
      description: `${HERE} ${PAGE_HEADERS} \`Origin\` must be \`https://\`, or \`http://\` on the same machine.`,
      maxBodyBytes: MAX_BODY_BYTES,
      querystring: NoQuery,
      body: RedeemInput,
      response: { 201: { ...ref(NewPortalSessionSchema), description: 'The new session.' } },
      refusals: ['insecure_origin', 'not_found'],
    },
    async (request, reply) => {
      const origin = readOrigin(request.headers.origin)
      const { token: linkToken, keep = 'cookie' } = request.body
      const browser = { address: request.clientAddress, userAgent: request.headers['user-agent'] ?? null }
      const started = LINK_TOKEN.test(linkToken) ? await services.portalLinks.redeem(linkToken, browser) : undefined
      // The same for a link that never was: it says nothing about whether it ever was good.
      if (started === undefined) throw new WrongCredentials('unauthorized', NO_LONGER)
      const { session, token } = started
      if (keep === 'cookie') reply.header('set-cookie', setCookie('portal', token, basePath, origin))
      const view = await viewSession(services, session)
      return reply.code(201).send({ ...view, token: keep === 'memory' ? token : null })
    },
  )
}

const NO_LONGER = 'This link does not work, or no longer. Ask for a new one where you got it.'

function addOwn(routes: Routes, services: Needs, { basePath }: ApiOptions): void {
  routes.get(
    '/v1/portal-session',
    {
      access: 'portal',
      operationId: 'getPortalSession',
      summary: 'Get the session of the portal that the call is made with',
      description: HERE,
      querystring: NoQuery,
      response: { 200: { ...ref(PortalSessionSchema), description: 'The session.' } },
      refusals: ['not_found'],
    },
    async ({ caller }) => {
      const live = services.sessions.get(caller!.session!.id)
      // It ended since the call arrived.
      if (live === undefined) throw new PosthornError('session_ended', NO_LONGER)
      return viewSession(services, live.session)
    },
  )

  routes.delete(
    '/v1/portal-session',
    {
      access: 'portal',
      operationId: 'leavePortal',
      summary: 'End the session of the portal that the call is made with',
      description: HERE,
      querystring: NoQuery,
      response: { 204: Gone },
      refusals: ['not_found'],
    },
    async ({ caller, actor, headers: { origin } }, reply) => {
      await services.sessions.end(caller!.session!.id, actor)
      return reply
        .code(204)
        .header('set-cookie', setCookie('portal', null, basePath, readOrigin(origin)))
        .send(undefined)
    },
  )
}

/** As for the dashboard's pages: they ask before there is a session, which is no error on a browser's console. */
function addState(routes: Routes, services: Needs): void {
  routes.get(
    '/v1/portal-session-state',
    {
      access: 'portal-visitor',
      operationId: 'getPortalSessionState',
      summary: 'Ask whether there is a session of the portal',
      description: `The path is \`/portal/v1/portal-session-state\`. Having no session is no error here. ${PAGE_HEADERS}`,
      querystring: NoQuery,
      response: { 200: { ...ref(PortalSessionStateSchema), description: 'The session, or that there is none.' } },
      refusals: ['not_found'],
    },
    async ({ caller, headers: { authorization, cookie } }) => {
      const live = caller?.session === undefined ? undefined : services.sessions.get(caller.session.id)
      if (live !== undefined) return { session: await viewSession(services, live.session), hasEnded: false }
      return { session: null, hasEnded: authorization !== undefined || hasCookie('portal', cookie) }
    },
  )
}

function viewLink({ id, tenant, portal, usesLeft, sessionMs, createdAtMs, expiresAtMs }: PortalLink): PortalLinkView {
  return {
    id,
    tenant,
    ...portal,
    may: [...portal.may],
    usesLeft,
    sessionMinutes: sessionMs / 60_000,
    createdAt: time(createdAtMs),
    expiresAt: time(expiresAtMs),
  }
}

async function viewSession({ sessions, tenants }: Needs, session: Session): Promise<PortalSessionView> {
  const { id, name } = await tenants.get(session.tenant!)
  const portal = session.portal!
  return {
    id: session.id,
    tenant: { id, name },
    ...portal,
    may: [...portal.may],
    createdAt: time(session.createdAtMs),
    idleUntil: time(sessions.idleUntilMs(session)),
    expiresAt: time(session.expiresAtMs),
  }
}
