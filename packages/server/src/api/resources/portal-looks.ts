/** How the portals look, and what of it and of the event types anyone can see (decision 53). */

import { Buffer } from 'node:buffer'
import type { FastifyReply } from 'fastify'
import { type Static, Type } from 'typebox'
import { PosthornError } from '../../base/errors.ts'
import { LOGO_TYPES, PORTAL_PAGES, PORTAL_THEMES, type StoredLooks } from '../../base/portal.ts'
import { textOn } from '../../services/portal/contrast.ts'
import { MAX_LOGO_BYTES, TOO_LARGE } from '../../services/portal/logo/logo.ts'
import type { PortalLooksService } from '../../services/portal/portal-looks.ts'
import type { Routes } from '../http/routes.ts'
import {
  Gone,
  NoQuery,
  objectOrNull,
  ref,
  strict,
  TextOrNull,
  TimeOrNull,
  TypeParams,
  timeOrNull,
  Word,
} from '../http/shapes.ts'
import type { ApiOptions } from '../options.ts'
import { type Public, resource } from '../resource.ts'
import examples from './portal-looks.examples.json' with { type: 'json' }

const YEAR_SECONDS = 31_536_000
const JSON_TYPE = 'application/json; charset=utf-8'

const LogoMembers = {
  url: Type.String({ description: 'Path of the logo, which changes with its content.' }),
  type: Word(LOGO_TYPES),
  bytes: Type.Integer({ description: 'Its size.' }),
}

const HelpMembers = { label: Type.String(), url: Type.String({ format: 'uri' }) }

const LOOKS = {
  name: TextOrNull({ description: "The product's name, which the pages show. Null if they show only the tenant." }),
  accent: TextOrNull({ description: "Colour of links and buttons, as `#rrggbb`. Null for Posthorn's own." }),
  accentDark: TextOrNull({ description: 'The same on dark backgrounds. Null if `accent` is used there too.' }),
  theme: Word(PORTAL_THEMES, { description: 'For links without a `theme`: `system` lets the browser decide.' }),
  radius: Type.Integer({ description: 'Radius of corners in CSS pixels, from 0 to 24.' }),
  hiddenPages: Type.Array(Word(PORTAL_PAGES), {
    description: 'Pages that are left out. The API still has their data.',
  }),
  help: Type.Array(Type.Object(HelpMembers), { description: 'Links to pages of yours, at most 8.' }),
  publicTypes: Type.Boolean({ description: 'Whether anyone can read the event types, without a session.' }),
}

const PortalLooksSchema = Type.Object(
  {
    ...LOOKS,
    logo: objectOrNull(LogoMembers, 'The logo. Null if there is none.'),
    updatedAt: TimeOrNull('When the looks or the logo were changed. Null if they never were.'),
  },
  { $id: 'PortalLooks' },
)

const Accent = (description: string) =>
  objectOrNull(
    {
      colour: Type.String({ description: 'As `#rrggbb`.' }),
      text: Type.String({ description: 'Colour of text on it: `#ffffff` or `#000000`.' }),
    },
    description,
  )

const ShownLooksSchema = Type.Object(
  {
    name: LOOKS.name,
    accent: Accent("On light backgrounds. Null for Posthorn's own."),
    accentDark: Accent("On dark backgrounds. Null for Posthorn's own."),
    theme: LOOKS.theme,
    radius: LOOKS.radius,
    hiddenPages: LOOKS.hiddenPages,
    help: LOOKS.help,
    publicTypes: LOOKS.publicTypes,
    logo: TextOrNull({ description: 'Path of the logo. Null if there is none.' }),
  },
  { $id: 'ShownPortalLooks' },
)

const PublicTypeMembers = { name: Type.String(), group: Type.String(), description: Type.String() }
const PublicTypeSchema = Type.Object(
  {
    ...PublicTypeMembers,
    schema: Type.Unknown({ description: 'JSON Schema (2020-12) of payloads.' }),
    example: Type.Unknown({ description: 'A payload that satisfies the schema.' }),
  },
  { $id: 'PublicEventType' },
)

type LooksView = Static<typeof PortalLooksSchema>
type ShownView = Static<typeof ShownLooksSchema>

const LooksInput = strict({
  name: Type.Optional(TextOrNull({ description: "The product's name: 1 to 64 characters. Defaults to null." })),
  accent: Type.Optional(
    TextOrNull({
      description:
        'Colour of links and buttons, as `#rrggbb`. Text in it must have a contrast of 4.5:1 on light backgrounds (WCAG ' +
        '2.2) and, without `accentDark`, on dark ones. Defaults to null.',
    }),
  ),
  accentDark: Type.Optional(TextOrNull({ description: 'The same for dark backgrounds. Defaults to `accent`.' })),
  theme: Type.Optional(Word(PORTAL_THEMES, { description: 'For links without a `theme`. Defaults to `system`.' })),
  radius: Type.Optional(Type.Integer({ description: 'Radius of corners in CSS pixels, from 0 to 24. Defaults to 6.' })),
  hiddenPages: Type.Optional(
    Type.Array(Word(PORTAL_PAGES), { description: 'Pages to leave out, but not all. Defaults to none.' }),
  ),
  help: Type.Optional(
    Type.Array(strict({ label: Type.String({ description: '1 to 64 characters.' }), url: HelpMembers.url }), {
      description: 'Links to pages of yours, at most 8: `https://` URLs. Defaults to none.',
    }),
  ),
  publicTypes: Type.Optional(
    Type.Boolean({ description: 'Whether anyone can read the event types, without a session. Defaults to false.' }),
  ),
})

type Needs = { readonly portalLooks: Public<PortalLooksService> }

export const portalLooksResource = resource({
  tag: 'Portal looks',
  components: [PortalLooksSchema, ShownLooksSchema, PublicTypeSchema],
  examples,
  add(routes, { portalLooks }: Needs, options) {
    addLooks(routes, portalLooks, options)
    addLogo(routes, portalLooks, options)
    addShown(routes, portalLooks, options)
    addTypes(routes, portalLooks)
  },
})

type Looks = Needs['portalLooks']

function addLooks(routes: Routes, looks: Looks, { basePath }: ApiOptions): void {
  const response = { 200: { ...ref(PortalLooksSchema), description: 'The looks.' } }

  routes.get(
    '/v1/portal',
    {
      access: 'operator',
      operationId: 'getPortalLooks',
      summary: 'Get how the portals of all tenants look',
      querystring: NoQuery,
      response,
    },
    async () => view(await looks.get(), basePath),
  )

  routes.put(
    '/v1/portal',
    {
      access: 'operator',
      operationId: 'putPortalLooks',
      summary: 'Replace how the portals of all tenants look',
      description: 'Members that are left out get their defaults. The logo stays. All nodes show it within a second.',
      querystring: NoQuery,
      body: LooksInput,
      response,
    },
    async ({ body, actor }) => view(await looks.put(body, actor), basePath),
  )
}

function addLogo(routes: Routes, looks: Looks, { basePath }: ApiOptions): void {
  routes.put(
    '/v1/portal/logo',
    {
      access: 'operator',
      takesBytes: true,
      consumes: ['application/octet-stream'],
      maxBodyBytes: MAX_LOGO_BYTES,
      tooLarge: TOO_LARGE,
      operationId: 'putPortalLogo',
      summary: "Replace the portals' logo",
      description:
        'The body is the image: PNG, JPEG, WebP or SVG, at most 256 KiB and 4,096 pixels on a side. Its content decides ' +
        'which it is, not its type. An SVG can have shapes, text, gradients and the like, and nothing that runs or loads.',
      querystring: NoQuery,
      body: Type.Unsafe<Buffer>({ description: 'The image.' }),
      response: { 200: { ...ref(PortalLooksSchema), description: 'The looks, with the new logo.' } },
    },
    async ({ body, actor }) => {
      const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
      return view(await looks.putLogo(bytes, actor), basePath)
    },
  )

  routes.delete(
    '/v1/portal/logo',
    {
      access: 'operator',
      operationId: 'deletePortalLogo',
      summary: "Remove the portals' logo",
      querystring: NoQuery,
      response: { 204: Gone },
      refusals: ['not_found'],
    },
    async ({ actor }, reply) => {
      await looks.removeLogo(actor)
      return reply.code(204).send(undefined)
    },
  )
}

/** What a browser can do with the logo: show it as an image. Opened as a page, it runs and loads nothing. */
const LOGO_HEADERS = {
  'content-security-policy': "default-src 'none'; sandbox",
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
}

const ANYONE = 'Needs no API key and no session.'

function addShown(routes: Routes, looks: Looks, { basePath, portal }: ApiOptions): void {
  routes.get(
    '/v1/portal-looks',
    {
      access: 'portal-open',
      operationId: 'getShownPortalLooks',
      summary: 'Get what the pages of the portal show before there is a session',
      description: `The path is \`/portal/v1/portal-looks\`. ${ANYONE}`,
      querystring: NoQuery,
      response: { 200: { ...ref(ShownLooksSchema), description: 'The looks.' } },
      refusals: ['not_found'],
    },
    async () => readShownLooks(looks, { basePath }),
  )

  routes.get(
    '/portal/logo',
    {
      access: 'open',
      operationId: 'getPortalLogo',
      summary: "Get the portals' logo",
      description: `${ANYONE} The response has the logo's own type.`,
      querystring: strict({ v: Type.Optional(Type.String({ description: 'The content that is expected.' })) }),
      response: {
        200: {
          description: 'The logo.',
          content: Object.fromEntries(LOGO_TYPES.map(type => [type, { schema: Type.Unsafe<Buffer>({}) }])),
        },
        304: { type: 'null', description: 'The logo is the one of `If-None-Match`.' },
      },
      refusals: ['invalid', 'not_found', 'store_unavailable'],
    },
    async ({ query, headers }, reply) => {
      if (!portal) throw new PosthornError('not_found', NO_PORTAL)
      const logo = await looks.logo()
      reply.headers(LOGO_HEADERS)
      if (logo === null) throw new PosthornError('not_found', 'The portal has no logo.')
      const etag = `"${logo.hash}"`
      const isExpected = query.v === logo.hash
      reply.header('etag', etag)
      reply.header('cache-control', isExpected ? `public, max-age=${YEAR_SECONDS}, immutable` : 'no-cache')
      const known = headers['if-none-match']?.split(',').map(each => each.trim().replace(/^W\//, '')) ?? []
      if (known.includes(etag)) return reply.code(304).send(null)
      const { bytes, type } = logo
      reply.header('content-type', type)
      return reply.send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
    },
  )
}

function addTypes(routes: Routes, looks: Looks): void {
  routes.get(
    '/v1/public-event-types',
    {
      access: 'portal-open',
      operationId: 'listPublicEventTypes',
      summary: 'List the event types in use, if they are public',
      description: `The path is \`/portal/v1/public-event-types\`. ${ANYONE} \`publicTypes\` of the portal's looks decides. Posthorn's own types are not included.`,
      querystring: NoQuery,
      response: {
        200: Type.Unsafe<Buffer>({
          ...Type.Object({ data: Type.Array(Type.Object(PublicTypeMembers)) }),
          description: 'The event types, sorted by name.',
        }),
      },
      refusals: ['not_found'],
    },
    async (_request, reply) => sendJson(reply, await looks.listTypes()),
  )

  routes.get(
    '/v1/public-event-types/:name',
    {
      access: 'portal-open',
      operationId: 'getPublicEventType',
      summary: 'Get an event type, if they are public',
      description: `The path is \`/portal/v1/public-event-types/{name}\`. ${ANYONE}`,
      params: TypeParams,
      querystring: NoQuery,
      response: { 200: Type.Unsafe<Buffer>({ ...ref(PublicTypeSchema), description: 'The event type.' }) },
      refusals: ['not_found'],
    },
    async ({ params }, reply) => sendJson(reply, await looks.getType(params.name)),
  )
}

const sendJson = (reply: FastifyReply, bytes: Buffer) => reply.header('content-type', JSON_TYPE).send(bytes)

const NO_PORTAL = 'This server has no portal. Turn it on with the setting `portal`.'
const logoUrl = (basePath: string, hash: string) => `${basePath}portal/logo?v=${hash}`

function view({ looks, logo, updatedAtMs }: StoredLooks, basePath: string): LooksView {
  return {
    ...looks,
    hiddenPages: [...looks.hiddenPages],
    help: [...looks.help],
    logo: logo && { url: logoUrl(basePath, logo.hash), type: logo.type, bytes: logo.size },
    updatedAt: timeOrNull(updatedAtMs),
  }
}

/** What anyone can see, as `GET /portal/v1/portal-looks` returns it. */
export async function readShownLooks(
  service: Pick<Looks, 'shown'>,
  { basePath }: Pick<ApiOptions, 'basePath'>,
): Promise<ShownView> {
  const { looks, logo } = await service.shown()
  const { accent, accentDark, ...others } = looks
  const withText = (colour: string | null) => (colour === null ? null : { colour, text: textOn(colour) })
  return {
    ...others,
    hiddenPages: [...looks.hiddenPages],
    help: [...looks.help],
    accent: withText(accent),
    accentDark: withText(accentDark ?? accent),
    logo: logo && logoUrl(basePath, logo.hash),
  }
}
