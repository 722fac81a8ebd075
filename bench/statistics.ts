/** For few runs on a shared machine: the median shows what is usual, the extremes how far to trust it. */
export type Summary = { readonly median: number; readonly min: number; readonly max: number }

export function summarise(values: readonly number[]): Summary {
  if (values.length === 0) throw new Error('No values to summarise.')
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2
  return { median, min: sorted[0]!, max: sorted.at(-1)! }
}
