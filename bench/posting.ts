/** Makes single POSTs over a keep-alive connection, for the processes that publish. */
import type { Client } from './undici.ts'

export type Post = {
  readonly path: string
  /** Alternating names and values. */
  readonly headers: readonly string[]
  readonly body?: Buffer
  /** The expected status; any other is an error. */
  readonly status: number
}

/** Resolves with the response body once it is complete. */
export function post(client: Client, { path, headers, body, status }: Post): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let answered = 0
  let text = ''
  client.dispatch(
    { method: 'POST', path, headers, ...(body === undefined ? {} : { body }) },
    {
      onRequestStart() {},
      onResponseStart(_controller, answer) {
        answered = answer
      },
      onResponseData(_controller, chunk) {
        text += chunk.toString()
      },
      onResponseEnd: () =>
        answered === status ? resolve(text) : reject(new Error(`${path} returned ${answered}: ${text}`)),
      onResponseError: (_controller, error) => reject(error),
    },
  )
  return promise
}

export const publishingHeaders = (apiKey: string): readonly string[] => [
  'Authorization',
  `Bearer ${apiKey}`,
  'Content-Type',
  'application/json',
]
