import { expect } from 'vitest'
import type { CallExample } from '../../../src/api/http/examples.ts'
import type { Answer, ApiBench, Json } from '../setup.ts'
import { Fakes } from './fakes.ts'

export type Call = {
  readonly path?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Sent instead of the key. Not shown. */
  readonly headers?: Readonly<Record<string, string>>
  /** What it shows, if the operation has several examples. */
  readonly title?: string
  /** The part of the response that is kept. Default: all of it. */
  readonly pick?: (body: Json) => Json
}

const POSITION = '3f1c0a9e5d7b2468.7821'

type Recorded = { readonly [operationId: string]: CallExample[] }

/** Makes calls, and keeps them with their responses as examples. */
export class Recorder {
  readonly bench: ApiBench
  readonly #fakes = new Fakes()
  /** The response to the latest call. */
  latest: Answer | undefined
  #recorded: { [operationId: string]: CallExample[] } = {}

  constructor(bench: ApiBench) {
    this.bench = bench
  }

  /** Makes a call that must succeed, and keeps it. */
  async record(operationId: string, call: Call = {}): Promise<Json> {
    const { path = {}, query = {}, body, headers, title, pick = kept => kept } = call
    const { method, template } = this.#find(operationId)
    const filled = template.replaceAll(/\{(\w+)\}/g, (_match, name) => encodeURIComponent(path[name]!))
    const search = new URLSearchParams(query).toString()
    const url = search === '' ? filled : `${filled}?${search}`
    const answer = await this.bench.send(method, url, {
      ...(body === undefined ? {} : { body }),
      ...(headers === undefined ? {} : { headers, key: null }),
    })
    this.latest = answer
    expect(answer.status, `${operationId}: ${answer.text.slice(0, 500)}`).toBeLessThan(300)
    const response = answer.body === undefined ? this.#plain(answer.text) : this.#fakes.of(pick(answer.body))
    const sent = this.#fakes.of({ path, query, body })
    const example = exampleOf({ title, ...sent }, answer.status, response)
    this.#recorded[operationId] = [...(this.#recorded[operationId] ?? []), example]
    return answer.body
  }

  /** Text that is not one JSON value can be one for each line. */
  #plain(text: string): string {
    if (text.startsWith(':\nid: ')) return this.#stream(text)
    if (!text.startsWith('{')) return text
    const lines = text.trimEnd().split('\n')
    return lines.map(line => `${JSON.stringify(this.#fakes.of(JSON.parse(line)))}\n`).join('')
  }

  #stream(text: string): string {
    const lines = text.split('\n').map(line => {
      if (line.startsWith('id: ')) return `id: ${POSITION}`
      return line.startsWith('data: ') ? `data: ${JSON.stringify(this.#fakes.of(JSON.parse(line.slice(6))))}` : line
    })
    return lines.join('\n')
  }

  /** Shows a text of the recording as another one from now on. */
  show(real: string, shown: string): void {
    this.#fakes.add(real, shown)
  }

  /** What was recorded since the last time. */
  take(): Recorded {
    const recorded = this.#recorded
    this.#recorded = {}
    return recorded
  }

  #find(operationId: string): { method: string; template: string } {
    for (const [template, item] of Object.entries(this.bench.document.paths as Json)) {
      for (const [method, operation] of Object.entries(item as Json) as [string, Json][]) {
        if (operation.operationId !== operationId) continue
        // Relative to the document, which is at the root.
        const [server] = operation.servers ?? []
        return { method: method.toUpperCase(), template: `${server?.url.slice(1) ?? ''}${template}` }
      }
    }
    throw new Error(`there is no operation ${operationId}`)
  }
}

function exampleOf({ title, path, query, body }: Json, status: number, response: Json): CallExample {
  return {
    ...(title === undefined ? {} : { title }),
    ...(isEmpty(path) ? {} : { path }),
    ...(isEmpty(query) ? {} : { query }),
    ...(body === undefined ? {} : { body }),
    status,
    ...(response === '' ? {} : { response }),
  }
}

const isEmpty = (value: object): boolean => Object.keys(value).length === 0
