/** Can receivers be found and reached, and is the clock right? */
import type { Clock } from '../../base/clock.ts'
import type { Config } from '../../config/config.ts'
import { Connections } from '../../engine/attempt/connections.ts'
import { checkReachability } from '../../engine/attempt/reachability.ts'
import { type Resolution, type Resolver, resolveTarget } from '../../guard/lookup.ts'
import { checkTargetUrl } from '../../guard/target.ts'
import { type Finding, fail, ok, warn } from './findings.ts'
import type { LookedAt } from './looked-at.ts'

const SAMPLE = 5
/** A signature with a timestamp of more than five minutes ago is refused by receivers. */
const SKEW_FAIL_MS = 120_000
const SKEW_WARN_MS = 2_000
/** Between the newest id in the store and now. */
const AHEAD_MS = 5_000

/** Names of some endpoints, as they resolve here, judged as before a delivery. */
export async function checkNames({ read }: LookedAt, config: Config, resolver?: Resolver): Promise<Finding[]> {
  const urls = await read('sampleEndpointUrls', { limit: SAMPLE })
  const hosts = [...new Set(urls.map(url => URL.parse(url)?.hostname.replace(/^\[|\]$/g, '') ?? ''))].filter(Boolean)
  if (hosts.length === 0) return [ok('DNS', 'no endpoint to look up; --target checks a URL')]
  const found = await Promise.all(hosts.map(host => resolveTarget(host, config, resolver)))
  return hosts.map((host, index) => judge(host, found[index]!))
}

function judge(host: string, resolution: Resolution): Finding {
  if ('addresses' in resolution) return ok('DNS', `${host} leads to ${resolution.addresses[0]}`)
  if ('refused' in resolution) {
    const says = `${host} leads to ${resolution.address}, which is refused (${resolution.refused})`
    return warn('DNS', says, 'see docs/refused-addresses.md; allowTarget opens a network of your own')
  }
  return warn(
    'DNS',
    `${host} is not found (${resolution.code})`,
    "ask its owner; if others aren't either, see to the name server",
  )
}

/** By the very way of a delivery. */
export async function checkEgress(
  target: string | null,
  config: Config,
  clock: Clock,
  resolver?: Resolver,
): Promise<Finding[]> {
  if (target === null) return [ok('egress', 'not checked: --target https://… tries a receiver of yours')]
  const checked = checkTargetUrl(target, config)
  if (!checked.ok) return [fail('egress', `${target} is refused`, checked.detail)]
  const connections = new Connections(config, clock, resolver)
  const { origin } = new URL(target)
  const reached = await checkReachability(origin, connections, config.connectTimeoutMs + config.responseTimeoutMs)
  connections.close()
  if (!reached.ok) {
    const remedy = `see ${reached.error} in docs/deliveries.md, and the firewall for connections that go out`
    return [fail('egress', `${origin} can not be reached: ${reached.error} (${reached.why})`, remedy)]
  }
  const findings = [ok('egress', `${origin} answers with ${reached.status}, from ${reached.address}`)]
  const dateMs = reached.date === null ? Number.NaN : Date.parse(reached.date)
  if (!Number.isNaN(dateMs)) findings.push(judgeSkew(`by the Date of ${origin}`, clock.now() - dateMs, SKEW_WARN_MS))
  return findings
}

function judgeSkew(by: string, skewMs: number, warnMs: number): Finding {
  const seconds = (Math.abs(skewMs) / 1_000).toFixed(1)
  const says = Math.abs(skewMs) < 100 ? `right, ${by}` : `${seconds} s ${skewMs > 0 ? 'fast' : 'slow'}, ${by}`
  const remedy = 'run a time service (chrony, systemd-timesyncd): receivers refuse signatures that look old'
  if (Math.abs(skewMs) > SKEW_FAIL_MS) return fail('clock', says, remedy)
  return Math.abs(skewMs) > warnMs ? warn('clock', says, remedy) : ok('clock', says)
}

/** Against the database's; where the store is on this machine, against what it has in it. */
export async function checkClock({ engine, read, now }: LookedAt, clock: Clock): Promise<Finding> {
  if (engine === 'postgres') return judgeSkew('by the database’s clock', clock.now() - now(), SKEW_WARN_MS)
  const newestMs = await read('readNewestConfiguredMs', {})
  if (newestMs > clock.now() + AHEAD_MS) {
    const says = `it is before ${new Date(newestMs).toISOString()}, when the newest row was made`
    return fail('clock', says, 'set the clock right: what falls due waits until then')
  }
  return ok('clock', 'not before anything in the store; --target compares it with a receiver’s')
}
