/** Finds what the references of a JSON Schema (2020-12) point to. Nothing is fetched. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json }
export type JsonObject = { readonly [member: string]: Json }

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A place in a schema, as a JSON Pointer. Empty for the root. */
export type Pointer = string

export class References {
  readonly #root: Json
  readonly #anchors = new Map<string, Pointer>()
  /** Whether a part of the schema has an `$id`: references in it mean something else. */
  #hasParts = false
  readonly #direct = new Map<Pointer, ReadonlySet<Pointer>>()

  constructor(root: Json) {
    this.#root = root
    // A loop, not recursion: a schema can be nested deeper than the stack.
    const open: [Json, Pointer][] = [[root, '']]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const [value, pointer] = next
      if (typeof value !== 'object' || value === null) continue
      if (isObject(value)) {
        if (pointer !== '' && typeof value.$id === 'string') this.#hasParts = true
        for (const name of [value.$anchor, value.$dynamicAnchor]) {
          if (typeof name === 'string' && !this.#anchors.has(name)) this.#anchors.set(name, pointer)
        }
      }
      for (const [name, inner] of Object.entries(value)) open.push([inner, `${pointer}/${token(name)}`])
    }
  }

  /** Undefined if there is nothing there, or nothing that could be a schema. */
  at(pointer: Pointer): Json | undefined {
    let value: Json | undefined = this.#root
    for (const part of pointer.split('/').slice(1)) {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
      value = (value as JsonObject)[name]
    }
    return isObject(value) || typeof value === 'boolean' ? value : undefined
  }

  /** Where a `$ref` leads. Undefined if that can't be told. */
  resolve(ref: Json | undefined): Pointer | undefined {
    if (typeof ref !== 'string' || this.#hasParts) return undefined
    const id = isObject(this.#root) ? this.#root.$id : undefined
    const local = typeof id === 'string' && id !== '' && ref.startsWith(id) ? ref.slice(id.length) : ref
    if (local === '' || local === '#') return ''
    if (!local.startsWith('#')) return undefined
    const pointer = local.startsWith('#/') ? decode(local.slice(1)) : this.#anchors.get(local.slice(1))
    return pointer === undefined || this.at(pointer) === undefined ? undefined : pointer
  }

  /** Whether a schema leads back to itself without an object or an array in between: a type can't. */
  isEndless(pointer: Pointer): boolean {
    const seen = new Set<Pointer>()
    const open = [...this.#directFrom(pointer)]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next === pointer) return true
      if (seen.has(next)) continue
      seen.add(next)
      open.push(...this.#directFrom(next))
    }
    return false
  }

  /** What a schema refers to as a whole, not in its properties or items. */
  #directFrom(pointer: Pointer): ReadonlySet<Pointer> {
    const known = this.#direct.get(pointer)
    if (known !== undefined) return known
    const found = new Set<Pointer>()
    const open: (Json | undefined)[] = [this.at(pointer)]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (!isObject(next)) continue
      const target = this.resolve(next.$ref)
      if (target !== undefined) found.add(target)
      for (const parts of [next.allOf, next.anyOf, next.oneOf]) if (Array.isArray(parts)) open.push(...parts)
    }
    this.#direct.set(pointer, found)
    return found
  }
}

const token = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1')

function decode(fragment: string): string | undefined {
  try {
    return decodeURIComponent(fragment)
  } catch {
    return undefined
  }
}
