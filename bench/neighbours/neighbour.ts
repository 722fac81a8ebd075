/**
 * What the benches of neighbours have in common: a tenant that publishes at a steady rate, and another that first does
 * something harmless at the attack's rate and sizes, then attacks. The measures are the first tenant's latencies during
 * the attack. Each has a limit: a factor of the latency before, or 5 ms more, whichever is larger. Both stores are
 * measured, with a heap of 1 GB.
 */
import type { Store } from '../../packages/server/src/store/store.ts'
import { Child } from '../child.ts'
import type { Bench, RunOptions, Say } from '../definition.ts'
import { EVENT_TYPE } from '../events.ts'
import { formatLatency, LATENCY_HEAD, Latencies } from '../latencies.ts'
import { memoryOf } from '../memory.ts'
import type { BenchResult, Latency, Measure } from '../result.ts'
import { type Setting, startSetting } from '../setting.ts'
import type { NeighbourAnswer, NeighbourCommand, NeighbourReceiver } from './neighbour-process.ts'

export const NEIGHBOUR = 'neighbour'
/** Latency that an attack can add in any case, in milliseconds: below that, a ratio says nothing. */
const FREE_MS = 5
const HEAP_MEGABYTES = 1_024
const PER_SECOND = 50
const FULL = { warmUpSeconds: 10, seconds: 40 }
const SHORT = { warmUpSeconds: 5, seconds: 12 }
/** How long the neighbour waits for its last deliveries. */
const PATIENCE_MS = 20_000

export type Attack = {
  readonly id: string
  readonly name: string
  readonly summary: string
  /** What was measured, in one sentence. */
  readonly title: string
  /** How much longer the neighbour's calls and deliveries can take during the attack. */
  readonly factor: number
  /** Additional flags of `posthorn serve`. Default: none. */
  readonly flags?: readonly string[]
  /** See PosthornOptions. */
  readonly resolvConf?: string
  /** The host of the neighbour's endpoint. Default: 127.0.0.1. */
  readonly neighbourHost?: string
  /** How the neighbour's receiver differs. Default: it keeps connections, and responds to each request once. */
  readonly receiver?: NeighbourReceiver
  /** Fills the store before Posthorn starts. Default: nothing. */
  readonly fill?: (store: Store) => Promise<void>
  /** Registers what the attacker needs. Default: nothing. */
  readonly prepare?: (setting: Setting, say: Say) => Promise<void>
  /**
   * What the attacker does before, at the same rate and sizes as the attack, but harmless, until `signal` is aborted.
   * Must stop by itself then.
   */
  readonly harmless: (setting: Setting, signal: AbortSignal) => Promise<void>
  readonly attack: (setting: Setting, signal: AbortSignal) => Promise<void>
  /** Checks what became of the attack, after both phases. Throws if the result is wrong. Default: nothing. */
  readonly check?: (setting: Setting, say: Say) => Promise<void>
  /** Parameters of the attack: counts, sizes, rates. */
  readonly setup: BenchResult['setup']
  readonly notes?: readonly string[]
}

/** Makes a bench of an attack. */
export const neighbourBench = (attack: Attack): Bench => ({
  id: attack.id,
  name: attack.name,
  summary: attack.summary,
  run: (options, say) => run(attack, options, say),
})

type Phase = { readonly publish: Latency; readonly delivery: Latency }

async function run(attack: Attack, options: RunOptions, say: Say): Promise<BenchResult> {
  const { seconds } = options.short ? SHORT : FULL
  say(`${attack.id}: ${attack.title}; ${PER_SECOND} events a second of a neighbour`)
  const measures: Measure[] = []
  const latencies: Latency[] = []
  for (const store of ['SQLite', 'PostgreSQL'] as const) {
    const { phases, peak } = await runOn(store, attack, options, say)
    const [before, during] = phases
    for (const percent of ['p99', 'p50'] as const) {
      for (const what of ['publish', 'delivery'] as const) {
        const [past, value] = [before![what][percent], during![what][percent]]
        const goal = Math.max(past * attack.factor, past + FREE_MS)
        measures.push({ name: `${store}: ${what} ${percent}`, unit: 'ms', value, goal, bound: 'atMost' })
      }
    }
    latencies.push(...phases.flatMap(({ publish, delivery }) => [publish, delivery]))
    if (peak !== undefined) say(`${store}: peak resident memory ${Math.round(peak)} MB`)
  }
  return {
    id: attack.id,
    title: attack.title,
    measures,
    latencies,
    setup: { ...attack.setup, perSecond: PER_SECOND, seconds, factor: attack.factor, heapMegabytes: HEAP_MEGABYTES },
    notes: [
      `Latencies are those of another tenant, from each call's planned beginning: until the response, and until the first byte at its receiver. *Before* means the same rate and sizes from the attacker, but harmless. The goal is ${attack.factor} × before, or ${FREE_MS} ms more, whichever is larger.`,
      ...(attack.notes ?? []),
    ],
  }
}

async function runOn(store: 'SQLite' | 'PostgreSQL', attack: Attack, options: RunOptions, say: Say) {
  const { warmUpSeconds, seconds } = options.short ? SHORT : FULL
  const { flags = [], resolvConf } = attack
  const { profileFolder } = options
  const setting = await startSetting({
    isShared: store === 'PostgreSQL',
    heapMegabytes: HEAP_MEGABYTES,
    profileFolder,
    flags,
    resolvConf,
    fill: attack.fill,
  })
  const child = new Child<NeighbourCommand, NeighbourAnswer>('neighbours/neighbour-process.ts')
  try {
    await register(setting, child, attack)
    await attack.prepare?.(setting, say)
    const publish = (seconds: number) => publishSteadily(setting, child, seconds)
    await publish(warmUpSeconds)
    say(LATENCY_HEAD)
    const phases: Phase[] = []
    for (const [name, act] of [['before', attack.harmless] as const, ['during', attack.attack] as const]) {
      const controller = new AbortController()
      const acting = act(setting, controller.signal)
      acting.catch(() => {}) // thrown below
      const answer = await publish(seconds)
      controller.abort()
      await acting
      const phase = toPhase(`${store} ${name}`, answer)
      for (const latency of [phase.publish, phase.delivery]) say(formatLatency(latency))
      phases.push(phase)
    }
    await attack.check?.(setting, say)
    return { phases, peak: memoryOf(setting.posthorn.pid)?.peakMegabytes }
  } finally {
    await child.end()
    await setting.end()
  }
}

/** Registers the neighbour, with one endpoint at its own receiver. */
async function register(
  { posthorn, authority }: Setting,
  child: Child<NeighbourCommand, NeighbourAnswer>,
  { neighbourHost = '127.0.0.1', receiver = {} }: Attack,
): Promise<void> {
  const { certPem, keyPem } = await authority.issue({ names: [neighbourHost], ips: ['127.0.0.1'] })
  const { port } = await child.ask({ kind: 'listen', certPem, keyPem, ...receiver })
  await posthorn.call('PUT', `tenants/${NEIGHBOUR}`, {})
  await posthorn.call('POST', `tenants/${NEIGHBOUR}/endpoints`, {
    url: `https://${neighbourHost}:${port}/neighbour`,
    clientSecret: 'a-secret-of-the-neighbour',
    types: [EVENT_TYPE],
  })
}

async function publishSteadily(
  { posthorn }: Setting,
  child: Child<NeighbourCommand, NeighbourAnswer>,
  seconds: number,
): Promise<NeighbourAnswer> {
  const { url, apiKey } = posthorn
  const plan = { perSecond: PER_SECOND, seconds, patienceMs: PATIENCE_MS }
  const answer = await child.ask({ kind: 'publish', url, apiKey, tenant: NEIGHBOUR, ...plan })
  if (answer.refused > 0) {
    throw new Error(`${answer.refused} of the neighbour's calls were refused: ${answer.firstRefusal}`)
  }
  if (answer.missing > 0) throw new Error(`The neighbour's receiver did not get ${answer.missing} events.`)
  return answer
}

function toPhase(name: string, { publish, delivery }: NeighbourAnswer): Phase {
  const summarise = (what: string, values: readonly number[]) => {
    const latencies = new Latencies()
    for (const value of values) latencies.record(value)
    return latencies.summary(`${name}, ${what}`)
  }
  return { publish: summarise('publish', publish), delivery: summarise('delivery', delivery) }
}
