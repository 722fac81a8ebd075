import { once } from 'node:events'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { startReceiver } from '@posthorn/testkit'
import { expect, it } from 'vitest'
import { inPlace, running, SECRET, serve } from './process.ts'

/** Counts connections. */
async function startTrap() {
  let connections = 0
  const server = createServer(socket => {
    connections++
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { port, connections: () => connections, close: () => server.close() }
}

it('C3: proxy variables, Alt-Svc, Location, Refresh and Link never redirect a delivery', { timeout: 60_000 }, () =>
  inPlace(async place => {
    const trap = await startTrap()
    const elsewhere = `localhost:${trap.port}`
    const receiver = await startReceiver({
      authority: place.authority,
      names: ['localhost'],
      script: (_request, nth) => ({
        status: [204, 307, 308, 200, 401, 305][nth % 6]!,
        headers: {
          'Alt-Svc': `h2="${elsewhere}"; ma=86400; persist=1, h3="${elsewhere}"; ma=86400`,
          Location: `https://${elsewhere}/`,
          'Content-Location': `https://${elsewhere}/`,
          Refresh: `0; url=https://${elsewhere}/`,
          Link: `<https://${elsewhere}/>; rel=preload`,
          Upgrade: 'h2c, websocket',
          'Proxy-Authenticate': 'Basic',
        },
      }),
    })
    const proxy = `http://${elsewhere}`
    const variables = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'GLOBAL_AGENT_HTTP_PROXY']
    const env = Object.fromEntries(variables.flatMap(name => [name, name.toLowerCase()].map(each => [each, proxy])))
    const server = running(
      await serve(place, {
        flags: ['--retry-schedule', '0.05,0.05,0.05,0.05,0.05'],
        env: { ...env, NODE_USE_ENV_PROXY: '1', NO_PROXY: '' },
      }),
    )
    await server.call('PUT', '/tenants/acme', {})
    await server.call('POST', '/tenants/acme/endpoints', { url: receiver.url, clientSecret: SECRET })
    const event = { type: 'COVER_REFERENCE', payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' } }
    for (let at = 0; at < 6; at++) await server.call('POST', '/tenants/acme/events', event)
    const states = async () => {
      const { body } = await server.call<{ data: { state: string }[] }>('GET', '/tenants/acme/deliveries')
      return body.data.map(({ state }) => state)
    }
    await expect.poll(states, { timeout: 20_000 }).not.toContain('pending')
    expect(receiver.total).toBeGreaterThan(6)
    expect(trap.connections()).toBe(0)
    server.kill('SIGTERM')
    await server.ended
    trap.close()
    await receiver.close()
  }),
)

it('the configured proxy is asked for every receiver but those of noProxy', { timeout: 60_000 }, () =>
  inPlace(async place => {
    const trap = await startTrap()
    const { certPem: cert, keyPem: key } = await place.authority.issue({ names: [], ips: ['127.0.0.1'] })
    const received: number[] = []
    const receivers = [0, 1].map(at =>
      createTlsServer({ cert, key }, (_request, response) => {
        received.push(at)
        response.writeHead(204).end()
      }).listen(0, '127.0.0.1'),
    )
    await Promise.all(receivers.map(receiver => once(receiver, 'listening')))
    const ports = receivers.map(receiver => (receiver.address() as AddressInfo).port)
    const server = running(
      await serve(place, {
        dev: false,
        flags: ['--allow-target', '127.0.0.0/8', '--retry-schedule', '600'],
        env: { POSTHORN_PROXY: `http://127.0.0.1:${trap.port}`, POSTHORN_NO_PROXY: `127.0.0.1:${ports[0]}` },
      }),
    )
    await server.call('PUT', '/tenants/acme', {})
    for (const port of ports) {
      const { status } = await server.call('POST', '/tenants/acme/endpoints', {
        url: `https://127.0.0.1:${port}/`,
        clientSecret: SECRET,
      })
      expect(status).toBe(201)
    }
    const payload = { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' }
    await server.call('POST', '/tenants/acme/events', { type: 'COVER_REFERENCE', payload })
    await expect.poll(() => [received.length, trap.connections()], { timeout: 20_000 }).toEqual([1, 1])
    expect(received).toEqual([0])
    server.kill('SIGTERM')
    await server.ended
    trap.close()
    for (const receiver of receivers) receiver.close()
  }),
)
