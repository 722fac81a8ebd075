/** N13: a tenant's receivers have certificates that take long to verify, and no connection to them ever comes about. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Server } from 'node:tls'
import { type Certificate, makeCostlyChain } from '@posthorn/testkit'
import type { Setting } from '../setting.ts'
import { neighbourBench } from './neighbour.ts'
import { publishSteadily, registerAll } from './registering-attacker.ts'

const CERTIFICATES = 21
const PORTS = 16
const ENDPOINTS = 160
const PER_SECOND = 5

const servers: Server[] = []

/** Registers endpoints at ports of this process that all have the same certificate and never respond. */
async function registerAt({ posthorn }: Setting, tenant: string, { certPem, keyPem }: Certificate): Promise<void> {
  const ports: number[] = []
  for (let nth = 0; nth < PORTS; nth++) {
    const server = createServer({ cert: certPem, key: keyPem }, socket => socket.on('error', () => {}).end())
    server.on('tlsClientError', () => {})
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    servers.push(server)
    ports.push((server.address() as AddressInfo).port)
  }
  const urls = Array.from({ length: ENDPOINTS }, (_, nth) => `https://127.0.0.1:${ports[nth % PORTS]}/${nth}`)
  await registerAll(posthorn, tenant, urls)
}

export const costlyHandshakes = neighbourBench({
  id: 'N13',
  name: 'costly-handshakes',
  summary: "latency of a neighbour while a tenant's receivers have certificates that take long to verify",
  title: `The certificates of ${ENDPOINTS} endpoints of a tenant have a chain of ${CERTIFICATES} RSA keys with 16,384 bits`,
  factor: 1.2,
  async prepare(setting) {
    await registerAt(setting, 'harmless', await setting.authority.issue({ names: [], ips: ['127.0.0.9'] }))
    await registerAt(setting, 'attacker', makeCostlyChain(CERTIFICATES))
  },
  harmless: ({ posthorn }, signal) => publishSteadily(posthorn, 'harmless', PER_SECOND, signal),
  attack: ({ posthorn }, signal) => publishSteadily(posthorn, 'attacker', PER_SECOND, signal),
  end: async () => {
    for (const server of servers.splice(0)) server.close()
  },
  setup: { endpoints: ENDPOINTS, certificates: CERTIFICATES, attackPerSecond: PER_SECOND },
  notes: ['*Before*, the certificates are small, and for another address.'],
})
