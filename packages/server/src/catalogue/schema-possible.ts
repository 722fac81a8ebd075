/**
 * Whether a schema allows any of some values. It reads the keywords that limit single values; whatever it doesn't read,
 * and whatever takes too long, counts as allowed.
 */
import { type Atom, intersect, isEmpty, type Values, valuesOf as valuesIn } from './filter/values.ts'
import type { SchemaDocument } from './schema-document.ts'
import { allowedNumbers, allowedStrings } from './schema-limits.ts'
import { canBe, choicesOf, isSchema, type Keywords, type Schema, valuesOf } from './schema-parts.ts'

/** Maximum number of schemas looked at for one answer. */
const MAX_STEPS = 500

/** What the schemas in `seen` leave of the values that are asked for. */
type State = {
  readonly values: Values
  readonly canBeArray: boolean
  /** What every element of an array has to satisfy. Null if some elements are not known to satisfy anything. */
  readonly items: readonly Schema[] | null
  readonly seen: ReadonlySet<Schema>
}

/**
 * Whether one of `values` can stand where the schema applies, or among the items of an array there.
 *
 * @param orArray whether any array will do as well
 */
export function canHave(document: SchemaDocument, schema: Schema, values: Values, orArray: boolean): boolean {
  return new Possible(document, orArray).any([schema], values)
}

class Possible {
  readonly #document: SchemaDocument
  readonly #orArray: boolean
  #stepsLeft = MAX_STEPS

  constructor(document: SchemaDocument, orArray: boolean) {
    this.#document = document
    this.#orArray = orArray
  }

  /** Whether one of the values satisfies all schemas. */
  any(schemas: readonly Schema[], values: Values): boolean {
    const asked = { ...values, atoms: new Set([...values.atoms].filter(atom => atom !== 'missing')) }
    if (isEmpty(asked) && !this.#orArray) return false
    const state: State = { values: asked, canBeArray: true, items: [], seen: new Set() }
    return this.#search(schemas, [], state, asked)
  }

  #search(schemas: readonly Schema[], choices: readonly (readonly Schema[])[], before: State, asked: Values): boolean {
    const [schema, ...others] = schemas
    if (schema === undefined) {
      const [choice, ...rest] = choices
      if (choice === undefined) return this.#isLeft(before, asked)
      return choice.some(each => this.#search([each], rest, before, asked))
    }
    if (this.#stepsLeft-- <= 0) return true
    if (schema === false) return false
    if (schema === true || before.seen.has(schema)) return this.#search(others, choices, before, asked)
    const state = narrow(schema, before)
    if (isEmpty(state.values) && !state.canBeArray) return false
    const next = [...others, ...this.#document.inAll(schema)]
    return this.#search(next, [...choices, ...choicesOf(schema)], state, asked)
  }

  #isLeft({ values, canBeArray, items }: State, asked: Values): boolean {
    if (!isEmpty(values) || (canBeArray && this.#orArray)) return true
    if (!canBeArray) return false
    return items === null || items.length === 0 || this.any(items, asked)
  }
}

/** Applies a schema's own keywords. */
function narrow(schema: Keywords, { values, canBeArray, items, seen }: State): State {
  const listed = valuesOf(schema)
  const among = listed === undefined ? values : amongListed(values, listed)
  const isOfObjects = canBe(schema, 'object') ? among.objects : 'none'
  const isOpen = items === null || schema.prefixItems !== undefined || schema.unevaluatedItems !== undefined
  return {
    values: {
      atoms: new Set([...among.atoms].filter(atom => isAtomOf(schema, atom))),
      numbers: canBe(schema, 'number') ? allowedNumbers(schema, among.numbers) : [],
      strings: canBe(schema, 'string') ? allowedStrings(schema, among.strings) : { only: new Set() },
      objects: isOfObjects,
    },
    canBeArray: canBeArray && canBe(schema, 'array') && (listed === undefined || listed.some(Array.isArray)),
    items: isOpen ? null : isSchema(schema.items) ? [...items, schema.items] : items,
    seen: new Set([...seen, schema]),
  }
}

const isAtomOf = (schema: Keywords, atom: Atom): boolean => canBe(schema, atom === 'null' ? 'null' : 'boolean')

function amongListed(values: Values, listed: readonly unknown[]): Values {
  const hasObjects = listed.some(each => typeof each === 'object' && each !== null && !Array.isArray(each))
  return { ...intersect(values, valuesIn(listed)), objects: hasObjects ? values.objects : 'none' }
}
