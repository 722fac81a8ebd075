/** Finds beginnings of strings that a regular expression rules out. Only simple ones are understood. */

/** A character or a class of characters, with its quantifier. Anything else makes an expression too hard to decide. */
const PART =
  /(\\[dDwWsS]|\\[^\p{L}\p{N}]|\[(?:\\.|[^\]\\])*\]|\.|[^\\^$.*+?()[\]{}|])(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})?\??/uy
/** Maximum number of steps of an expression, and of characters that it is tried on. */
const MAX_STEPS = 300
const MAX_CHARACTERS = 256

type Step = {
  readonly fits: (character: string) => boolean
  readonly isOptional: boolean
  readonly isRepeated: boolean
}

/** Whether a string that begins with `start` could match the pattern (flag `u`), as far as that can be told. */
export function canBegin(pattern: string, start: string): boolean {
  if (!start.isWellFormed()) return true
  const steps = stepsOf(pattern)
  if (steps === undefined) return true
  let at = new Set<number>()
  reach(0, steps, at)
  for (const character of Array.from(start).slice(0, MAX_CHARACTERS)) {
    const next = new Set<number>()
    for (const index of at) {
      const step = steps[index]
      if (step?.fits(character)) reach(step.isRepeated ? index : index + 1, steps, next)
    }
    if (next.size === 0) return false
    at = next
  }
  return true
}

/** Adds a step, and those after it that can come next because the steps between are optional. */
function reach(from: number, steps: readonly Step[], at: Set<number>): void {
  for (let index = from; !at.has(index); index++) {
    at.add(index)
    if (steps[index]?.isOptional !== true) return
  }
}

/** Undefined if the pattern is not bound to the beginning, or not understood. */
function stepsOf(pattern: string): Step[] | undefined {
  if (!pattern.startsWith('^')) return undefined
  const steps: Step[] = []
  let at = 1
  while (at < pattern.length) {
    if (pattern[at] === '$' && at === pattern.length - 1) return steps
    PART.lastIndex = at
    const part = PART.exec(pattern)
    if (part === null) return undefined
    const [text, atom, sign, least, comma, most] = part
    const test = new RegExp(`^${atom}$`, 'u')
    const fits = (character: string) => test.test(character)
    const min = least === undefined ? (sign === '*' || sign === '?' ? 0 : 1) : Number(least)
    const isEndless = sign === '*' || sign === '+' || (comma !== undefined && most === '')
    const max = isEndless || sign === '?' ? Math.max(min, 1) : comma === undefined ? min : Number(most)
    if (steps.length + max > MAX_STEPS) return undefined
    for (let count = 1; count <= max; count++) {
      steps.push({ fits, isOptional: count > min, isRepeated: false })
    }
    if (isEndless) steps.push({ fits, isOptional: true, isRepeated: true })
    at += text.length
  }
  return [...steps, { fits: () => true, isOptional: true, isRepeated: true }]
}
