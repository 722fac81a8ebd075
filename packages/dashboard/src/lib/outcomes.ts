import type { Stats } from '@posthorn/client'

/** What came of the attempts and deliveries that ended in a step. */
export type Outcomes = {
  readonly delivered: number
  /** Attempts that failed and were not the last: what is retried. */
  readonly retrying: number
  readonly exhausted: number
  readonly cancelled: number
}

/** `at` is the start of the step, in milliseconds; the percentiles are of receivers' response times. */
export type Step = Outcomes & { readonly at: number; readonly p50: number | null; readonly p95: number | null }

export type Steps = { readonly stepMs: number; readonly steps: readonly Step[] }

const STEP_MS: Readonly<Record<Stats['step'], number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 }

/** Lengths of bars, in milliseconds: all but the longest divide the next unit, so that bars begin at round times. */
const BAR_MS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440, 2_880, 10_080].map(minutes => minutes * 60_000)

/** As many bars as are told apart in a chart. */
const MOST_BARS = 100

/** Every step of the period, also those that the response leaves out because nothing ended in them. */
export function stepsOf({ step, from, to, data }: Stats): Steps {
  const stepMs = STEP_MS[step]
  const known = new Map(data.map(point => [Date.parse(point.from), point]))
  const steps: Step[] = []
  for (let at = Date.parse(from); at < Date.parse(to); at += stepMs) {
    const point = known.get(at)
    const latency = { p50: point?.latencyMs.p50 ?? null, p95: point?.latencyMs.p95 ?? null }
    steps.push({ at, ...(point === undefined ? NOTHING : outcomesOf(point)), ...latency })
  }
  return { stepMs, steps }
}

const NOTHING: Outcomes = { delivered: 0, retrying: 0, exhausted: 0, cancelled: 0 }

/** The outcomes of a step, or of the sum of all. */
export function outcomesOf({ deliveries, attempts }: Pick<Stats['total'], 'deliveries' | 'attempts'>): Outcomes {
  const { delivered, exhausted, cancelled } = deliveries
  const failed = attempts['3xx'] + attempts['4xx'] + attempts['5xx'] + attempts.other + attempts.none
  return { delivered, retrying: Math.max(0, failed - exhausted), exhausted, cancelled }
}

/** Steps added up to at most `most` bars. Percentiles can't be added up: they are left out. */
export function barsOf({ stepMs, steps }: Steps, most = MOST_BARS): Steps {
  const barMs = BAR_MS.find(ms => ms >= stepMs && ms % stepMs === 0 && (steps.length * stepMs) / ms <= most) ?? stepMs
  const bars = new Map<number, Step>()
  for (const step of steps) {
    const at = Math.floor(step.at / barMs) * barMs
    const bar = bars.get(at) ?? { at, ...NOTHING, p50: null, p95: null }
    bars.set(at, {
      ...bar,
      delivered: bar.delivered + step.delivered,
      retrying: bar.retrying + step.retrying,
      exhausted: bar.exhausted + step.exhausted,
      cancelled: bar.cancelled + step.cancelled,
    })
  }
  return { stepMs: barMs, steps: [...bars.values()] }
}

/** The share of deliveries that arrived, of those that arrived or were given up. Null if there are none. */
export function arrivingShare({ delivered, exhausted }: Outcomes): number | null {
  return delivered + exhausted === 0 ? null : delivered / (delivered + exhausted)
}

/** The end of the last step in which a delivery was exhausted, in milliseconds. Null if there is none. */
export function exhaustedUntil({ stepMs, steps }: Steps): number | null {
  const last = steps.findLast(({ exhausted }) => exhausted > 0)
  return last === undefined ? null : last.at + stepMs
}
