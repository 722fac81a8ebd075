/** Asks the name servers, as getaddrinfo(3) does: over sockets of our own (c-ares), never on a thread. */
import { type LookupAddress, type RecordWithTtl, Resolver } from 'node:dns'
import type { Clock } from '../../base/clock.ts'
import { namesToAsk, type ResolvConf } from './resolv-conf.ts'

/** `EAI_AGAIN`: no name server could tell. `ENOTFOUND`: there is no such name, or it has no address. */
export type Answer =
  | { readonly addresses: readonly LookupAddress[]; readonly ttlMs: number }
  | { readonly code: 'ENOTFOUND' | 'EAI_AGAIN' }

export type NameServerOptions = {
  readonly clock: Clock
  /** Ends the look-up. */
  readonly signal: AbortSignal
  /** The families to ask for. */
  readonly families: readonly (4 | 6)[]
  /** Default: 53. */
  readonly port?: number | undefined
}

/** A name server that is silent for longer is passed over: a connection has five seconds for everything (C11). */
const MAX_TIMEOUT_MS = 2_000
/** Once one family has addresses, how long to wait for the other: some servers ignore questions for IPv6. */
const OTHER_FAMILY_MS = 1_000
const NO_ANSWER: Answer = { code: 'EAI_AGAIN' }

let turn = 0

/** Tries the name with the domains to be searched, in order. Never rejects. */
export async function askNameServers(name: string, conf: ResolvConf, options: NameServerOptions): Promise<Answer> {
  const resolver = new Resolver({ timeout: Math.min(conf.timeoutMs, MAX_TIMEOUT_MS), tries: conf.attempts })
  setServers(resolver, conf, options.port)
  const cancel = () => resolver.cancel()
  options.signal.addEventListener('abort', cancel, { once: true })
  try {
    let isUncertain = false
    for (const each of namesToAsk(name, conf)) {
      if (options.signal.aborted) return NO_ANSWER
      const result = await askBoth(resolver, each, options)
      if (typeof result === 'object') return result
      if (result === 'unreachable') return NO_ANSWER
      isUncertain ||= result === 'failed'
    }
    return { code: isUncertain ? 'EAI_AGAIN' : 'ENOTFOUND' }
  } finally {
    options.signal.removeEventListener('abort', cancel)
    resolver.cancel()
  }
}

function setServers(resolver: Resolver, { servers, rotate }: ResolvConf, port = 53): void {
  // c-ares has read the same file by itself, and unlike `setServers` it takes zones.
  if (servers.some(server => server.includes('%'))) return
  const first = rotate ? turn++ % servers.length : 0
  const inTurn = [...servers.slice(first), ...servers.slice(0, first)]
  resolver.setServers(inTurn.map(server => (server.includes(':') ? `[${server}]:${port}` : `${server}:${port}`)))
}

type Family = { readonly addresses: readonly LookupAddress[]; readonly ttlMs: number } | Failure
/** `absent`: no such name or address · `failed`: a server failed · `unreachable`: none responded. */
type Failure = 'absent' | 'failed' | 'unreachable'

async function askBoth(resolver: Resolver, name: string, options: NameServerOptions): Promise<Answer | Failure> {
  if (options.families.length === 0) return 'absent'
  const asked = options.families.map(family => askFamily(resolver, name, family))
  const [results, isCut] = await settled(asked, options.clock)
  if (isCut) resolver.cancel()
  const found = results.filter(each => typeof each === 'object')
  const addresses = found.flatMap(each => each.addresses)
  if (addresses.length > 0) return { addresses, ttlMs: Math.min(...found.map(each => each.ttlMs)) }
  if (results.includes('unreachable')) return 'unreachable'
  return results.includes('failed') ? 'failed' : 'absent'
}

/** All results, or those that are there a while after the first one with addresses. */
function settled(asked: readonly Promise<Family>[], clock: Clock): Promise<[Family[], isCut: boolean]> {
  return new Promise(resolve => {
    const results: Family[] = []
    let timer: { cancel(): void } | undefined
    for (const each of asked) {
      void each.then(result => {
        results.push(result)
        if (results.length === asked.length) {
          timer?.cancel()
          resolve([inFamilies(results), false])
        } else if (typeof result === 'object') {
          timer = clock.after(OTHER_FAMILY_MS, () => resolve([results, true]))
        }
      })
    }
  })
}

/** IPv4 first, as glibc collects them before it sorts. */
const inFamilies = (results: readonly Family[]): Family[] => [...results].sort((a, b) => familyOf(a) - familyOf(b))

const familyOf = (result: Family): number => (typeof result === 'object' ? (result.addresses[0]?.family ?? 0) : 0)

function askFamily(resolver: Resolver, name: string, family: 4 | 6): Promise<Family> {
  return new Promise(resolve => {
    const done = (error: NodeJS.ErrnoException | null, records: RecordWithTtl[]) => {
      if (error) return resolve(failureOf(error.code))
      if (records.length === 0) return resolve('absent')
      const ttlMs = Math.min(...records.map(({ ttl }) => ttl)) * 1_000
      resolve({ addresses: records.map(({ address }) => ({ address, family })), ttlMs })
    }
    try {
      if (family === 4) resolver.resolve4(name, { ttl: true }, done)
      else resolver.resolve6(name, { ttl: true }, done)
    } catch {
      resolve('absent')
    }
  })
}

function failureOf(code: string | undefined): Failure {
  if (code === 'ENOTFOUND' || code === 'ENODATA' || code === 'EBADNAME') return 'absent'
  return code === 'ESERVFAIL' ? 'failed' : 'unreachable'
}
