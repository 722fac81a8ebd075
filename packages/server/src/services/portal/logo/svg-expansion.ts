/** Bounds what a browser has to draw: elements that refer to others, which refer to others, multiply. */
import { LogoRefused } from './refused.ts'
import type { XmlElement } from './xml.ts'

/** An element as it is stored, the ids that it refers to, and its children. */
export type Drawn = {
  readonly element: XmlElement
  readonly refers: readonly string[]
  readonly drawn: readonly Drawn[]
}

/** Far more than a logo of the largest size has without any references. */
const MAX_DRAWN = 20_000
/** Of elements in each other, and of references to them. */
const MAX_DEPTH = 256
const GRADIENTS: ReadonlySet<string> = new Set(['linearGradient', 'radialGradient'])

/** Throws LogoRefused for an SVG that refers to itself in a circle, or that grows too large when it is drawn. */
export function checkExpansion(root: Drawn): void {
  const byId = new Map<string, Drawn>()
  const all: Drawn[] = [root]
  // The list grows while it is read.
  for (const drawn of all) {
    const id = drawn.element.attributes.get('id')
    if (id !== undefined && byId.has(id)) throw new LogoRefused('The SVG has the same `id` twice. Export it again.')
    if (id !== undefined) byId.set(id, drawn)
    all.push(...drawn.drawn)
  }
  const costs = new Map<Drawn, number>()
  const costOf = (drawn: Drawn, depth: number): number => {
    if (depth > MAX_DEPTH) throw new LogoRefused('The SVG has references that refer on too often. Simplify it.')
    const known = costs.get(drawn)
    if (known === Number.POSITIVE_INFINITY) {
      throw new LogoRefused('The SVG refers to itself in a circle. Export it again.')
    }
    if (known !== undefined) return known
    costs.set(drawn, Number.POSITIVE_INFINITY)
    let cost = 1
    for (const child of drawn.drawn) cost += costOf(child, depth + 1)
    for (const id of drawn.refers) {
      const target = byId.get(id)
      if (target === undefined) continue
      // It isn't known which elements a style sheet applies to. A gradient draws nothing else.
      if (drawn.element.name === 'style' && !GRADIENTS.has(target.element.name)) {
        throw new LogoRefused(
          'The SVG refers to more than gradients in its `style`. Write it as attributes, or upload a PNG.',
        )
      }
      cost += costOf(target, depth + 1)
    }
    cost = Math.min(cost, MAX_DRAWN + 1)
    costs.set(drawn, cost)
    return cost
  }
  if (costOf(root, 0) > MAX_DRAWN) {
    throw new LogoRefused(`The SVG draws more than ${MAX_DRAWN} elements, with those it repeats. Simplify it.`)
  }
}
