/** A small OTLP collector: accepts JSON over HTTP and keeps what it receives. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

type Attribute = { readonly key: string; readonly value: Readonly<Record<string, unknown>> }

export type CollectedSpan = {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly attributes: readonly Attribute[]
  readonly status: { readonly code?: number }
}

// biome-ignore lint/suspicious/noExplicitAny: JSON as it comes
type Json = any

export type Collector = {
  readonly url: string
  readonly spans: CollectedSpan[]
  /** The metrics of the latest export, by name. */
  readonly metrics: Map<string, Json>
  /** Attributes of the sender. */
  readonly resource: Map<string, unknown>
  readonly headers: Readonly<Record<string, unknown>>[]
  close(): Promise<void>
}

const plain = ({ value }: Attribute): unknown => Object.values(value)[0]

/** An attribute's value. */
export const attributeOf = (span: CollectedSpan, key: string): unknown =>
  span.attributes.filter(attribute => attribute.key === key).map(plain)[0]

export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = []
  const metrics = new Map<string, Json>()
  const resource = new Map<string, unknown>()
  const headers: Record<string, unknown>[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body: Json = JSON.parse(Buffer.concat(chunks).toString())
    headers.push(request.headers)
    for (const of of [...(body.resourceSpans ?? []), ...(body.resourceMetrics ?? [])]) {
      for (const attribute of of.resource.attributes) resource.set(attribute.key, plain(attribute))
      for (const scope of of.scopeSpans ?? []) spans.push(...scope.spans)
      for (const scope of of.scopeMetrics ?? []) {
        for (const metric of scope.metrics) metrics.set(metric.name, metric)
      }
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    metrics,
    resource,
    headers,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
