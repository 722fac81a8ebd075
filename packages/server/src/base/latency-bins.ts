/**
 * Durations, counted in bins that each grow by a tenth. Percentiles of any period are computed from them, because
 * counts can be added up and percentiles can't. A percentile is accurate to within 5 %, and to the millisecond below
 * 10.
 */
const GROWTH = Math.log(1.1)

/** Counts by bin. */
export type LatencyBins = Map<number, number>

export function binOf(durationMs: number): number {
  return durationMs < 1 ? 0 : 1 + Math.floor(Math.log(durationMs) / GROWTH + 1e-9)
}

/** The middle of a bin, in milliseconds. */
export function msOf(bin: number): number {
  return bin === 0 ? 0 : Math.round(Math.exp((bin - 0.5) * GROWTH))
}

/** Adds `more` to `bins`. */
export function addBins(bins: LatencyBins, more: Iterable<readonly [bin: number, count: number]>): void {
  for (const [bin, count] of more) bins.set(bin, (bins.get(bin) ?? 0) + count)
}

/** Formats the counts as `3:1 24:17`, in ascending order of bins. Empty if there are none. */
export function writeBins(bins: LatencyBins): string {
  return [...bins]
    .sort(([a], [b]) => a - b)
    .map(([bin, count]) => `${bin}:${count}`)
    .join(' ')
}

export function readBins(text: string): LatencyBins {
  const pairs = text === '' ? [] : text.split(' ').map(pair => pair.split(':').map(Number) as [number, number])
  return new Map(pairs)
}

/** The duration that a share of durations (0.5: half) does not exceed, in milliseconds. Null if there are none. */
export function percentile(bins: LatencyBins, share: number): number | null {
  let total = 0
  for (const count of bins.values()) total += count
  const rank = Math.ceil(share * total)
  let passed = 0
  for (const [bin, count] of [...bins].sort(([a], [b]) => a - b)) {
    passed += count
    if (passed >= rank) return msOf(bin)
  }
  return null
}
