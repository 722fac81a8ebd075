/** A receiver on this machine, whose status the test decides. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export type TestReceiver = {
  /** Ends with a slash. Each path is an endpoint of its own. */
  readonly url: string
  /** By path. Default: 200. */
  readonly statuses: Map<string, number>
  /** The requests that came, by path. */
  readonly counts: Map<string, number>
  readonly end: () => Promise<void>
}

export async function startReceiver(): Promise<TestReceiver> {
  const statuses = new Map<string, number>()
  const counts = new Map<string, number>()
  const server = createServer((request, response) => {
    const path = request.url!.slice(1)
    counts.set(path, (counts.get(path) ?? 0) + 1)
    request.resume()
    request.on('end', () => {
      response.statusCode = statuses.get(path) ?? 200
      response.setHeader('x-shop', 'open')
      response.end('what the receiver says')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    statuses,
    counts,
    async end() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
