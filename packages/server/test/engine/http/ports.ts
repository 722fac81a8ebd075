import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'

/** Lets a server listen at any free port. */
export async function listening<S extends Server>(server: S, host = '127.0.0.1'): Promise<S> {
  server.listen(0, host)
  await once(server, 'listening')
  return server
}

export const portOf = (server: Server): number => (server.address() as AddressInfo).port
