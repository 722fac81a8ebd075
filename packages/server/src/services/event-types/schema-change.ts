/**
 * Whether a type's new schema would reject recent events. It is checked against the newest events of the type
 * (catalogue/type-samples.ts). Events that the current schema rejects are ignored: they could no longer be published.
 */

import type { EventId } from '../../base/model.ts'
import type { SchemaFault } from '../../catalogue/schema.ts'
import type { TypeSamples } from '../../catalogue/type-samples.ts'
import type { SchemaChecks, Schemas } from './schema-checks.ts'

export type SchemaVerdict = {
  /** Number of events that the current schema accepts, and how many of them the new one rejects. */
  readonly judged: number
  readonly refused: number
  /** The reasons for rejecting them, most frequent first; none: it rejects none. */
  readonly faults: readonly ConflictFault[]
}

type ConflictFault = SchemaFault & {
  readonly count: number
  /** One event with this fault. */
  readonly event: EventId
}

const MAX_FAULTS = 20
/** Maximum number of different faults that are counted. */
const MAX_COUNTED = 1_000

/** What the new schema says to the newest events. Both schemas must be valid. */
export async function judgeSchemaChange(
  samples: Pick<TypeSamples, 'newest'>,
  checks: Pick<SchemaChecks, 'compare'>,
  type: string,
  schemas: Schemas,
): Promise<SchemaVerdict> {
  const faults = new Map<string, { -readonly [Name in keyof ConflictFault]: ConflictFault[Name] }>()
  let judged = 0
  let refused = 0
  for await (const some of samples.newest(type)) {
    const compared = await checks.compare(
      schemas,
      some.map(({ payload }) => payload),
    )
    // What takes too long would take as long when it is published, where it is refused.
    if (compared === null) break
    for (const [index, found] of compared.entries()) {
      if (found === null) continue
      judged++
      if (found.length > 0) refused++
      for (const fault of found) {
        // The same fault in different elements of an array counts as one fault.
        const pointer = fault.pointer.replaceAll(/\/\d+(?=\/|$)/g, '/*')
        const key = `${pointer}\n${fault.detail}`
        const known = faults.get(key)
        if (known !== undefined) known.count++
        else if (faults.size < MAX_COUNTED) {
          faults.set(key, { pointer, detail: fault.detail, count: 1, event: some[index]!.event })
        }
      }
    }
  }
  const frequent = [...faults.values()].sort((a, b) => b.count - a.count)
  return { judged, refused, faults: frequent.slice(0, MAX_FAULTS) }
}
