/**
 * Resolves names as `getaddrinfo` does (decision 38), but in a bounded way: a look-up ends with its attempt, equal ones
 * are shared, answers are kept, and each tenant has its own turns. What it returns has not passed the guard yet:
 * `guardedLookup` and `resolveTarget` judge it.
 */
import type { LookupAddress } from 'node:dns'
import { isIP } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import type { Resolver } from '../lookup.ts'
import { inOrder, usableFamilies } from './address-order.ts'
import { KeptAnswers } from './answers.ts'
import { addressesOf } from './hosts-file.ts'
import { type NameConfiguration, NameFiles, type NamePaths } from './name-files.ts'
import { type Answer, askNameServers } from './name-servers.ts'
import type { ResolverEnvironment } from './resolv-conf.ts'
import { SYSTEM_ROOM, SystemResolver } from './system-resolver.ts'
import { Turns } from './turns.ts'

export type NamesOptions = {
  readonly environment?: ResolverEnvironment
  /** Default: those of this machine. */
  readonly paths?: NamePaths
  /** The port of name servers. Default: 53. */
  readonly port?: number
}

type Callback = Parameters<Resolver>[2]

/** A look-up that is waiting for its turn or under way, for everyone who waits for it. */
type Flight = {
  readonly name: string
  readonly callbacks: Set<(answer: Answer) => void>
  readonly askers: Set<string>
  readonly ending: AbortController
  readonly isSlow: boolean
  isRunning: boolean
}

/** Look-ups for no tenant: the operator's own names. A tenant's id is never empty. */
const OPERATOR = ''
/** A look-up that was given up after this time, in milliseconds, hangs. */
const SLOW_MS = 1_000
/** The longest that a look-up can take, even if someone still waits, in milliseconds. */
const MAX_LOOKUP_MS = 30_000
/**
 * Further addresses of a name are never used, so none of them needs to pass the guard. To sort and judge a thousand takes
 * milliseconds in which nothing else runs, and a connection doesn't last long enough to try them.
 */
const MAX_ADDRESSES = 32
/** Look-ups under way of all tenants. */
const ROOM = 1_024
const GIVEN_UP: Answer = { code: 'EAI_AGAIN' }

export class Names {
  readonly #clock: Clock
  readonly #port: number | undefined
  readonly #files: NameFiles
  readonly #system: SystemResolver
  readonly #kept = new KeptAnswers()
  readonly #turns = new Turns(() => (this.#configuration?.sources === 'system' ? SYSTEM_ROOM : ROOM))
  /** By name. */
  readonly #flights = new Map<string, Flight>()
  #configuration: NameConfiguration | undefined

  constructor(clock: Clock, { environment = {}, paths, port }: NamesOptions = {}) {
    this.#clock = clock
    this.#port = port
    this.#files = new NameFiles(clock, environment, paths)
    this.#system = new SystemResolver(environment)
  }

  /** All addresses of a name, in the order in which to try them. The callback is called later, and exactly once. */
  readonly resolve: Resolver = (hostname, { tenant = OPERATOR, signal }, callback) => {
    const name = hostname.toLowerCase()
    const known = this.#known(name) ?? (signal?.aborted === true ? GIVEN_UP : undefined)
    if (known === undefined) this.#join(name, tenant, signal, answer => report(name, answer, callback))
    else queueMicrotask(() => report(name, known, callback))
  }

  /** What is known without a look-up. */
  #known(name: string): Answer | undefined {
    const family = isIP(name)
    if (family !== 0) return { addresses: [{ address: name, family }], ttlMs: 0 }
    this.#noticeChanges()
    return this.#kept.get(name, this.#clock.monotonicMs())
  }

  /** Look-ups under way, the process id of the system's resolver (null if none runs), for tests and diagnosis. */
  get state(): { readonly running: number; readonly askers: number; readonly systemPid: number | null } {
    return { ...this.#turns.state, systemPid: this.#system.pid }
  }

  close(): void {
    for (const { ending } of this.#flights.values()) ending.abort()
    this.#system.close()
  }

  #noticeChanges(): void {
    const configuration = this.#files.current()
    if (configuration === this.#configuration) return
    this.#configuration = configuration
    this.#kept.clear()
    // Later callers get an answer by the new files; those that wait already get theirs.
    this.#flights.clear()
    if (configuration.sources !== 'system') this.#system.close()
  }

  #join(name: string, asker: string, signal: AbortSignal | undefined, callback: (answer: Answer) => void): void {
    const flight = this.#flights.get(name) ?? this.#create(name)
    const leave = () => {
      flight.callbacks.delete(answered)
      callback(GIVEN_UP)
      if (flight.callbacks.size === 0) this.#abandon(flight)
    }
    const answered = (answer: Answer) => {
      signal?.removeEventListener('abort', leave)
      callback(answer)
    }
    flight.callbacks.add(answered)
    signal?.addEventListener('abort', leave, { once: true })
    if (flight.isRunning || flight.askers.has(asker)) return
    flight.askers.add(asker)
    this.#turns.add(asker, {
      isSlow: flight.isSlow,
      isWaiting: () => !flight.isRunning && flight.callbacks.size > 0,
      run: (by, done) => void this.#run(flight, by, done),
    })
  }

  #create(name: string): Flight {
    const isSlow = this.#kept.wasSlow(name)
    const ending = new AbortController()
    const flight = { name, callbacks: new Set<never>(), askers: new Set<string>(), ending, isSlow, isRunning: false }
    this.#flights.set(name, flight)
    return flight
  }

  #abandon(flight: Flight): void {
    if (this.#flights.get(flight.name) === flight) this.#flights.delete(flight.name)
    flight.ending.abort()
  }

  async #run(flight: Flight, asker: string, done: () => void): Promise<void> {
    flight.isRunning = true
    const { name, ending } = flight
    const configuration = this.#configuration!
    const startedAtMs = this.#clock.monotonicMs()
    const timer = this.#clock.after(MAX_LOOKUP_MS, () => ending.abort())
    const { answer: asked, released } = this.#ask(name, configuration, ending.signal)
    void released.then(done)
    const answer = await asked.catch(() => GIVEN_UP)
    timer.cancel()
    if (this.#flights.get(name) === flight) this.#flights.delete(name)
    const nowMs = this.#clock.monotonicMs()
    const isGivenUp = flight.callbacks.size === 0 || ending.signal.aborted
    const isHanging = 'code' in answer && nowMs - startedAtMs >= SLOW_MS
    if (configuration === this.#configuration) {
      if (!isGivenUp) this.#kept.keep(name, answer, asker, nowMs, isHanging)
      else if (isHanging) this.#kept.noteSlow(name, asker, nowMs)
    }
    for (const answered of flight.callbacks) answered(answer)
    flight.callbacks.clear()
  }

  #ask(name: string, configuration: NameConfiguration, signal: AbortSignal) {
    if (configuration.sources === 'system') {
      const { answer, released } = this.#system.ask(name, signal)
      return { answer: answer.then(cut), released }
    }
    const answer = this.#askSources(name, configuration, configuration.sources, signal)
    return { answer, released: answer.then(nothing, nothing) }
  }

  /** The sources in order. On a machine without IPv4, each is asked for IPv6 first, then for IPv4, mapped to IPv6. */
  async #askSources(
    name: string,
    configuration: NameConfiguration,
    sources: readonly ('files' | 'dns')[],
    signal: AbortSignal,
  ): Promise<Answer> {
    const families = usableFamilies()
    const rounds = families.length === 1 && families[0] === 6 ? [families, [4] as const] : [families]
    let answer: Answer = { code: 'ENOTFOUND' }
    for (const source of sources) {
      for (const round of rounds) {
        answer = await this.#askSource(name, source, configuration, round, signal)
        if (!('addresses' in answer)) continue
        const found = firstOf(answer.addresses)
        const usable = round === families ? found : found.map(toMapped)
        return { ...answer, addresses: await inOrder(usable, configuration.tables) }
      }
    }
    return answer
  }

  #askSource(
    name: string,
    source: 'files' | 'dns',
    { hosts, resolvConf }: NameConfiguration,
    families: readonly (4 | 6)[],
    signal: AbortSignal,
  ): Answer | Promise<Answer> {
    if (source === 'files') {
      const addresses = addressesOf(hosts, name, families)
      // It is kept until the file changes.
      return addresses.length === 0 ? { code: 'ENOTFOUND' } : { addresses, ttlMs: Number.POSITIVE_INFINITY }
    }
    const wanted = families.filter(family => family === 4 || !resolvConf.skipsIpv6)
    const options = { clock: this.#clock, signal, families: wanted, port: this.#port }
    return askNameServers(name, resolvConf, options)
  }
}

/** In their order: the first ones of each family, and at least half of the room for each, if it has as many. */
function firstOf(addresses: readonly LookupAddress[]): readonly LookupAddress[] {
  if (addresses.length <= MAX_ADDRESSES) return addresses
  const ofIpv4 = addresses.filter(({ family }) => family === 4).length
  const room = (others: number) => MAX_ADDRESSES - Math.min(others, MAX_ADDRESSES / 2)
  const left = { ipv4: room(addresses.length - ofIpv4), ipv6: room(ofIpv4) }
  return addresses.filter(({ family }) => (family === 4 ? left.ipv4-- : left.ipv6--) > 0)
}

const cut = (answer: Answer): Answer =>
  'addresses' in answer ? { ...answer, addresses: firstOf(answer.addresses) } : answer

const toMapped = ({ address }: LookupAddress): LookupAddress => ({ address: `::ffff:${address}`, family: 6 })

function report(hostname: string, answer: Answer, callback: Callback): void {
  if ('addresses' in answer) {
    callback(null, [...answer.addresses])
    return
  }
  const { code, dnsCode } = answer
  const says = `${hostname} could not be resolved`
  callback(Object.assign(new Error(says), { code, dnsCode, syscall: 'getaddrinfo', hostname }), [])
}

const nothing = () => {}
