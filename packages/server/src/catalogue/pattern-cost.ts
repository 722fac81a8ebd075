/**
 * Whether a regular expression provably takes time in proportion to the text, however the text is made up. JavaScript
 * matches by trying one way after the other, so `^(a+)+$` takes years for forty letters. What isn't proven here isn't
 * necessarily slow: it is matched where it can be ended (publish/checking/).
 */
import { type CharSet, overlap, type PatternNode, readPattern } from './pattern-syntax.ts'

/** Steps that a match can take at one place of the text, if it has to be tried at each. */
const MAX_STEPS_A_PLACE = 300
/** Steps of a match that is tried at the beginning only, and whose length is bounded. */
const MAX_STEPS = 20_000
/** Characters of the expression, with bounded repetitions written out; more are treated as unbounded. */
const MAX_COPIES = 64
const MAX_POSITIONS = 100

export function isProvenLinear(pattern: string): boolean {
  const node = readPattern(pattern)
  if (node === undefined) return false
  if (!isAnchored(node)) return stepsOf(withoutTail(node)) <= MAX_STEPS_A_PLACE
  return stepsOf(node) <= MAX_STEPS || hasOneRun(node) || isDeterministic(node)
}

/** Whether a match can only be at the beginning of the text. */
function isAnchored(node: PatternNode): boolean {
  if (node.kind === 'edge') return node.isStart
  if (node.kind === 'choice') return node.options.every(isAnchored)
  return node.kind === 'sequence' && node.parts[0] !== undefined && isAnchored(node.parts[0])
}

/** Repetitions at the end of a match succeed as soon as they can. */
function withoutTail(node: PatternNode): PatternNode {
  if (node.kind === 'repeat' && node.part.kind === 'set') return { ...node, most: node.least }
  if (node.kind === 'choice') return { ...node, options: node.options.map(withoutTail) }
  if (node.kind !== 'sequence' || node.parts.length === 0) return node
  return { ...node, parts: [...node.parts.slice(0, -1), withoutTail(node.parts.at(-1)!)] }
}

type Effort = { readonly steps: number; readonly ways: number }

const stepsOf = (node: PatternNode): number => effortOf(node).steps

/** All ways in which a part can match somewhere, and the steps to try all of them. Infinite if there is no bound. */
function effortOf(node: PatternNode): Effort {
  switch (node.kind) {
    case 'set':
    case 'edge':
      return { steps: 1, ways: 1 }
    case 'choice': {
      const each = node.options.map(effortOf)
      return { steps: sum(each.map(({ steps }) => steps + 1)), ways: sum(each.map(({ ways }) => ways)) }
    }
    case 'sequence': {
      let [steps, ways] = [0, 1]
      for (const part of node.parts.map(effortOf)) {
        steps += ways * part.steps
        ways *= part.ways
      }
      return { steps, ways }
    }
    case 'repeat':
      return effortOfRepeat(effortOf(node.part), node.least, node.most)
  }
}

function effortOfRepeat(part: Effort, least: number, most: number): Effort {
  if (most > MAX_STEPS || part.steps > MAX_STEPS)
    return { steps: Number.POSITIVE_INFINITY, ways: Number.POSITIVE_INFINITY }
  let [steps, ways, all] = [1, 1, least === 0 ? 1 : 0]
  for (let times = 1; times <= most; times++) {
    steps += ways * part.steps
    ways *= part.ways
    if (times >= least) all += ways
    if (steps > MAX_STEPS) return { steps: Number.POSITIVE_INFINITY, ways: Number.POSITIVE_INFINITY }
  }
  return { steps, ways: all }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** Whether it has one unbounded repetition, of single characters: then its ends are tried from the last to the first. */
function hasOneRun(node: PatternNode): boolean {
  let runs = 0
  const shortened = (inner: PatternNode, isRepeated: boolean): PatternNode => {
    if (inner.kind === 'sequence') return { ...inner, parts: inner.parts.map(part => shortened(part, isRepeated)) }
    if (inner.kind === 'choice') return { ...inner, options: inner.options.map(part => shortened(part, isRepeated)) }
    if (inner.kind !== 'repeat') return inner
    if (inner.most <= MAX_STEPS_A_PLACE) return { ...inner, part: shortened(inner.part, true) }
    runs += isRepeated || inner.part.kind !== 'set' || inner.least > MAX_STEPS_A_PLACE ? 2 : 1
    return { ...inner, most: inner.least }
  }
  const rest = shortened(node, false)
  return runs === 1 && stepsOf(rest) <= MAX_STEPS_A_PLACE
}

/**
 * Where a part can begin and end, as positions: characters of the expression, by number. `isNullable`: it can match
 * nothing, in one way.
 */
type Ends = { readonly first: readonly number[]; readonly last: readonly number[]; readonly isNullable: boolean }

const EMPTY: Ends = { first: [], last: [], isNullable: true }

class Ambiguous extends Error {}

/**
 * Whether each character of a text leaves one way to go on at most. Then nothing is ever tried twice. (A strongly
 * deterministic expression.)
 */
function isDeterministic(node: PatternNode): boolean {
  try {
    new Positions().check(node)
    return true
  } catch (error) {
    if (error instanceof Ambiguous) return false
    throw error
  }
}

class Positions {
  readonly #sets: CharSet[] = []
  /** What can come after each position: with duplicates, if there is more than one way to get there. */
  readonly #follow: number[][] = []

  check(node: PatternNode): void {
    const { first } = this.#of(node)
    for (const next of [first, ...this.#follow]) {
      for (const [index, a] of next.entries()) {
        for (const b of next.slice(0, index)) if (overlap(this.#sets[a]!, this.#sets[b]!)) throw new Ambiguous()
      }
    }
  }

  #of(node: PatternNode): Ends {
    switch (node.kind) {
      case 'edge':
        return EMPTY
      case 'set': {
        const position = this.#sets.push(node.set) - 1
        if (position >= MAX_POSITIONS) throw new Ambiguous()
        this.#follow.push([])
        return { first: [position], last: [position], isNullable: false }
      }
      case 'sequence':
        return node.parts.reduce((before, part) => this.#join(before, this.#of(part)), EMPTY)
      case 'choice':
        return node.options.map(option => this.#of(option)).reduce(either)
      case 'repeat':
        return this.#repeat(node.part, node.least, node.most)
    }
  }

  #join(a: Ends, b: Ends): Ends {
    for (const position of a.last) this.#follow[position]!.push(...b.first)
    return {
      first: a.isNullable ? [...a.first, ...b.first] : a.first,
      last: b.isNullable ? [...a.last, ...b.last] : b.last,
      isNullable: a.isNullable && b.isNullable,
    }
  }

  #repeat(part: PatternNode, least: number, most: number): Ends {
    if (most === 0) return EMPTY
    if (most > MAX_COPIES || this.#sets.length > MAX_POSITIONS / 2) return this.#loop(part, least)
    // x{2,4} is xx(x(x)?)?
    let tail = EMPTY
    const copies = Array.from({ length: most }, () => this.#of(part))
    if (copies[0]!.isNullable) throw new Ambiguous()
    for (let at = most - 1; at >= 0; at--) {
      const joined = this.#join(copies[at]!, tail)
      tail = at >= least ? { ...joined, isNullable: true } : joined
    }
    return tail
  }

  #loop(part: PatternNode, least: number): Ends {
    const before = least >= 2 && least <= MAX_COPIES ? this.#repeat(part, least - 1, least - 1) : EMPTY
    const { first, last, isNullable } = this.#of(part)
    if (isNullable) throw new Ambiguous()
    for (const position of last) this.#follow[position]!.push(...first)
    return this.#join(before, { first, last, isNullable: least === 0 })
  }
}

function either(a: Ends, b: Ends): Ends {
  if (a.isNullable && b.isNullable) throw new Ambiguous()
  return { first: [...a.first, ...b.first], last: [...a.last, ...b.last], isNullable: a.isNullable || b.isNullable }
}
