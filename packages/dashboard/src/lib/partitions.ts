/** How many partitions an installation has. */
export const PARTITIONS = 256

/** Numbers in rising order as ranges, both ends included: `[0, 1, 2, 7]` is `[[0, 2], [7, 7]]`. */
export function rangesOf(numbers: readonly number[]): (readonly [first: number, last: number])[] {
  const ranges: [number, number][] = []
  for (const number of numbers) {
    const open = ranges.at(-1)
    if (open !== undefined && open[1] === number - 1) open[1] = number
    else ranges.push([number, number])
  }
  return ranges
}

/** `0–2, 7` */
export function rangesText(numbers: readonly number[]): string {
  return rangesOf(numbers)
    .map(([first, last]) => (first === last ? String(first) : `${first}–${last}`))
    .join(', ')
}
