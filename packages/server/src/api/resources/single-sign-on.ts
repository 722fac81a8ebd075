/** Single sign-on (decision 56): which issuers there are, and where a sign-in begins and ends. */
import { Type } from 'typebox'
import { PosthornError } from '../../base/errors.ts'
import type { Sessions } from '../../services/sessions/sessions.ts'
import { SIGN_IN_MS, type SingleSignOn } from '../../services/single-sign-on/single-sign-on.ts'
import { readOrigin } from '../http/origins.ts'
import type { Routes } from '../http/routes.ts'
import { setCookie } from '../http/session-cookie.ts'
import { NoBody, NoQuery, ref, strict, TextOrNull } from '../http/shapes.ts'
import { redirectUriOf, sealedIn, setSealed } from '../http/single-sign-on.ts'
import type { ApiOptions } from '../options.ts'
import { type Public, resource } from '../resource.ts'
import examples from './single-sign-on.examples.json' with { type: 'json' }

const MAX_BODY_BYTES = 1_024

const SignInOptionsSchema = Type.Object(
  {
    issuers: Type.Array(
      Type.Object({
        id: Type.String({ description: 'Id of the issuer.' }),
        name: Type.String({ description: 'What the sign-in page calls it.' }),
        isAvailable: Type.Boolean({ description: 'Whether it responds, or did so a few seconds ago.' }),
      }),
      { description: 'The issuers that people can sign in through, in the order of the setting `singleSignOn`.' },
    ),
  },
  { $id: 'SignInOptions' },
)

const BegunSignInSchema = Type.Object(
  { url: Type.String({ format: 'uri', description: "The issuer's page, which the browser has to open." }) },
  { $id: 'BegunSignIn' },
)

const SignedOutSchema = Type.Object(
  {
    url: TextOrNull({
      description:
        "The issuer's own sign-out, which the browser has to open to end the session there too. Null for a session " +
        'that did not begin at an issuer, or if the issuer has no such page or does not respond.',
    }),
  },
  { $id: 'SignedOut' },
)

const PAGE_HEADERS =
  'Needs the header `Posthorn-Session: 1` and, from the browser itself, `Sec-Fetch-Site: same-origin`.'

type Needs = { readonly sessions: Public<Sessions>; readonly singleSignOn: Public<SingleSignOn> }

export const singleSignOnResource = resource({
  tag: 'Sessions',
  components: [SignInOptionsSchema, BegunSignInSchema, SignedOutSchema],
  examples,
  add(routes, services: Needs, options) {
    addBeginning(routes, services, options)
    addSignOut(routes, services, options)
  },
})

function addBeginning(routes: Routes, { singleSignOn }: Needs, { basePath, publicUrl }: ApiOptions): void {
  routes.get(
    '/v1/sign-in-options',
    {
      access: 'sign-in',
      operationId: 'listSignInOptions',
      summary: 'List the issuers that people can sign in through',
      description: `The path is \`/session/v1/sign-in-options\`. API keys can always sign in. ${PAGE_HEADERS}`,
      querystring: NoQuery,
      response: { 200: { ...ref(SignInOptionsSchema), description: 'The issuers.' } },
      refusals: ['insecure_origin', 'not_found'],
    },
    async () => ({ issuers: await singleSignOn.options() }),
  )

  routes.post(
    '/v1/single-sign-on',
    {
      access: 'sign-in',
      operationId: 'beginSingleSignOn',
      summary: 'Begin to sign in through an issuer',
      description:
        'The path is `/session/v1/single-sign-on`. The response sets a cookie that ties the sign-in to the browser for ' +
        'ten minutes. The issuer leads back to the page `sign-in/{issuer}` below `publicUrl`, which ends the sign-in ' +
        `with \`POST /session/v1/session\`. ${PAGE_HEADERS}`,
      maxBodyBytes: MAX_BODY_BYTES,
      querystring: NoQuery,
      body: strict({ issuer: Type.String({ minLength: 1, maxLength: 32, description: "The issuer's id." }) }),
      response: { 201: { ...ref(BegunSignInSchema), description: 'Where to go.' } },
      refusals: ['insecure_origin', 'issuer_unavailable', 'not_found'],
    },
    async ({ body: { issuer }, headers }, reply) => {
      const origin = readOrigin(headers.origin)
      requireOwnOrigin(headers.origin, publicUrl())
      const { url, sealed } = await singleSignOn.begin(issuer, redirectUriOf(publicUrl(), issuer))
      return reply
        .code(201)
        .header('set-cookie', setSealed('signIn', sealed, basePath, origin, SIGN_IN_MS / 1000))
        .send({ url })
    },
  )
}

/** The issuer leads back to `publicUrl`: a browser that is elsewhere would have no cookie there. */
function requireOwnOrigin(origin: string | undefined, publicUrl: string): void {
  if (origin === new URL(publicUrl).origin) return
  const detail = `Single sign-on works only from ${publicUrl}, where issuers lead back to. Open the dashboard there.`
  throw new PosthornError('forbidden', detail)
}

function addSignOut(routes: Routes, { sessions, singleSignOn }: Needs, { basePath, publicUrl }: ApiOptions): void {
  routes.post(
    '/v1/single-sign-on/sign-out',
    {
      access: 'session',
      operationId: 'signOutEverywhere',
      summary: 'Sign out here, and get the page that signs out at the issuer',
      description: `The path is \`/session/v1/single-sign-on/sign-out\`. ${PAGE_HEADERS}`,
      querystring: NoQuery,
      body: NoBody,
      response: { 200: { ...ref(SignedOutSchema), description: 'The session has ended.' } },
      refusals: ['not_found'],
    },
    async ({ caller, actor, headers: { origin, cookie } }, reply) => {
      const { id } = caller!.session!
      const live = sessions.get(id)
      await sessions.end(id, actor)
      const sealed = sealedIn('signOut', cookie)
      const url =
        live === undefined ? null : await singleSignOn.signOutUrl(live.session, sealed, `${publicUrl()}sign-in`)
      const from = readOrigin(origin)
      return reply
        .header('set-cookie', [setCookie('session', null, basePath, from), setSealed('signOut', null, basePath, from)])
        .send({ url })
    },
  )
}
