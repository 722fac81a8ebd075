/** From which of the machine's addresses others are reached. */
import { createSocket } from 'node:dgram'
import type { LookupAddress } from 'node:dns'

/** More addresses than this of a family are assumed to be reached like its first one. */
const MAX_ASKED = 16
const ANY_PORT = 9

/** The machine's address for each of these, or undefined if there is no route to it. */
export async function sourceOf(addresses: readonly LookupAddress[]): Promise<(string | undefined)[]> {
  const asked = new Map<number, Promise<string | undefined>[]>()
  return Promise.all(
    addresses.map(each => {
      const ofFamily = asked.get(each.family) ?? []
      asked.set(each.family, ofFamily)
      if (ofFamily.length < MAX_ASKED) ofFamily.push(askKernel(each))
      return ofFamily.length < MAX_ASKED ? ofFamily.at(-1)! : ofFamily[0]!
    }),
  )
}

/** Connecting a datagram socket sends nothing, but makes the kernel choose a route. */
function askKernel({ address, family }: LookupAddress): Promise<string | undefined> {
  return new Promise(resolve => {
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      lookup: (host, _options, callback) => callback(null, host, family),
    })
    const end = (source: string | undefined) => {
      socket.close()
      resolve(source)
    }
    socket.once('error', () => end(undefined)).once('connect', () => end(socket.address().address))
    socket.connect(ANY_PORT, address)
  })
}
