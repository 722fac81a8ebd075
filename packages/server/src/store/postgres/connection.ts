/** How to connect to the database in a URL: with or without TLS, and without hanging indefinitely. */
import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import type pg from 'pg'

const CONNECT_TIMEOUT_MS = 3_000
/** Silence before TCP keep-alive probes begin. After ten probes, a second apart, the connection is given up. */
const KEEP_ALIVE_AFTER_MS = 5_000

const SSL_PARAMETERS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey'] as const

/**
 * @param settings for the whole session, sent as startup parameters, which most poolers refuse
 * @throws an error whose message says what is wrong with the URL
 */
export function connectionOptions(databaseUrl: string, settings: Readonly<Record<string, string>> = {}) {
  const url = new URL(databaseUrl)
  if (url.host.includes(',')) {
    throw new Error('it names several hosts, but Posthorn connects to one: name a proxy, a virtual IP or a DNS name')
  }
  const tls = tlsOptions(url.searchParams)
  // Removed, because pg gives them meanings of its own, and they would take precedence over `ssl`.
  for (const name of SSL_PARAMETERS) url.searchParams.delete(name)
  const flags = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`)
  // pg takes the URL's own options before those of its configuration.
  const given = url.searchParams.get('options') ?? ''
  if (flags.length > 0) url.searchParams.set('options', [given, ...flags].join(' ').trim())
  return {
    connectionString: url.href,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    ...(tls === undefined ? {} : { ssl: tls }),
  } satisfies pg.ClientConfig
}

/**
 * The modes mean what they mean to psql: `require` encrypts and trusts any server, unless a root certificate is named.
 * Undefined if the URL doesn't mention TLS.
 */
function tlsOptions(parameters: URLSearchParams): ConnectionOptions | false | undefined {
  const [mode, rootFile, certFile, keyFile] = SSL_PARAMETERS.map(name => parameters.get(name) ?? undefined)
  if (mode === undefined && rootFile === undefined && certFile === undefined) return undefined
  const ca = rootFile === undefined || rootFile === 'system' ? undefined : readPem('sslrootcert', rootFile)
  const options: ConnectionOptions = {
    ...(ca === undefined ? {} : { ca }),
    ...(certFile === undefined ? {} : { cert: readPem('sslcert', certFile) }),
    ...(keyFile === undefined ? {} : { key: readPem('sslkey', keyFile) }),
  }
  const unnamed: ConnectionOptions = { ...options, checkServerIdentity: () => undefined }
  switch (mode) {
    case 'disable':
      return false
    case 'no-verify':
      return { ...options, rejectUnauthorized: false }
    case 'require':
      return ca === undefined ? { ...options, rejectUnauthorized: false } : unnamed
    case 'verify-ca':
      if (ca === undefined) throw new Error("sslmode=verify-ca needs sslrootcert, the authority's certificate file")
      return unnamed
    case 'verify-full':
    case undefined:
      return options
    default:
      throw new Error(`sslmode=${mode} is not one of disable, require, verify-ca, verify-full and no-verify`)
  }
}

function readPem(parameter: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Error(`the ${parameter} file cannot be read: ${(error as Error).message}`, { cause: error })
  }
}
