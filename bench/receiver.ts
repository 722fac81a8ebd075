/** A process that is the receiver: HTTPS by TLS 1.3, kept connections, 204 to every request, and a count. */
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { answerCommands } from './child.ts'

export type ReceiverCommand =
  | { readonly kind: 'listen'; readonly certPem: string; readonly keyPem: string }
  /** Answers once so many requests have come since the start. */
  | { readonly kind: 'waitFor'; readonly total: number; readonly timeoutMs: number }

/** `value`: the port for `listen`, the requests so far for `waitFor`. */
export type ReceiverAnswer = { readonly value: number }

let total = 0
let waited: { total: number; resolve: () => void } | undefined

answerCommands(async (command: ReceiverCommand): Promise<ReceiverAnswer> => {
  if (command.kind === 'listen') return { value: await listen(command.certPem, command.keyPem) }
  await waitFor(command.total, command.timeoutMs)
  return { value: total }
})

function listen(cert: string, key: string): Promise<number> {
  const server: Server = createServer({ cert, key, minVersion: 'TLSv1.3', keepAliveTimeout: 60_000 })
  server.on('request', (request, response) => {
    request.resume()
    request.on('end', () => {
      response.writeHead(204)
      response.end()
      total++
      if (waited !== undefined && total >= waited.total) waited.resolve()
    })
  })
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  server.on('error', reject)
  server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  return promise
}

function waitFor(wanted: number, timeoutMs: number): Promise<void> {
  if (total >= wanted) return Promise.resolve()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Error(`${total} of ${wanted} requests came in time`)), timeoutMs)
  waited = { total: wanted, resolve }
  return promise.finally(() => {
    clearTimeout(timer)
    waited = undefined
  })
}
