import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { attemptsOf, SECRET, WAIT } from './failing-setup.ts'
import { cover, inFolder, startPosthorn } from './harness.ts'

const PENDING = 100

describe('C11: a receiver that requires a client certificate', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'C11: is probed, and its deliveries wait, whenever it says so (%s)',
    version =>
      inFolder(async (folder, authority) => {
        const { certPem: cert, keyPem: key } = await authority.issue({ names: ['localhost'], ips: ['127.0.0.1'] })
        const options = { cert, key, ca: authority.caPem, requestCert: true, rejectUnauthorized: true }
        const arrivals: number[] = []
        const server = createServer({ ...options, maxVersion: version })
          .on('connection', () => arrivals.push(performance.now()))
          .on('tlsClientError', () => {})
        server.listen(0, '127.0.0.1')
        await once(server, 'listening')
        const posthorn = await startPosthorn(folder, authority, { retrySchedule: [30, 30] })
        await posthorn.tenants.put('acme', {})
        const url = `https://localhost:${(server.address() as AddressInfo).port}/`
        await posthorn.endpoints.create('acme', { url, clientSecret: SECRET })
        await posthorn.publish(
          'acme',
          Array.from({ length: PENDING }, (_, index) => cover(index)),
        )
        await expect.poll(() => attemptsOf(posthorn), WAIT).toBeGreaterThan(8)
        // The pause after the eighth attempt is at least half of 30 s / 512 × 2⁵.
        expect(arrivals[8]! - arrivals[7]!).toBeGreaterThan(500)
        expect(attemptsOf(posthorn)).toBeLessThan(PENDING / 2)
        const attempts = posthorn.lines.filter(({ msg }) => msg === 'attempt')
        for (const { errorCode, detail, why } of attempts) {
          expect({ errorCode, detail }).toEqual({ errorCode: 'tls_failed', detail: 'client_certificate_required' })
          expect(why).toContain('requires a client certificate')
        }
        await posthorn.stop()
        server.close()
      }),
  )
})
