import { createServer as createPlainServer, type RequestListener, type Server } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createAuthority } from '@posthorn/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { createLogger } from '../../src/base/logger.ts'
import { StartRefused } from '../../src/base/start-refused.ts'
import { issuerList } from '../../src/config/issuers.ts'
import { createIssuerFetch } from '../../src/server/issuer-fetch.ts'
import { createIssuers } from '../../src/server/issuers.ts'
import { IssuerUnreachable } from '../../src/services/single-sign-on/issuer.ts'

const GET = { method: 'GET', headers: {}, redirect: 'manual', body: undefined } as const
const authority = await createAuthority()
const servers: Server[] = []
let handle: RequestListener

async function listen(server: Server, protocol: string, host: string): Promise<string> {
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `${protocol}://${host}:${(server.address() as AddressInfo).port}/`
}

const respond: RequestListener = (request, response) => handle(request, response)

describe('calls to issuers', () => {
  let url: string
  let wrongName: string
  let plain: string

  beforeAll(async () => {
    const { certPem: cert, keyPem: key } = await authority.issue({ names: ['localhost'] })
    url = await listen(createServer({ cert, key }, respond), 'https', 'localhost')
    wrongName = url.replace('localhost', '127.0.0.1')
    plain = await listen(createPlainServer(respond), 'http', '127.0.0.1')
  })
  afterAll(() => {
    for (const server of servers) {
      server.close()
      server.closeAllConnections()
    }
  })

  it('trust the authorities of the setting, for the name of the URL', async () => {
    handle = (_request, response) => response.end('{}')
    const call = createIssuerFetch([authority.caPem])
    expect(await (await call(url, GET)).text()).toBe('{}')
    await expect(call(wrongName, GET)).rejects.toThrow(IssuerUnreachable)
    await expect(createIssuerFetch([])(url, GET)).rejects.toThrow(IssuerUnreachable)
    const { caPem } = await createAuthority()
    await expect(createIssuerFetch([caPem])(url, GET)).rejects.toThrow(IssuerUnreachable)
  })

  it('send the body with its length, and read the headers of the response', async () => {
    handle = (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', chunk => chunks.push(chunk))
      request.on('end', () => {
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify([request.method, request.headers['content-length'], String(Buffer.concat(chunks))]))
      })
    }
    const body = new URLSearchParams({ code: 'ä' })
    const response = await createIssuerFetch([])(plain, { ...GET, method: 'POST', body })
    expect(await response.json()).toEqual(['POST', '11', 'code=%C3%A4'])
    expect(response.headers.get('content-type')).toBe('application/json')
  })

  it('follow no redirect', async () => {
    handle = (_request, response) => response.writeHead(302, { location: plain }).end()
    expect((await createIssuerFetch([])(plain, GET)).status).toBe(302)
  })

  it.each<[string, RequestListener]>([
    ['is too large', (_request, response) => response.end('x'.repeat(1_048_577))],
    [
      'never ends',
      (_request, response) => {
        const timer = setInterval(() => response.write('x'.repeat(65_536)), 1)
        response.on('close', () => clearInterval(timer))
      },
    ],
    [
      'ends before it is complete',
      (_request, response) =>
        void response.writeHead(200, { 'content-length': '9' }).write('x', () => response.destroy()),
    ],
    ['has an odd status', (_request, response) => response.writeHead(600).end()],
  ])('fail if the response %s', async (_what, listener) => {
    handle = listener
    await expect(createIssuerFetch([])(plain, GET)).rejects.toThrow(IssuerUnreachable)
  })

  it('fail when their time is over, even if the response has begun', async () => {
    const controller = new AbortController()
    handle = (_request, response) => response.write('{', () => controller.abort(new Error('late')))
    await expect(createIssuerFetch([])(plain, { ...GET, signal: controller.signal })).rejects.toThrow(IssuerUnreachable)
  })
})

describe('an issuer without TLS', () => {
  const grants = [{ claim: 'groups', value: 'operators', scope: 'all' }]
  const given = [{ id: 'login', issuer: 'http://127.0.0.1:8080', clientId: 'posthorn', grants }]
  const parsed = issuerList().parse(given, { folder: '.', readFile: () => '', asText: false })
  const singleSignOn = parsed.ok ? parsed.value : []
  const { logger } = createLogger({ level: 'info', stdout: { write: () => {} } })
  const create = (dev: boolean) => createIssuers({ singleSignOn, extraCa: [], dev }, { clock: systemClock, logger })

  it('is for development only', () => {
    expect(create(true).map(({ settings: { id } }) => id)).toEqual(['login'])
    expect(() => create(false)).toThrow(StartRefused)
    expect(() => create(false)).toThrow('the issuer of login begins with http://')
  })
})
