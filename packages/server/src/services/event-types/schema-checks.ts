/** Compiles and uses schemas that someone has just written: in a checking thread, unless that is sure to be quick. */
import { Buffer } from 'node:buffer'
import type { FieldError } from '../../base/errors.ts'
import { checkEventType, type EventTypeDefinition } from '../../catalogue/event-type.ts'
import { faultOfSize, type SchemaFault } from '../../catalogue/schema.ts'
import { isProvenQuick } from '../../catalogue/schema-cost.ts'
import { type Checker, CheckTooLong } from '../../publish/checking/checker.ts'
import { compareSchemas } from '../../publish/checking/jobs.ts'

/** Compiling takes 15 ms for each kilobyte. */
const MAX_QUICK_CHARACTERS = 2_048
/** Payloads that are validated on the main thread together. */
const MAX_QUICK_BYTES = 16_384
/** Whose turn it is in the checking thread: the operator's, not a tenant's. */
const PARTY = ''

const TAKES_TOO_LONG =
  'Compiling the schema, or validating the example by it, takes too long. Simplify its patterns and references: ' +
  'patterns such as "^(a+)+$" and references that multiply take exponential time.'

export type Schemas = { readonly before: unknown; readonly after: unknown }

export class SchemaChecks {
  readonly #checker: Pick<Checker, 'check'>

  constructor(checker: Pick<Checker, 'check'>) {
    this.#checker = checker
  }

  /** Finds everything wrong with an event type's definition: see `checkEventType`. */
  async faultsOf(definition: EventTypeDefinition): Promise<FieldError[]> {
    if (isQuick(definition.schema)) return checkEventType(definition)
    try {
      return [...(await this.#checker.check(PARTY, { kind: 'type', definition }))]
    } catch (error) {
      if (!(error instanceof CheckTooLong)) throw error
      return [{ field: '/schema', detail: TAKES_TOO_LONG, reason: 'check_took_too_long' }]
    }
  }

  /**
   * For each payload what is wrong with it by the second schema; null if it violates the first one too. Both must be
   * valid. Null if that takes too long.
   */
  async compare(
    { before, after }: Schemas,
    payloads: readonly Uint8Array[],
  ): Promise<readonly (readonly SchemaFault[] | null)[] | null> {
    const bytes = payloads.reduce((sum, { length }) => sum + length, 0)
    if (bytes <= MAX_QUICK_BYTES && isQuick(before) && isQuick(after))
      return compareSchemas({ before, after, payloads })
    try {
      return await this.#checker.check(PARTY, { kind: 'schemas', before, after, payloads: payloads.map(detached) })
    } catch (error) {
      if (!(error instanceof CheckTooLong)) throw error
      return null
    }
  }
}

/** A schema that is refused for its size is quick, too. */
function isQuick(schema: unknown): boolean {
  if (faultOfSize(schema) !== undefined) return true
  return JSON.stringify(schema).length <= MAX_QUICK_CHARACTERS && isProvenQuick(schema)
}

/** A view of a larger buffer would take all of it along. */
const detached = (payload: Uint8Array): Uint8Array => Uint8Array.from(Buffer.from(payload))
