/** A round number at or above `value`, and the gridlines up to it: at most four, from zero. */
export function niceScale(value: number): { readonly top: number; readonly lines: number[] } {
  if (!(value > 0)) return { top: 1, lines: [0, 1] }
  const rough = value / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step =
    [1, 2, 2.5, 5, 10].map(factor => factor * power).find(candidate => candidate * 4 >= value - 1e-9) ?? value
  const whole = value >= 1 ? Math.max(step, 1) : step
  const count = Math.max(1, Math.ceil(value / whole - 1e-9))
  return { top: whole * count, lines: Array.from({ length: count + 1 }, (_, index) => whole * index) }
}

/** The indexes of the points that get a label below them, so that labels are `every` pixels apart or more. */
export function labelled(count: number, width: number, every = 96): number[] {
  if (count === 0) return []
  const gap = Math.max(1, Math.ceil((count * every) / Math.max(width, 1)))
  return Array.from({ length: Math.ceil(count / gap) }, (_, index) => index * gap)
}
