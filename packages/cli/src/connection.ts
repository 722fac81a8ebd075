/** Which server a command calls, with which key, and for which tenant. */
import type { ClientOptions, Connection, Posthorn } from '@posthorn/client'
import { EXIT } from './exit.ts'
import { requireName } from './names.ts'
import { Problem } from './problem.ts'
import { type Profile, type Profiles, readProfiles } from './profiles.ts'
import type { Environment, Terminal } from './terminal/terminal.ts'

export type ConnectionFlags = {
  readonly url?: string
  readonly profile?: string
  readonly tenant?: string
}

/** What flags, environment and profiles say. */
export type Target = {
  readonly url: string
  /** Undefined if there is none, and none is needed. */
  readonly apiKey: string | undefined
  /** Where the key comes from, as sentences name it. */
  readonly keySource: string
  /** Null if none is given. */
  readonly tenant: string | null
}

export type Connected = Omit<Target, 'apiKey'> & {
  readonly posthorn: Posthorn
  /** For calls whose response is needed as it is. */
  readonly connection: Connection
}

/** A person waits for the command: enough for a dropped connection, not for a server that isn't there. */
const MAX_RETRIES = 1

/**
 * Chooses the server, the key and the tenant, and makes a client of them. Calls nothing.
 *
 * Flags come first, then POSTHORN_URL, POSTHORN_API_KEY and POSTHORN_TENANT, then the profile in use. `--profile` is a
 * flag: what the profile has comes before the environment. A profile's key is only ever sent to the profile's server.
 *
 * @throws Problem if the server or the key is missing, or can't be used
 */
export async function connect(
  flags: ConnectionFlags,
  terminal: Pick<Terminal, 'env'>,
  { needsKey = true }: { readonly needsKey?: boolean } = {},
): Promise<Connected> {
  const { apiKey, ...target } = chooseTarget(flags, terminal.env, needsKey)
  const access = { url: target.url, apiKey }
  const posthorn = await clientOf(access, target.keySource)
  const { Connection } = await import('@posthorn/client')
  return { ...target, posthorn, connection: new Connection(await optionsOf(access)) }
}

type Access = { readonly url: string; readonly apiKey: string | undefined }

async function optionsOf({ url, apiKey }: Access): Promise<ClientOptions> {
  const { VERSION } = await import('@posthorn/client')
  return { url, apiKey, headers: { 'user-agent': `posthorn-cli/${VERSION}` }, maxRetries: MAX_RETRIES }
}

/** Throws Problem if the URL or the key can't be used. */
export async function clientOf(access: Access, keySource: string): Promise<Posthorn> {
  const { Posthorn } = await import('@posthorn/client')
  try {
    return new Posthorn(await optionsOf(access))
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const isKey = error.message.startsWith('The API key')
    const sentence = isKey ? `${keySource}: ${error.message}` : `The server's ${error.message.replaceAll('`', '')}`
    throw new Problem(sentence, EXIT.usage, { cause: error })
  }
}

/** The tenant, which the command needs. */
export function needTenant(tenant: string | null): string {
  if (tenant !== null) return tenant
  throw new Problem('No tenant is chosen. Use --tenant, or set POSTHORN_TENANT.', EXIT.usage)
}

/** Throws Problem. */
export function chooseTarget(flags: ConnectionFlags, env: Environment, needsKey: boolean): Target {
  const profiles = readProfiles(env)
  const given = flags.profile === undefined ? null : profileNamed(flags.profile, profiles)
  const inUse = given ?? named(profiles.current, profiles)
  const url = flags.url ?? given?.profile.url ?? nonEmpty(env.POSTHORN_URL) ?? inUse?.profile.url
  if (url === undefined) {
    const isKnown = Object.keys(profiles.byName).length > 0
    const how = isKnown ? 'posthorn profiles use PROFILE' : 'posthorn login --url https://posthorn.example'
    throw new Problem(`No server is chosen. Run: ${how}, or set POSTHORN_URL and POSTHORN_API_KEY.`, EXIT.usage)
  }
  const matching = matchingProfile(url, given, inUse, profiles)
  const fromProfile = matching && { apiKey: matching.profile.apiKey, keySource: `profile ${matching.name}` }
  const inEnvironment = nonEmpty(env.POSTHORN_API_KEY)
  const fromEnvironment =
    inEnvironment === undefined ? undefined : { apiKey: inEnvironment, keySource: 'POSTHORN_API_KEY' }
  const key = given === null ? (fromEnvironment ?? fromProfile) : (fromProfile ?? fromEnvironment)
  if (key === undefined && needsKey) {
    const shown = withoutPassword(url)
    throw new Problem(
      `There is no API key for ${shown}. Run: posthorn login --url ${shown}, or set POSTHORN_API_KEY.`,
      EXIT.usage,
    )
  }
  const tenantOfProfile = matching?.profile.tenant ?? undefined
  const tenantInEnvironment = nonEmpty(env.POSTHORN_TENANT)
  const tenant =
    flags.tenant ??
    (given === null ? (tenantInEnvironment ?? tenantOfProfile) : (tenantOfProfile ?? tenantInEnvironment)) ??
    null
  if (tenant !== null) requireName('tenant', tenant)
  return { url, ...(key ?? { apiKey: undefined, keySource: 'no source' }), tenant }
}

type Named = { readonly name: string; readonly profile: Profile }

/** The profile for a URL: the one that was given, the one in use, or the only other one. */
function matchingProfile(url: string, given: Named | null, inUse: Named | null, profiles: Profiles): Named | undefined {
  const matches = ({ profile }: Named) => sameServer(profile.url, url)
  if (given !== null) return matches(given) ? given : undefined
  if (inUse !== null && matches(inUse)) return inUse
  const others = Object.keys(profiles.byName)
    .map(name => ({ name, profile: profiles.byName[name]! }))
    .filter(matches)
  return others.length === 1 ? others[0] : undefined
}

export function profileNamed(name: string, profiles: Profiles): Named {
  const found = named(name, profiles)
  if (found !== null) return found
  const names = Object.keys(profiles.byName)
  const known = names.length === 0 ? 'There are none: run posthorn login' : `There are: ${names.join(', ')}`
  throw new Problem(`There is no profile ${JSON.stringify(name)}. ${known}.`, EXIT.usage)
}

function named(name: string | null, { byName }: Profiles): Named | null {
  const profile = name === null ? undefined : byName[name]
  return profile === undefined ? null : { name: name!, profile }
}

/** A URL with a password is refused later: it must not be shown before. */
const withoutPassword = (url: string): string => url.replace(/\/\/[^/?#]*@/, '//')

function sameServer(a: string, b: string): boolean {
  try {
    const [one, other] = [a, b].map(each => new URL(each).href.replace(/\/+$/, ''))
    return one === other
  } catch {
    return a === b
  }
}

/** Docker Compose and similar tools pass an unset variable on as an empty one: so empty means not set. */
const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text)
