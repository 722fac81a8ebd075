/** Writes the class of a resource: one method for each operation with its tag. */
import { comment } from './comments.ts'
import type { ApiResponse, Document, Operation, Parameter, Schema } from './document.ts'
import type { TypeWriter } from './types.ts'
import { capital, classOf, methodOf } from './words.ts'

export type Call = { readonly method: string; readonly path: string; readonly operation: Operation }

const MAKES = 'Idempotency-Key'
/** Bodies with a type of the catalogue and its payload, which programs can have typed (src/event-payloads.ts). */
const TYPED_BODIES: readonly string[] = ['PublishEventsBody']

export function callsOf(document: Document): Call[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  )
}

/** The text of a resource's file, without its imports, and the names that it needs from elsewhere. */
export class ResourceWriter {
  readonly #types: TypeWriter
  readonly #usual: ReadonlySet<string>
  readonly #declared: (readonly [name: string, schema: Schema])[] = []
  #declarations = ''
  /** Functions and types of the runtime, by file. */
  readonly needs = new Map<string, Set<string>>([['connection.ts', new Set(['type Connection'])]])

  /** @param usual the error codes that any call can have */
  constructor(types: TypeWriter, usual: ReadonlySet<string>) {
    this.#types = types
    this.#usual = usual
  }

  resource(tag: string, calls: readonly Call[]): string {
    const methods = calls.map(call => this.#method(call, tag))
    const name = classOf(tag)
    return `${this.#declarations}
/** The calls of the API about ${/^[A-Z]{2}/.test(tag) ? tag : tag.toLowerCase()}. */
export class ${name} {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

${methods.join('\n')}}
`
  }

  #need(file: string, name: string): string {
    if (!this.needs.has(file)) this.needs.set(file, new Set())
    this.needs.get(file)!.add(name)
    return name.replace('type ', '')
  }

  #method(call: Call, tag: string): string {
    const { operation, path } = call
    const { parameters = [], operationId } = operation
    const inPath = parameters.filter(parameter => parameter.in === 'path')
    const query = this.#query(operation)
    const body = this.#body(operation)
    const makes = parameters.some(parameter => parameter.in === 'header' && parameter.name === MAKES)
    const success = successOf(operation)
    const isStream = success.some(({ content = {} }) => content['text/event-stream'] !== undefined)
    const options = isStream
      ? this.#need('stream.ts', 'type StreamOptions')
      : this.#need('options.ts', makes ? 'type MakingCallOptions' : 'type CallOptions')
    const argsWith = (bodyType: string) =>
      [
        ...inPath.map(({ name }) => `${name}: string`),
        ...(body === undefined ? [] : [`body${body.isRequired ? '' : '?'}: ${bodyType}`]),
        ...(query === undefined ? [] : [`query${query.isRequired ? '' : '?'}: ${query.type}`]),
        `options?: ${options}`,
      ].join(', ')
    const about = this.#about(call, inPath)
    const start = `  ${methodOf(operationId, tag)}(`
    const pathText = `${this.#need('path.ts', 'path')}\`${path.replaceAll(/\{(\w+)\}/g, '$${$1}')}\``
    const page = this.#page(operationId, success)
    if (page !== undefined) {
      const returns = `${this.#need('list.ts', 'type List')}<${page.item}, ${page.page}>`
      const queryText = query === undefined ? 'undefined' : 'query'
      const run = `${this.#need('list.ts', 'list')}(this.#connection, ${pathText}, ${queryText}, options)`
      return `${about}${start}${argsWith('')}): ${returns} {\nreturn ${run}\n}\n`
    }
    if (isStream) {
      const run = `${this.#need('stream.ts', 'stream')}(this.#connection, ${pathText}, query, options)`
      const returns = `AsyncGenerator<${this.#need('stream.ts', 'type StreamRecord')}, void>`
      return `${about}${start}${argsWith('')}): ${returns} {\nreturn ${run}\n}\n`
    }
    if (success.some(({ content = {} }) => content['application/x-ndjson'] !== undefined)) {
      const queryText = query === undefined ? 'undefined' : 'query'
      const run = `${this.#need('lines.ts', 'lines')}(this.#connection, ${pathText}, ${queryText}, options)`
      return `${about}${start}${argsWith('')}): AsyncGenerator<unknown, void> {\nreturn ${run}\n}\n`
    }
    const result = this.#result(operationId, success)
    const parts = [
      `method: '${call.method}', path: ${pathText}`,
      ...(query === undefined ? [] : ['query']),
      ...(body === undefined ? [] : ['body']),
      ...(makes ? ['makes: true'] : []),
    ]
    const read = result.reader === undefined ? '' : `, ${this.#need('responses.ts', result.reader)}`
    const run = `{\nreturn this.#connection.call({ ${parts.join(', ')} }, options${read})\n}\n`
    const whole = `${start}${argsWith(body?.type ?? '')}): Promise<${result.type}> ${run}`
    if (body === undefined || body.types.length === 1 || body.types.length !== result.types.length) return about + whole
    // Each form of the body has the response in the same place.
    const forms = body.types.map(
      (type, index) => `${about}${start}${argsWith(type)}): Promise<${result.types[index]}>\n`,
    )
    return forms.join('') + whole
  }

  #about({ method, path, operation }: Call, inPath: readonly Parameter[]): string {
    const codes = codesOf(operation).filter(code => !this.#usual.has(code))
    const shown = codes.map(code => `\`${code}\``)
    return comment(
      [
        `${operation.summary}: \`${method} ${path}\`.`,
        operation.description,
        ...inPath.map(({ name, description }) => (description === undefined ? '' : `@param ${name} ${description}`)),
        shown.length === 0 ? '' : `@throws ApiError with the codes that any call can have, or ${listed(shown)}.`,
      ],
      '  ',
    )
  }

  #declare(name: string, schema: Schema, way: 'in' | 'out', about: string): string {
    const same = this.#declared.find(([, known]) => JSON.stringify(known) === JSON.stringify(schema))
    if (same !== undefined) return same[0]
    this.#declarations += TYPED_BODIES.includes(name)
      ? `\n${this.#typed(name, schema, about)}`
      : `\n${this.#types.declaration(name, schema, way, [about], this.#declared)}`
    this.#declared.push([name, schema])
    return name
  }

  #typed(name: string, schema: Schema, about: string): string {
    const { type: _type, payload: _payload, ...others } = schema.properties ?? {}
    const place = { owner: name, member: '', isDeclared: true }
    const text = this.#types.type({ ...schema, properties: others }, 'in', place)
    const typed = this.#need('../event-payloads.ts', 'type TypedEvent')
    return `${comment([about], '')}export type ${name} = ${typed} & ${text}\n`
  }

  #query({ operationId, summary, parameters = [] }: Operation) {
    const inQuery = parameters.filter(parameter => parameter.in === 'query')
    if (inQuery.length === 0) return undefined
    const properties = Object.fromEntries(
      inQuery.map(({ name, description, schema }) => [
        name,
        { ...schema, ...(description === undefined ? {} : { description }) },
      ]),
    )
    const required = inQuery.filter(parameter => parameter.required === true).map(({ name }) => name)
    const schema: Schema = { type: 'object', properties, required }
    const name = `${capital(operationId)}Query`
    return { type: this.#declare(name, schema, 'in', `Query of: ${summary}.`), isRequired: required.length > 0 }
  }

  #body({ operationId, summary, requestBody }: Operation) {
    if (requestBody?.content['application/octet-stream'] !== undefined) {
      return { type: 'Uint8Array', types: ['Uint8Array'], isRequired: true }
    }
    const schema = requestBody?.content['application/json']?.schema
    // A body that can only be empty is left out.
    if (schema === undefined || (schema.properties !== undefined && Object.keys(schema.properties).length === 0)) {
      return undefined
    }
    const name = `${capital(operationId)}Body`
    const isRequired = requestBody?.required === true
    const about = `Body of: ${summary}.`
    const place = { owner: name, member: '' }
    const [one, many] = schema.anyOf ?? []
    if (one?.type === 'object' && many?.type === 'array' && JSON.stringify(many.items) === JSON.stringify(one)) {
      const type = this.#declare(name, one, 'in', about)
      const types = [type, `readonly ${type}[]`]
      return { type: types.join(' | '), types, isRequired }
    }
    if (schema.type !== 'object') {
      const type = this.#types.type(schema, 'in', place)
      return { type, types: [type], isRequired }
    }
    const type = this.#declare(name, schema, 'in', about)
    return { type, types: [type], isRequired }
  }

  #page(operationId: string, success: readonly ApiResponse[]) {
    const schema = success[0]?.content?.['application/json']?.schema
    const { data, nextCursor, prevCursor, ...others } = schema?.properties ?? {}
    if (data?.items === undefined || nextCursor === undefined || prevCursor === undefined) return undefined
    const item = this.#types.type(data.items, 'out', { owner: capital(operationId), member: 'data' })
    const page = `${this.#need('list.ts', 'type Page')}<${item}>`
    if (Object.keys(others).length === 0) return { item, page }
    const name = `${capital(operationId)}Page`
    const same = this.#declared.find(([, known]) => JSON.stringify(known) === JSON.stringify(schema))
    if (same !== undefined) return { item, page: same[0] }
    const more = { ...schema, properties: others }
    const text = this.#types.type(more, 'out', { owner: name, member: '' })
    this.#declarations += `\n${comment([schema!.description], '')}export type ${name} = ${page} & ${text}\n`
    this.#declared.push([name, schema!])
    return { item, page: name }
  }

  #result(operationId: string, success: readonly ApiResponse[]) {
    const types: string[] = []
    let reader: string | undefined
    for (const { content = {}, description } of success) {
      const json = content['application/json']
      if (json !== undefined) types.push(...this.#responseTypes(operationId, json.schema, description))
      else if ((content['text/plain'] ?? content['text/html']) !== undefined) {
        types.push('string')
        reader = 'readText'
      } else if (Object.keys(content).some(type => type.startsWith('image/'))) {
        types.push('Uint8Array')
        reader = 'readBytes'
      } else if (Object.keys(content).length === 0) {
        types.push('void')
        reader = 'readNothing'
      } else throw new Error(`${operationId}: the generator doesn't know ${Object.keys(content).join(', ')}`)
    }
    const distinct = [...new Set(types)]
    return { type: distinct.join(' | '), types: distinct, reader }
  }

  #responseTypes(operationId: string, schema: Schema, description: string): string[] {
    const name = `${capital(operationId)}Result`
    if (schema.anyOf !== undefined) {
      return schema.anyOf.flatMap(one => this.#responseTypes(operationId, one, description))
    }
    if (schema.properties === undefined) return [this.#types.type(schema, 'out', { owner: name, member: '' })]
    return [this.#declare(name, schema, 'out', description)]
  }
}

const listed = (words: readonly string[]) =>
  words.length === 1 ? words[0]! : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`

function successOf({ responses }: Operation): ApiResponse[] {
  return Object.entries(responses)
    .filter(([status]) => /^2/.test(status))
    .map(([, response]) => response)
}

/** The document names the codes of a status only in its description. */
export function codesOf({ responses }: Operation): string[] {
  const refusals = Object.entries(responses).filter(([status]) => /^[45]/.test(status))
  return refusals.flatMap(([, { description }]) => [...description.matchAll(/`(\w+)`: /g)].map(([, code]) => code!))
}

/** The codes that every call with a key that reads, or every one that changes something, can be refused with. */
export function usualCodes(calls: readonly Call[]): ReadonlySet<string> {
  const keyed = calls.filter(({ path }) => path.startsWith('/v1/'))
  const common = (ones: readonly Call[]) => {
    const all = ones.map(({ operation }) => new Set(codesOf(operation)))
    return [...(all[0] ?? [])].filter(code => all.every(codes => codes.has(code)))
  }
  const writes = keyed.filter(({ method }) => method !== 'GET')
  const making = writes.filter(({ operation }) => operation.parameters?.some(({ name }) => name === MAKES))
  return new Set([...common(keyed), ...common(writes), ...common(making)])
}
