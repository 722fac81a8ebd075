/**
 * N3: a tenant with 400 endpoints on names whose server doesn't respond. Before, the server says that there are no such
 * names. The neighbour's receiver has a name too and closes each connection, so each of its deliveries needs a
 * connection of its own. Posthorn runs in a mount namespace with a `resolv.conf` that leads to the bench's name server:
 * only as root, on Linux.
 */
import { type NameReply, startNameServer } from '@posthorn/testkit'
import type { Bench } from '../definition.ts'
import { neighbourBench } from './neighbour.ts'
import { publishSteadily, registerAll } from './registering-attacker.ts'

const ENDPOINTS = 400
const PER_SECOND = 0.5
const SERVER_ADDRESS = '127.0.53.53'
const HOST = 'neighbour.localhost'
const names = (kind: 'absent' | 'dead') =>
  Array.from({ length: ENDPOINTS }, (_, index) => `https://${kind}-${index}.example.com/hook`)

const bench = neighbourBench({
  id: 'N3',
  name: 'neighbour-of-lookups',
  summary: "a neighbour's p99 while the server of a tenant's 400 names doesn't respond",
  title: `Latency of a tenant while the server of another's ${ENDPOINTS} names doesn't respond`,
  factor: 1.2,
  resolvConf: `nameserver ${SERVER_ADDRESS}\n`,
  neighbourHost: HOST,
  receiver: { closes: true },
  async prepare({ posthorn }, say) {
    await registerAll(posthorn, 'absent', names('absent'))
    await registerAll(posthorn, 'dead', names('dead'))
    say(`${ENDPOINTS} endpoints on absent names, ${ENDPOINTS} on dead ones`)
  },
  harmless: ({ posthorn }, signal) => publishSteadily(posthorn, 'absent', PER_SECOND, signal),
  attack: ({ posthorn }, signal) => publishSteadily(posthorn, 'dead', PER_SECOND, signal),
  setup: { endpoints: ENDPOINTS, attackPerSecond: PER_SECOND },
})

export const lookups: Bench = {
  ...bench,
  async run(options, say) {
    if (process.getuid?.() !== 0)
      throw new Error('N3 needs root, for a mount namespace and port 53 of a loopback address.')
    const server = await startNameServer({
      address: SERVER_ADDRESS,
      port: 53,
      answer({ name, type }): NameReply {
        if (name.startsWith('dead-')) return 'silent'
        if (name !== HOST) return { code: 'NXDOMAIN' }
        return { records: type === 'A' ? [{ a: '127.0.0.1', ttl: 1 }] : [] }
      },
    })
    try {
      return await bench.run(options, say)
    } finally {
      await server.close()
    }
  },
}
