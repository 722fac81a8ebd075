/** Resolves the references within a schema. */

import { listOf, type Schema } from './schema-parts.ts'

/** Stands for a part of a schema that can't be found. */
export const UNCLEAR: Readonly<Record<string, unknown>> = {}

export class SchemaDocument {
  readonly #root: Schema
  readonly #anchors = new Map<string, Schema>()
  /** Whether no part of it has an `$id`, to which the references in that part would be relative. */
  readonly #isOne: boolean

  constructor(root: Schema) {
    this.#root = root
    this.#isOne = this.#collect(root, true)
  }

  /** Collects anchors. False if a part has an `$id`. */
  #collect(value: unknown, isRoot: boolean): boolean {
    if (typeof value !== 'object' || value === null) return true
    const { $id, $anchor, $dynamicAnchor } = value as Readonly<Record<string, unknown>>
    if (!isRoot && typeof $id === 'string') return false
    for (const anchor of [$anchor, $dynamicAnchor]) {
      if (typeof anchor === 'string') this.#anchors.set(anchor, value as Schema)
    }
    return Object.values(value).every(inner => this.#collect(inner, false))
  }

  /** Schemas that hold wherever this one does, apart from its own keywords. */
  inAll({ allOf, $ref, $dynamicRef }: Readonly<Record<string, unknown>>): Schema[] {
    const referred = [$ref, $dynamicRef].filter(ref => typeof ref === 'string')
    return [...listOf(allOf), ...referred.map(ref => this.resolve(ref))]
  }

  /** `UNCLEAR` if it can't be found. */
  resolve(reference: string): Schema {
    if (!this.#isOne) return UNCLEAR
    const id = typeof this.#root === 'object' && typeof this.#root.$id === 'string' ? this.#root.$id : ''
    const ref = id !== '' && reference.startsWith(id) ? reference.slice(id.length) : reference
    if (ref === '#' || ref === '') return this.#root
    if (ref.startsWith('#/')) return this.#at(ref.slice(2).split('/'))
    return (ref.startsWith('#') ? this.#anchors.get(ref.slice(1)) : undefined) ?? UNCLEAR
  }

  #at(tokens: readonly string[]): Schema {
    let at: unknown = this.#root
    for (const token of tokens) {
      const name = decode(token)
      if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return UNCLEAR
      at = (at as Readonly<Record<string, unknown>>)[name]
    }
    return typeof at === 'boolean' || (typeof at === 'object' && at !== null) ? (at as Schema) : UNCLEAR
  }
}

function decode(token: string): string {
  try {
    return decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~')
  } catch {
    return token
  }
}
