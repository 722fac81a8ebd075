/** Finds what a mistyped name most likely meant, and says so in refusals. */

/** Names longer than this are not compared: no name of ours is. It bounds the work for a name that a caller made up. */
const MAX_CHARACTERS = 256

/**
 * The candidate that a mistyped name most likely meant, or undefined if none is near. Ignores upper and lower case.
 *
 * @param isCommon the beginning that all candidates share, which says nothing about their distance; default: none
 */
export function nearest(typed: string, candidates: Iterable<string>, isCommon?: RegExp): string | undefined {
  if (typed.length > MAX_CHARACTERS) return undefined
  const toComparable = (name: string) => (isCommon === undefined ? name : name.replace(isCommon, '')).toLowerCase()
  const wanted = toComparable(typed)
  let best: string | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const offered = toComparable(candidate)
    const allowed = Math.min(bestDistance - 1, Math.max(1, Math.floor(offered.length / 4)))
    if (Math.abs(wanted.length - offered.length) > allowed) continue
    const distance = editDistance(wanted, offered, allowed)
    if (distance > allowed) continue
    best = candidate
    bestDistance = distance
  }
  return best
}

/**
 * How many letters must be inserted, removed, changed or swapped with their neighbour to turn `a` into `b`; any number
 * greater than `most` if it takes more than that.
 */
function editDistance(a: string, b: string, most: number): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const changed = last[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1)
      let cost = Math.min(changed, last[column]! + 1, current[column - 1]! + 1)
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) cost = Math.min(cost, beforeLast[column - 2]! + 1)
      current.push(cost)
    }
    // Two rows, since a swap skips one.
    if (Math.min(...current) > most && Math.min(...last) > most) return most + 1
    beforeLast = last
    last = current
  }
  return last[b.length]!
}

/** What to do about a name that is not one of those that are valid here: the nearest one, and all of them. */
export function describeUnknown(thing: 'field' | 'parameter', name: string, valid: readonly string[]): string {
  if (valid.length === 0) return `Unknown ${thing}. No ${thing} is valid here. Remove it.`
  const near = nearest(name, valid)
  const question = near === undefined ? '' : ` Did you mean \`${near}\`?`
  const list = valid.length === 1 ? `The only valid ${thing} is` : `Valid ${thing}s are`
  return `Unknown ${thing}.${question} ${list} ${valid.join(', ')}.`
}
