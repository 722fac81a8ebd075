/** Objects and lists of words that the document repeats without naming them. Each gets a name here, and one type. */
import type { Document, Schema } from './document.ts'
import type { Way } from './types.ts'
import { capital, singular } from './words.ts'

type Named = { readonly name: string; readonly schema: Schema; readonly way: Way; readonly isComponent: boolean }

/** Where a schema is: the member of a type. */
export type Place = { readonly owner: string; readonly member: string }

/** Names that the members they are in would not suggest. */
const BETTER_NAMES: Readonly<Record<string, string>> = {
  'Problem.errors': 'FieldError',
  'Endpoint.headers': 'ShownHeader',
  'Endpoint.signatureHeaders': 'SignatureHeaders',
  'Endpoint.health': 'EndpointHealth',
  'Endpoint.health.state': 'HealthState',
  'Endpoint.health.lastError': 'AttemptError',
  'Endpoint.oauth': 'OAuth',
  'Replay.states': 'ReplayedState',
  'CreateEndpoint.clientCertificate': 'CertificateAndKey',
  'CreateEndpoint.oauth': 'OAuthSettings',
  'CreateEndpoint.signatureHeaders': 'SignatureHeaderNames',
}

const MIN_WORDS = 3

export class Shapes {
  readonly #names = new Map<string, Named>()

  constructor(document: Document) {
    const found = new Map<string, { uses: number; places: string[]; schema: Schema; way: Way }>()
    const visit = (schema: Schema, place: string, way: Way) => {
      const key = keyOf(schema)
      if (key !== undefined) {
        const known = found.get(key)
        if (known === undefined) found.set(key, { uses: 1, places: [place], schema, way })
        else {
          known.uses++
          known.places.push(place)
          // In both: responses are the stricter ones.
          if (way === 'out') known.way = way
        }
      }
      for (const [name, member] of Object.entries(schema.properties ?? {})) visit(member, `${place}.${name}`, way)
      for (const one of schema.anyOf ?? []) visit(one, place, way)
      if (schema.items !== undefined) visit(schema.items, place, way)
      if (typeof schema.additionalProperties === 'object') visit(schema.additionalProperties, place, way)
    }
    // The document's own types come first: they give the better names.
    for (const [name, schema] of Object.entries(document.components.schemas)) visit(schema, name, 'out')
    for (const item of Object.values(document.paths)) {
      for (const { operationId, parameters = [], requestBody, responses } of Object.values(item)) {
        const owner = capital(operationId)
        for (const { name, schema } of parameters) visit(schema, `${owner}.${name}`, 'in')
        for (const { schema } of Object.values(requestBody?.content ?? {})) visit(schema, owner, 'in')
        for (const { content = {} } of Object.values(responses)) {
          for (const { schema } of Object.values(content)) visit(schema, owner, 'out')
        }
      }
    }
    const taken = new Set(Object.keys(document.components.schemas))
    for (const [key, { uses, places, schema, way }] of found) {
      // A whole body or response is named after its operation.
      const inside = places.find(place => place.includes('.'))
      if (uses < 2 || inside === undefined) continue
      const component = places.find(place => document.components.schemas[place] !== undefined)
      if (component !== undefined) {
        this.#names.set(key, { name: component, schema, way, isComponent: true })
        continue
      }
      const name = this.#choose(inside, schema, taken)
      taken.add(name)
      this.#names.set(key, { name, schema, way, isComponent: false })
    }
  }

  #choose(place: string, schema: Schema, taken: ReadonlySet<string>): string {
    const parts = place.split('.').map(part => capital(part))
    const last = singular(parts.at(-1)!)
    const names = [BETTER_NAMES[place], schema.enum === undefined ? last : undefined, parts[0]! + last, parts.join('')]
    const name = names.find(one => one !== undefined && !taken.has(one))
    if (name === undefined) throw new Error(`${place} needs a name: add it to BETTER_NAMES`)
    return name
  }

  /** Undefined for a schema that is written where it is used. */
  nameOf(schema: Schema): string | undefined {
    const key = keyOf(schema)
    return key === undefined ? undefined : this.#names.get(key)?.name
  }

  *named(): Iterable<[string, Schema, Way]> {
    for (const { name, schema, way, isComponent } of this.#names.values()) {
      if (!isComponent) yield [name, withoutNull(schema), way]
    }
  }
}

/** The same for schemas that are the same type, whatever is said about the place that they are used in. */
function keyOf(schema: Schema): string | undefined {
  const { description: _description, default: _default, ...rest } = withoutNull(schema)
  if (schema.enum !== undefined) {
    const words = rest.enum!
    return words.length >= MIN_WORDS ? JSON.stringify(words) : undefined
  }
  if (rest.type !== 'object' || Object.keys(rest.properties ?? {}).length < 2) return undefined
  const { examples: _examples, ...shape } = rest as typeof rest & { examples?: unknown }
  return JSON.stringify(shape)
}

function withoutNull(schema: Schema): Schema {
  const types = [schema.type].flat().filter(type => type !== 'null')
  return {
    ...schema,
    ...(types.length === 1 ? { type: types[0]! } : {}),
    ...(schema.enum === undefined ? {} : { enum: schema.enum.filter(value => value !== null) }),
  }
}
