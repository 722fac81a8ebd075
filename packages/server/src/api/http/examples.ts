/** Examples of calls in the OpenAPI document. They are recorded from real ones (test/api/examples.test.ts). */

/** One call of an operation, and its response. */
export type CallExample = {
  /** What it shows, if the operation has several. */
  readonly title?: string
  /** Path parameters. */
  readonly path?: Readonly<Record<string, string>>
  /** Query parameters. */
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly status: number
  /** The body of the response; left out if there is none. Text, if it is not JSON. */
  readonly response?: unknown
}

/** By operation. */
export type Examples = Readonly<Record<string, readonly CallExample[]>>

type Media = { example?: unknown; examples?: unknown }
type Content = Record<string, Media>
type Operation = {
  operationId?: string
  parameters?: { in: string; name: string; schema?: { type?: string }; example?: unknown }[]
  requestBody?: { content?: Content }
  responses?: Record<string, { content?: Content }>
}

/** Adds to each operation of a document the examples of its parameters, its body and its responses. */
export function addExamples<Document extends { paths?: object }>(document: Document, examples: Examples): Document {
  for (const path of Object.values(document.paths ?? {})) {
    for (const operation of Object.values(path as Record<string, Operation>)) {
      const calls = examples[operation.operationId ?? ''] ?? []
      addParameters(operation, calls)
      addTo(
        operation.requestBody?.content,
        namedValues(calls, ({ body }) => body),
      )
      for (const [status, response] of Object.entries(operation.responses ?? {})) {
        const own = calls.filter(call => String(call.status) === status)
        addTo(
          response.content,
          namedValues(own, call => call.response),
        )
      }
    }
  }
  return document
}

function addParameters({ parameters = [] }: Operation, calls: readonly CallExample[]): void {
  for (const parameter of parameters) {
    const values = calls.map(({ path, query }) => (parameter.in === 'path' ? path : query)?.[parameter.name])
    const example = values.find(value => value !== undefined)
    if (example !== undefined) parameter.example = parameter.schema?.type === 'integer' ? Number(example) : example
  }
}

type Named = { readonly title: string; readonly value: unknown }

function namedValues(calls: readonly CallExample[], pick: (call: CallExample) => unknown): Named[] {
  const named = calls.map(call => ({ title: call.title ?? 'Example', value: pick(call) }))
  return named.filter(({ value }) => value !== undefined)
}

/** To the first media type, which is that of the call itself; the others are of problems. */
function addTo(content: Content | undefined, values: readonly Named[]): void {
  const [media] = Object.values(content ?? {})
  if (media === undefined || values.length === 0) return
  delete media.examples
  if (values.length === 1) media.example = values[0]!.value
  else media.examples = Object.fromEntries(values.map(({ title, value }) => [title, { value }]))
}
