import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import type { Json } from './setup.ts'

/**
 * Checks responses against the OpenAPI document: status, content type and body. The body must not have members that the
 * document does not name.
 */
class AnswerChecker {
  readonly #document: Json
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true, formats: { 'date-time': isTime, uri: true } })
  readonly #paths: { readonly pattern: RegExp; readonly operations: Json }[]
  readonly #validators = new Map<string, ValidateFunction>()

  constructor(document: Json) {
    this.#document = sealed(structuredClone(document))
    this.#ajv.addSchema({ $id: 'https://test/openapi', ...this.#document })
    // As the document has it, a path without parameters comes before one that matches it with some.
    const paths = Object.entries<Json>(this.#document.paths).sort(([a], [b]) => parametersOf(a) - parametersOf(b))
    this.#paths = paths.map(([path, operations]) => ({
      pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{[^}]+\}/g, '[^/]+')}$`),
      operations,
    }))
  }

  check(method: string, url: string, answer: { status: number; type: string; body: unknown; text: string }): string[] {
    const { status, type, body, text } = answer
    const operation = this.#operation(method, url.split(/[?#]/, 1)[0]!)
    if (operation === undefined) return this.#checkProblem(answer)
    const declared = operation.responses[String(status)]
    if (declared === undefined) return [`${status} is not declared`]
    if (declared.content === undefined) return text === '' ? [] : ['there should be no body']
    if (method === 'HEAD') return []
    const media = declared.content[type.split(';', 1)[0]!]
    if (media === undefined) return [`${type} is not declared for ${status}`]
    // A body that is not JSON is checked as a string.
    return this.#validate(media.schema, body === undefined ? text : body)
  }

  /** Unknown paths and methods must get a problem document too. */
  #checkProblem({ type, body, status }: { type: string; body: unknown; status: number }): string[] {
    if (type !== 'application/problem+json' && body !== undefined) return [`${type} is not a problem document`]
    if (body === undefined) return []
    if ((body as Json).status !== status) return ['the status in the body is different']
    return this.#validate({ $ref: '#/components/schemas/Problem' }, body)
  }

  #operation(method: string, path: string): Json {
    const lower = method === 'HEAD' ? 'get' : method.toLowerCase()
    return this.#paths.find(({ pattern }) => pattern.test(path))?.operations[lower]
  }

  #validate(schema: Json, body: unknown): string[] {
    const key = JSON.stringify(schema)
    let validate = this.#validators.get(key)
    if (validate === undefined) {
      validate = this.#ajv.compile(JSON.parse(key.replaceAll('"#/', '"https://test/openapi#/')))
      this.#validators.set(key, validate)
    }
    return validate(body) ? [] : this.#ajv.errorsText(validate.errors, { separator: '\n' }).split('\n')
  }
}

const parametersOf = (path: string): number => path.split('{').length

const checkers = new Map<string, AnswerChecker>()

/**
 * Returns the same checker for the same options, because writing the document and creating a checker take longer than
 * most tests.
 * @param options of the API. Its document depends on nothing else, and not on functions and other objects among them
 */
export function checkerOf(options: object, document: () => Json): AnswerChecker {
  const key = JSON.stringify(Object.entries(options).filter(([, value]) => Object(value) !== value))
  const checker = checkers.get(key) ?? new AnswerChecker(document())
  checkers.set(key, checker)
  return checker
}

function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text)
}

/** Forbids members that are not named, so that the document has to name all of them. */
function sealed(schema: Json): Json {
  if (typeof schema !== 'object' || schema === null) return schema
  if (schema.type === 'object' && schema.properties !== undefined && schema.additionalProperties === undefined) {
    schema.additionalProperties = false
  }
  for (const inner of Object.values(schema)) sealed(inner)
  return schema
}
