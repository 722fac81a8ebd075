/** Asks the name servers, as getaddrinfo(3) does: over sockets of our own (c-ares), never on a thread. */
import {
  BADNAME,
  BADRESP,
  FORMERR,
  type LookupAddress,
  NODATA,
  NOTFOUND,
  NOTIMP,
  REFUSED,
  type RecordWithTtl,
  Resolver,
  SERVFAIL,
} from 'node:dns'
import type { Clock } from '../../base/clock.ts'
import { namesToAsk, type ResolvConf } from './resolv-conf.ts'

/**
 * `code` as `getaddrinfo` has it. `EAI_AGAIN`: no name server could tell. `ENOTFOUND`: there is no such name, or it has
 * no address. `dnsCode` is more exact, if a name server has said so: one of Node's (`dns.NODATA`, …).
 */
export type Answer = Found | { readonly code: 'ENOTFOUND' | 'EAI_AGAIN'; readonly dnsCode?: string | undefined }

export type NameServerOptions = {
  readonly clock: Clock
  /** Ends the look-up. */
  readonly signal: AbortSignal
  /** The families to ask for. */
  readonly families: readonly (4 | 6)[]
  /** Default: 53. */
  readonly port?: number | undefined
}

type Found = { readonly addresses: readonly LookupAddress[]; readonly ttlMs: number }

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
    let [isUncertain, dnsCode] = [false, undefined as string | undefined]
    for (const each of namesToAsk(name, conf)) {
      if (options.signal.aborted) return NO_ANSWER
      const result = await askBoth(resolver, each, options)
      if ('addresses' in result) return result
      if (result.kind === 'unreachable') return { ...NO_ANSWER, dnsCode: result.dnsCode }
      // That one name has no address says more than that another doesn't exist, and a fault more than both.
      if (result.kind === 'failed' || !isUncertain) dnsCode = result.dnsCode ?? dnsCode
      isUncertain ||= result.kind === 'failed'
    }
    return { code: isUncertain ? 'EAI_AGAIN' : 'ENOTFOUND', dnsCode }
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

type Family = Found | Failure
/** `absent`: no such name or address · `failed`: a server failed · `unreachable`: none responded. */
type Failure = { readonly kind: 'absent' | 'failed' | 'unreachable'; readonly dnsCode?: string | undefined }

const ABSENT: Failure = { kind: 'absent' }
/** What servers say, besides that there is no such name. */
const SAID: ReadonlySet<string> = new Set([NODATA, SERVFAIL, REFUSED, NOTIMP, FORMERR, BADRESP])

async function askBoth(resolver: Resolver, name: string, options: NameServerOptions): Promise<Family> {
  if (options.families.length === 0) return ABSENT
  const asked = options.families.map(family => askFamily(resolver, name, family))
  const [results, isCut] = await settled(asked, options.clock)
  if (isCut) resolver.cancel()
  const found = results.filter(each => 'addresses' in each)
  const addresses = found.flatMap(each => each.addresses)
  if (addresses.length > 0) return { addresses, ttlMs: Math.min(...found.map(each => each.ttlMs)) }
  const failures = results.filter(each => 'kind' in each)
  const of = (kind: Failure['kind']) => failures.find(each => each.kind === kind)
  return of('unreachable') ?? of('failed') ?? failures.find(each => each.dnsCode !== undefined) ?? ABSENT
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
        } else if ('addresses' in result) {
          timer = clock.after(OTHER_FAMILY_MS, () => resolve([results, true]))
        }
      })
    }
  })
}

/** IPv4 first, as glibc collects them before it sorts. */
const inFamilies = (results: readonly Family[]): Family[] => [...results].sort((a, b) => familyOf(a) - familyOf(b))

const familyOf = (result: Family): number => ('addresses' in result ? (result.addresses[0]?.family ?? 0) : 0)

function askFamily(resolver: Resolver, name: string, family: 4 | 6): Promise<Family> {
  return new Promise(resolve => {
    const done = (error: NodeJS.ErrnoException | null, records: RecordWithTtl[]) => {
      if (error) return resolve(failureOf(error.code))
      if (records.length === 0) return resolve({ kind: 'absent', dnsCode: NODATA })
      const ttlMs = Math.min(...records.map(({ ttl }) => ttl)) * 1_000
      resolve({ addresses: records.map(({ address }) => ({ address, family })), ttlMs })
    }
    try {
      if (family === 4) resolver.resolve4(name, { ttl: true }, done)
      else resolver.resolve6(name, { ttl: true }, done)
    } catch {
      resolve(ABSENT)
    }
  })
}

function failureOf(code = ''): Failure {
  const dnsCode = SAID.has(code) ? code : undefined
  if (code === NOTFOUND || code === NODATA || code === BADNAME) return { kind: 'absent', dnsCode }
  return { kind: code === SERVFAIL ? 'failed' : 'unreachable', dnsCode }
}
