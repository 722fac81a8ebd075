/** Checks that receivers can be resolved and reached, and that the clock is right. */
import type { Clock } from '../../base/clock.ts'
import { type Finding, fail, ok, warn } from '../../base/findings.ts'
import type { Config } from '../../config/config.ts'
import { Connections } from '../../engine/attempt/connections.ts'
import { checkReachability } from '../../engine/attempt/reachability.ts'
import { type Resolution, type Resolver, resolveTarget } from '../../guard/lookup.ts'
import { checkTargetUrl } from '../../guard/target.ts'
import { KEEP_TIME } from './commands.ts'
import type { Installation } from './installation.ts'

const SAMPLE = 5
/** Receivers refuse signatures with a timestamp of more than five minutes ago. */
const SKEW_FAIL_MS = 120_000
const SKEW_WARN_MS = 2_000
/** How far the newest row in the store can be ahead of the clock. */
const AHEAD_MS = 5_000

/** Resolves the names of some endpoints, and checks the addresses as before a delivery. */
export async function checkNames({ store, config, resolver }: Installation): Promise<Finding[]> {
  const urls = await store.read('sampleEndpointUrls', { limit: SAMPLE })
  const hosts = [...new Set(urls.map(url => URL.parse(url)?.hostname.replace(/^\[|\]$/g, '') ?? ''))].filter(Boolean)
  if (hosts.length === 0) return [ok('DNS', "no endpoints to look up; doctor's --target checks a URL")]
  const found = await Promise.all(hosts.map(host => resolveTarget(host, config, resolver)))
  return hosts.map((host, index) => judge(host, found[index]!))
}

function judge(host: string, resolution: Resolution): Finding {
  if ('addresses' in resolution) return ok('DNS', `${host} resolves to ${resolution.addresses[0]}`)
  if ('refused' in resolution) {
    const says = `${host} resolves to ${resolution.address}, which is refused (${resolution.refused})`
    return warn('DNS', says, 'see docs/refused-addresses.md; use allowTarget to open a network of your own')
  }
  return warn(
    'DNS',
    `${host} cannot be resolved (${resolution.code})`,
    'ask its owner; if other names fail too, check the name server',
  )
}

/** Tries to reach a receiver, exactly as a delivery would. */
export async function checkEgress(
  target: string | null,
  config: Config,
  clock: Clock,
  resolver?: Resolver,
): Promise<Finding[]> {
  if (target === null) return [ok('egress', 'not checked: use --target https://… to try a receiver')]
  const checked = checkTargetUrl(target, config)
  if (!checked.ok) return [fail('egress', `${target} is refused`, checked.detail)]
  const connections = new Connections(config, clock, resolver)
  const { origin } = new URL(target)
  const reached = await checkReachability(
    origin,
    connections,
    clock,
    config.connectTimeoutMs + config.responseTimeoutMs,
  )
  connections.close()
  if (!reached.ok) {
    const remedy = `see ${reached.error} in docs/deliveries.md, and check the firewall for outgoing connections`
    return [fail('egress', `${origin} cannot be reached: ${reached.error} (${reached.why})`, remedy)]
  }
  const findings = [ok('egress', `${origin} responded to HEAD / with ${reached.status}, from ${reached.address}`)]
  const dateMs = reached.date === null ? Number.NaN : Date.parse(reached.date)
  if (!Number.isNaN(dateMs))
    findings.push(judgeSkew(`by the Date header of ${origin}`, clock.now() - dateMs, SKEW_WARN_MS))
  return findings
}

function judgeSkew(by: string, skewMs: number, warnMs: number): Finding {
  const seconds = (Math.abs(skewMs) / 1_000).toFixed(1)
  const says = Math.abs(skewMs) < 100 ? `right, ${by}` : `${seconds} s ${skewMs > 0 ? 'fast' : 'slow'}, ${by}`
  const remedy = 'run a time service (chrony, systemd-timesyncd): receivers refuse signatures that look too old'
  if (Math.abs(skewMs) > SKEW_FAIL_MS) return fail('clock', says, remedy, KEEP_TIME)
  return Math.abs(skewMs) > warnMs ? warn('clock', says, remedy, KEEP_TIME) : ok('clock', says)
}

/** Compares the clock with the database's, or with the newest row if the store is on this machine. */
export async function checkClock({ store, clock }: Installation): Promise<Finding> {
  if (store.engine === 'postgres') return judgeSkew("by the database's clock", clock.now() - store.now(), SKEW_WARN_MS)
  const newestMs = await store.read('readNewestConfiguredMs', {})
  if (newestMs > clock.now() + AHEAD_MS) {
    const says = `behind ${new Date(newestMs).toISOString()}, when the newest row was created`
    const remedy = 'correct the clock: due deliveries wait until it has passed that time'
    return fail('clock', says, remedy, KEEP_TIME)
  }
  const how = "doctor's --target compares it with a receiver's clock"
  return ok('clock', `not behind the newest row in the store; ${how}`)
}
