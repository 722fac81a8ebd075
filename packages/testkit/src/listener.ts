/** Shared by all receivers: a socket server on 127.0.0.1 that can be closed immediately, whatever it is doing. */
import type { Server, Socket } from 'node:net'

export type Listener = {
  readonly port: number
  /** Returns the TCP socket below a TLS socket, the only one that can be reset. */
  rawSocket(remotePort: number | undefined): Socket | undefined
  /** Stops listening and destroys every connection. */
  close(): Promise<void>
}

export async function listen(server: Server, port: number): Promise<Listener> {
  const sockets = new Map<number, Socket>()
  server.on('connection', (socket: Socket) => {
    const remotePort = socket.remotePort
    socket.on('error', () => {})
    if (remotePort === undefined) return // closed before it was accepted
    sockets.set(remotePort, socket)
    socket.on('close', () => {
      if (sockets.get(remotePort) === socket) sockets.delete(remotePort)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server does not listen on a port.')
  return {
    port: address.port,
    rawSocket: remotePort => (remotePort === undefined ? undefined : sockets.get(remotePort)),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of sockets.values()) socket.destroy()
      }),
  }
}

/** Calls `step` every `intervalMs` until the socket closes or `step` returns `done`. */
export function repeatWhileOpen(socket: Socket, intervalMs: number, step: () => 'again' | 'done'): void {
  const timer = setInterval(() => {
    if (step() === 'done') clearInterval(timer)
  }, intervalMs)
  socket.once('close', () => clearInterval(timer))
}
