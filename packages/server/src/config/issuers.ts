/** The issuers of single sign-on (decision 56), as they are configured: a list of objects, in JSON. */
import { nearest } from '../base/nearest.ts'
import { isTenantId } from '../base/tenant-id.ts'
import { isLoopbackHost } from '../guard/target.ts'
import { Hidden } from './hidden.ts'
import type { Kind, Parsed } from './kinds.ts'

/** What a value of a claim gives to those who have it. */
export type Grant = {
  /** A claim by its name or, if it begins with `/`, the JSON Pointer (RFC 6901) of one within another. */
  readonly claim: string
  /** The claim is this text, or a list that contains it. */
  readonly value: string
  readonly scope: 'all' | 'read'
  /** The only tenant that it is for. Null: all tenants. */
  readonly tenant: string | null
  readonly payloads: boolean
}

export type IssuerSettings = {
  /** In paths, and in the audit log. */
  readonly id: string
  /** On the sign-in page. */
  readonly name: string
  /** The issuer identifier (OpenID Connect Discovery §3), exactly as the issuer writes it. */
  readonly issuer: string
  readonly clientId: string
  /** Null: a public client, which has PKCE alone. */
  readonly clientSecret: Hidden<string> | null
  /** How the secret is sent: in a header, which is what issuers expect unless they say otherwise, or in the body. */
  readonly clientAuthentication: (typeof AUTHENTICATIONS)[number]
  readonly scopes: readonly string[]
  /** The first that matches applies. */
  readonly grants: readonly Grant[]
  /** Whether sessions end when the ID token that they were started with expires. */
  readonly endsWithToken: boolean
}

/** An issuer as it is written in the file, with the same members. */
export type WrittenIssuer = {
  readonly id: string
  /** Default: the id. */
  readonly name?: string
  readonly issuer: string
  readonly clientId: string
  /** Default: none. */
  readonly clientSecret?: string | null
  /** Default: `basic`. */
  readonly clientAuthentication?: (typeof AUTHENTICATIONS)[number]
  /** Default: openid, profile and email. */
  readonly scopes?: readonly string[]
  readonly grants: readonly {
    readonly claim: string
    readonly value: string
    readonly scope: 'all' | 'read'
    /** Default: null. */
    readonly tenant?: string | null
    /** Default: true. */
    readonly payloads?: boolean
  }[]
  /** Default: false. */
  readonly endsWithToken?: boolean
}

const AUTHENTICATIONS = ['basic', 'post'] as const
const MAX_ISSUERS = 16
const MAX_GRANTS = 256
const MAX_SECRET_CHARACTERS = 4096
const DEFAULT_SCOPES = ['openid', 'profile', 'email']
const RULE =
  `a list of at most ${MAX_ISSUERS} issuers, in JSON, each an object with id, issuer, clientId and grants, and optionally ` +
  'name, clientSecret, clientAuthentication, scopes and endsWithToken (docs/single-sign-on.md)'

/** What is wrong, as the end of "must be …; ". */
class Fault extends Error {}

type Members = Readonly<Record<string, unknown>>

/** The whole list counts as secret, because it contains client secrets: no message shows a value in it. */
export function issuerList(): Kind<readonly IssuerSettings[], readonly WrittenIssuer[]> {
  return {
    shape: 'scalar',
    secret: true,
    placeholder: 'json',
    rule: RULE,
    parse(value, { asText }): Parsed<readonly IssuerSettings[]> {
      try {
        return { ok: true, value: readList(asText ? fromText(value) : value) }
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        return { ok: false, complaint: `must be ${RULE}; ${error.message} (values are secret and not shown)` }
      }
    },
    show: issuers => issuers.map(each => ({ ...each, clientSecret: each.clientSecret?.toJSON() ?? null })),
  }
}

function fromText(value: unknown): unknown {
  try {
    return JSON.parse(String(value))
  } catch {
    // The parser's own message quotes the text around the fault.
    throw new Fault('it is not valid JSON')
  }
}

function readList(value: unknown): readonly IssuerSettings[] {
  if (!Array.isArray(value)) throw new Fault('it is not an array')
  if (value.length > MAX_ISSUERS) throw new Fault(`it has ${value.length} issuers`)
  const issuers = value.map((each, at) => readIssuer(each, `issuer ${at + 1}`))
  const ids = issuers.map(({ id }) => id)
  const double = ids.find((id, at) => ids.indexOf(id) !== at)
  if (double !== undefined) throw new Fault('two issuers have the same id')
  return Object.freeze(issuers)
}

const ISSUER_MEMBERS = [
  'id',
  'name',
  'issuer',
  'clientId',
  'clientSecret',
  'clientAuthentication',
  'scopes',
  'grants',
  'endsWithToken',
]
const GRANT_MEMBERS = ['claim', 'value', 'scope', 'tenant', 'payloads']

function readIssuer(value: unknown, where: string): IssuerSettings {
  const given = membersOf(value, ISSUER_MEMBERS, where)
  const id = readText(given, 'id', where, /^[a-z][a-z0-9-]{0,31}$/, '1 to 32 lower-case letters, digits and hyphens')
  const { name = id } = given
  const secret = given.clientSecret ?? null
  if (secret !== null && (typeof secret !== 'string' || !isPlain(secret, MAX_SECRET_CHARACTERS))) {
    throw new Fault(`${where}: clientSecret must be 1 to ${MAX_SECRET_CHARACTERS} visible ASCII characters`)
  }
  const clientAuthentication = AUTHENTICATIONS.find(each => each === (given.clientAuthentication ?? 'basic'))
  if (clientAuthentication === undefined) throw new Fault(`${where}: clientAuthentication must be "basic" or "post"`)
  return Object.freeze({
    id,
    name: readText({ name }, 'name', where, /^[^\p{C}]{1,64}$/u, '1 to 64 characters'),
    issuer: readIssuerUrl(given.issuer, where),
    clientId: readText(given, 'clientId', where, /^[\x20-\x7e]{1,512}$/, '1 to 512 visible ASCII characters'),
    clientSecret: secret === null ? null : new Hidden(secret),
    clientAuthentication,
    scopes: readScopes(given.scopes ?? DEFAULT_SCOPES, where),
    grants: readGrants(given.grants, where),
    endsWithToken: readSwitch(given, 'endsWithToken', false, where),
  })
}

const isPlain = (text: string, max: number): boolean =>
  text.length > 0 && text.length <= max && /^[\x20-\x7e]+$/.test(text)

function readIssuerUrl(value: unknown, where: string): string {
  const url = typeof value === 'string' && /^https?:\/\/[^\s?#]+$/i.test(value) ? URL.parse(value) : null
  if (url === null || url.username !== '' || url.password !== '') {
    throw new Fault(`${where}: issuer must be an https:// URL without user, query and fragment`)
  }
  if (url.pathname.includes('/.well-known/')) {
    throw new Fault(`${where}: issuer must be the issuer itself: remove "/.well-known/…" from it`)
  }
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname.replace(/^\[|\]$/g, ''))) {
    throw new Fault(`${where}: issuer must be an https:// URL; http:// is only for this machine, with dev`)
  }
  return value as string
}

function readScopes(value: unknown, where: string): readonly string[] {
  const isList = Array.isArray(value) && value.length <= 32
  // RFC 6749 §3.3
  const areTokens = isList && value.every(each => typeof each === 'string' && /^[!#-[\]-~]{1,128}$/.test(each))
  if (!areTokens || !value.includes('openid')) {
    throw new Fault(`${where}: scopes must be a list of at most 32 scopes, with "openid" among them`)
  }
  return Object.freeze([...value])
}

function readGrants(value: unknown, where: string): readonly Grant[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_GRANTS) {
    throw new Fault(`${where}: grants must be a list of 1 to ${MAX_GRANTS} grants: without any, no one could sign in`)
  }
  return Object.freeze(value.map((each, at) => readGrant(each, `${where}, grant ${at + 1}`)))
}

function readGrant(value: unknown, where: string): Grant {
  const given = membersOf(value, GRANT_MEMBERS, where)
  const { scope, tenant = null } = given
  if (scope !== 'all' && scope !== 'read') throw new Fault(`${where}: scope must be "all" or "read"`)
  if (tenant !== null && (typeof tenant !== 'string' || !isTenantId(tenant))) {
    throw new Fault(`${where}: tenant must be the id of a tenant, or null for all tenants`)
  }
  return Object.freeze({
    claim: readText(given, 'claim', where, /^[^\p{C}]{1,256}$/u, 'the name of a claim, or a JSON Pointer'),
    value: readText(given, 'value', where, /^[^\p{C}]{1,512}$/u, 'a text of 1 to 512 characters'),
    scope,
    tenant: tenant as string | null,
    payloads: readSwitch(given, 'payloads', true, where),
  })
}

function membersOf(value: unknown, names: readonly string[], where: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Fault(`${where} is not an object`)
  for (const name of Object.keys(value)) {
    if (names.includes(name)) continue
    const near = nearest(name, names)
    // Not the name itself, if it is like none: it could be a value in the wrong place.
    throw new Fault(`${where} has an unknown member${near === undefined ? '' : `: did you mean ${near}?`}`)
  }
  return value as Members
}

function readText(given: Members, name: string, where: string, form: RegExp, rule: string): string {
  const value = given[name]
  if (typeof value === 'string' && form.test(value)) return value
  throw new Fault(`${where}: ${name} ${value === undefined ? 'is missing: it must' : 'must'} be ${rule}`)
}

function readSwitch(given: Members, name: string, byDefault: boolean, where: string): boolean {
  const value = given[name] ?? byDefault
  if (typeof value === 'boolean') return value
  throw new Fault(`${where}: ${name} must be true or false`)
}
