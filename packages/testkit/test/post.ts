import type { OutgoingHttpHeaders } from 'node:http'
import { Agent, request } from 'node:https'

export type Outcome = { readonly status: number; readonly body: string } | { readonly error: string }

/** Makes one POST with a timeout. Returns errors as values. */
export function post(
  url: string,
  options: { ca: string; headers?: OutgoingHttpHeaders; body?: string; agent?: Agent; timeoutMs?: number },
): Promise<Outcome> {
  const { ca, headers = {}, body = '{}', timeoutMs = 5_000 } = options
  const agent = options.agent ?? new Agent()
  return new Promise(resolve => {
    const fail = (error: Error) => resolve({ error: 'code' in error ? String(error.code) : error.name })
    const outgoing = request(
      url,
      {
        method: 'POST',
        ca,
        agent,
        headers: { 'content-length': Buffer.byteLength(body), ...headers },
        signal: AbortSignal.timeout(timeoutMs),
      },
      response => {
        let text = ''
        response.on('data', chunk => {
          text += chunk
        })
        response.on('error', fail)
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
      },
    )
    outgoing.on('error', fail)
    outgoing.end(body)
  })
}
