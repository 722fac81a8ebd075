/**
 * Whether a type's new schema would refuse what is being published. Held against the newest events of the type
 * (catalogue/type-samples.ts); those that the schema in force refuses don't count: they could not be published any more.
 */

import type { EventId } from '../../base/model.ts'
import { compileSchema, type SchemaFault } from '../../catalogue/schema.ts'
import type { TypeSamples } from '../../catalogue/type-samples.ts'

export type SchemaConflict = {
  /** Events that both schemas were held against, and those among them that the new one refuses. */
  readonly judged: number
  readonly refused: number
  /** What it would refuse them for, the most frequent first. */
  readonly faults: readonly ConflictFault[]
}

type ConflictFault = SchemaFault & {
  readonly count: number
  /** One event that has it. */
  readonly event: EventId
}

const MAX_FAULTS = 20
/** Different faults that are counted. */
const MAX_COUNTED = 1_000

type Schemas = { readonly before: unknown; readonly after: unknown }

/** Null: none of the newest events would be refused. Both schemas are known to be sound. */
export async function findSchemaConflict(
  samples: Pick<TypeSamples, 'newest'>,
  type: string,
  { before, after }: Schemas,
): Promise<SchemaConflict | null> {
  const [inForce, next] = [compileSchema(before), compileSchema(after)]
  if (!inForce.ok || !next.ok) return null
  const faults = new Map<string, { -readonly [Name in keyof ConflictFault]: ConflictFault[Name] }>()
  let judged = 0
  let refused = 0
  for await (const { event, payload } of samples.newest(type)) {
    if (inForce.validate(payload).length > 0) continue
    judged++
    const found = next.validate(payload)
    if (found.length > 0) refused++
    for (const fault of found) {
      // The same fault of another element of an array is the same fault.
      const pointer = fault.pointer.replaceAll(/\/\d+(?=\/|$)/g, '/*')
      const key = `${pointer}\n${fault.detail}`
      const known = faults.get(key)
      if (known !== undefined) known.count++
      else if (faults.size < MAX_COUNTED) faults.set(key, { pointer, detail: fault.detail, count: 1, event })
    }
  }
  if (refused === 0) return null
  const frequent = [...faults.values()].sort((a, b) => b.count - a.count)
  return { judged, refused, faults: frequent.slice(0, MAX_FAULTS) }
}
