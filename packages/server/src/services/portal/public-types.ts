import { Buffer } from 'node:buffer'
import type { EventType } from '../../base/model.ts'

/**
 * The event types as anyone can read them. Written once for each state of the catalogue, so that any number of callers
 * share the same bytes.
 */
export class PublicTypes {
  #of: readonly EventType[] | undefined
  #list: Buffer | undefined
  readonly #each = new Map<string, Buffer>()

  /** All types in use, sorted by name, without schemas and examples. */
  list(types: readonly EventType[]): Buffer {
    this.#keep(types)
    this.#list ??= Buffer.from(
      JSON.stringify({
        data: types
          .filter(isInUse)
          .map(({ name, group, description }) => ({ name, group, description }))
          .sort((a, b) => (a.name < b.name ? -1 : 1)),
      }),
    )
    return this.#list
  }

  /** Undefined if there is no such type in use. */
  get(types: readonly EventType[], name: string): Buffer | undefined {
    this.#keep(types)
    const known = this.#each.get(name)
    if (known !== undefined) return known
    const type = types.find(each => each.name === name && isInUse(each))
    if (type === undefined) return undefined
    const { group, description, schema, example } = type
    const written = Buffer.from(JSON.stringify({ name, group, description, schema, example }))
    this.#each.set(name, written)
    return written
  }

  /** Forgets what was written of another state of the catalogue. */
  #keep(types: readonly EventType[]): void {
    if (this.#of === types) return
    this.#of = types
    this.#list = undefined
    this.#each.clear()
  }
}

const isInUse = ({ archivedAtMs }: EventType) => archivedAtMs === null
