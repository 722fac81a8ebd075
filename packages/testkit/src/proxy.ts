/** A TCP proxy to a port of this machine that can simulate a network failure: packets are lost without an error. */
import { connect, createServer, type Socket } from 'node:net'
import { type Listener, listen } from './listener.ts'

export type TcpProxy = {
  readonly port: number
  /** Connections so far. */
  readonly connections: number
  /** Blocks the connections that are open now; with `all`, new ones as well. */
  cut(which: 'open' | 'all'): void
  /** Lets new connections pass again. */
  mend(): void
  close(): Promise<void>
}

export async function startProxy(targetPort: number): Promise<TcpProxy> {
  let connections = 0
  let isCut = false
  const open = new Set<readonly [Socket, Socket]>()
  const server = createServer(near => {
    connections++
    near.on('error', () => {})
    // Accept the connection, but never respond.
    if (isCut) return void near.resume()
    const far = connect(targetPort, '127.0.0.1')
    far.on('error', () => near.destroy())
    const pair = [near, far] as const
    open.add(pair)
    near.pipe(far)
    far.pipe(near)
    for (const socket of pair) {
      socket.on('close', () => {
        // A blocked connection is no longer in the set: its other side must not notice the close.
        if (open.delete(pair)) for (const each of pair) each.destroy()
      })
    }
  })
  const listener: Listener = await listen(server, 0)
  const cutOff: Socket[] = []
  return {
    port: listener.port,
    get connections() {
      return connections
    },
    cut(which) {
      isCut = which === 'all'
      for (const [near, far] of open) {
        near.unpipe(far)
        far.unpipe(near)
        near.resume()
        far.resume()
        cutOff.push(far)
      }
      open.clear()
    },
    mend() {
      isCut = false
    },
    async close() {
      for (const socket of cutOff) socket.destroy()
      await listener.close()
    },
  }
}
