/** Lighthouse's score of performance, from what a page measured (https://web.dev/articles/performance-scoring). */
import type { Measures } from '../test/browser/measures.ts'

type Curve = { readonly weight: number; readonly p10: number; readonly median: number }

/** Those of the mobile profile since version 10. The speed index is not measured: the others share its weight. */
const CURVES = {
  firstPaintMs: { weight: 10, p10: 1_800, median: 3_000 },
  largestPaintMs: { weight: 25, p10: 2_500, median: 4_000 },
  blockedMs: { weight: 30, p10: 200, median: 600 },
  layoutShift: { weight: 25, p10: 0.1, median: 0.25 },
} as const satisfies Partial<Record<keyof Measures, Curve>>

/** From 0 to 100. */
export function scoreOf(measures: Pick<Measures, keyof typeof CURVES>): number {
  let [sum, weights] = [0, 0]
  for (const [name, curve] of Object.entries(CURVES) as [keyof typeof CURVES, Curve][]) {
    sum += curve.weight * scoreOn(curve, measures[name])
    weights += curve.weight
  }
  return Math.round((100 * sum) / weights)
}

/** A log-normal distribution: 0.9 at `p10`, 0.5 at `median`. */
function scoreOn({ p10, median }: Curve, value: number): number {
  if (value <= 0) return 1
  const inverseErfcOneFifth = 0.9061938024368232
  const standardised = (Math.log(value / median) * inverseErfcOneFifth) / -Math.log(p10 / median)
  return (1 - erf(standardised)) / 2
}

/** The error function, exact to 1.5e-7 (Abramowitz and Stegun, 7.1.26). */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x))
  const polynomial = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
  return Math.sign(x) * (1 - polynomial * Math.exp(-x * x))
}
