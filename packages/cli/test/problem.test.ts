/** Errors as sentences. A server of this repository says most of them; one of another version is a stand-in. */
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addCommand, withNothing } from '../src/command.ts'
import { EXIT } from '../src/exit.ts'
import { keepingTerminal, type RanCommand, runPosthorn, startServer, type TestServer } from './setup.ts'

describe('what the API refuses', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer()
  })
  afterAll(() => server.end())

  it('is named field by field, with code 1', async () => {
    const args = ['keys', 'create', '--name', 'a key', '--scope', 'read', '--rate-limit', '0/0']
    const ran = await runPosthorn(args, { env: server.env })
    expect([ran.code, ran.stdout]).toEqual([1, ''])
    expect(ran.stderr).toMatch(/^posthorn: 2 values are invalid\. rateLimit\.requests: .+ rateLimit\.perSeconds: .+\n$/)
  })

  it('is named when it is a single field, unless the sentence does', async () => {
    await server.posthorn.tenants.put('acme')
    const single = async (...args: string[]) => (await runPosthorn(args, { env: server.env })).stderr
    expect(await single('publish', 'COVER_REFERENCE', '{"CoverId":"x"}', '--tenant', 'acme')).toBe(
      'posthorn: payload.CoverId: The value must be a valid UUID.\n',
    )
    expect(await single('deliveries', '--state', 'lost')).toMatch(/^posthorn: state: Each value must be one of /)
    expect(await single('deliveries', '--filter', '{')).toMatch(/^posthorn: The filter is not valid JSON/)
  })

  it('as it does not exist is named, with the tenant, and code 5', async () => {
    await server.posthorn.tenants.put('acme')
    const { url } = server
    const put = 'Choose one of posthorn tenants list, or create it: posthorn tenants put'
    for (const [args, sentence] of [
      [['deliveries', '--tenant', 'umbrella'], `There is no tenant umbrella at ${url}. ${put} umbrella`],
      [['tenants', 'get', 'a b'], `There is no tenant a b at ${url}. ${put} a b`],
      [['endpoints', 'get', 'x', '--tenant', 'acme'], `The endpoint x was not found in the tenant acme at ${url}.`],
      [['keys', 'get', 'key_x'], `The API key key_x was not found at ${url}.`],
    ] as const) {
      const ran = await runPosthorn(args, { env: server.env })
      expect([ran.code, ran.stderr]).toEqual([5, `posthorn: ${sentence}\n`])
    }
  })

  it.each([
    [['tenants', 'get', '']],
    [['tenants', 'put', '..']],
    [['deliveries', '--tenant', '']],
    [['endpoints', 'get', '.', '--tenant', 'acme']],
    [['deliveries', 'retry', 'dlv_1', '', '--tenant', 'acme']],
    [['login', '--url', 'http://localhost', '--tenant', '']],
  ])('%j is no fault of ours: no id can be empty', async args => {
    const ran = await runPosthorn(args, { env: server.env, input: 'key' })
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([2, '', expect.stringMatching(/^posthorn: "\.{0,2}" can't be/)])
  })

  it('because the key does not allow it, has code 4 and says which key it was', async () => {
    const { key } = await server.posthorn.apiKeys.create({ name: 'reader', scope: 'read' })
    const ran = await runPosthorn(['tenants', 'put', 'acme'], { env: { ...server.env, POSTHORN_API_KEY: key } })
    expect([ran.code, ran.stderr]).toEqual([4, expect.stringContaining('(API key from POSTHORN_API_KEY.)')])
  })
})

/** Runs a command against something that responds like this. */
async function against(respond: RequestListener, args = ['tenants', 'list', '--json']): Promise<RanCommand> {
  const server = createServer(respond).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    const env = { POSTHORN_URL: url, POSTHORN_API_KEY: 'key', XDG_CONFIG_HOME: '/nonexistent' }
    return await runPosthorn(args, { env })
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

describe('a server that is not what the command expects', () => {
  it('of another version is named with both versions', async () => {
    const errors = [{ field: 'path', detail: 'Unknown path.', reason: 'unknown_path' }]
    const problem = { title: 'Not found', status: 404, code: 'not_found', detail: 'No such path.', errors }
    const ran = await against((_request, response) => {
      response.writeHead(404, { 'content-type': 'application/problem+json', 'posthorn-version': '0.0.1' })
      response.end(JSON.stringify(problem))
    })
    expect([ran.code, ran.stdout]).toEqual([5, ''])
    expect(ran.stderr).toMatch(/This client is version [\d.]+, the server 0\.0\.1\..*upgrade the server\.\n$/)
  })

  it.each<[string, RequestListener]>([
    ['a page of HTML', (_request, response) => response.setHeader('content-type', 'text/html').end('<html>')],
    ['JSON that is no error', (_request, response) => response.writeHead(404).end('{}')],
    ['a redirect', (_request, response) => response.writeHead(302, { location: 'https://example.com' }).end()],
    ['half a response', request => request.socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{')],
    ['nothing', request => request.socket.destroy()],
    ['503', (_request, response) => response.writeHead(503, { 'retry-after': '100' }).end()],
  ])('and responds with %s is reported in one sentence, with code 3', async (_what, respond) => {
    const ran = await against(respond)
    expect([ran.code, ran.stdout]).toEqual([3, ''])
    expect(ran.stderr).toMatch(/^posthorn: .*http:\/\/127\.0\.0\.1:\d+[^`]*\.\n$/)
  })
})

it('four fields that are refused for the same reason are all named', async () => {
  const errors = ['/a', '/b/0', '/c', '/d'].map(field => ({ field, detail: 'This is wrong.' }))
  const problem = { title: 'Invalid', status: 422, code: 'invalid', detail: '4 values are invalid.', errors }
  const ran = await against((_request, response) => {
    response.writeHead(422, { 'content-type': 'application/problem+json' })
    response.end(JSON.stringify(problem))
  })
  const named = ['a', 'b.0', 'c', 'd'].map(field => `${field}: This is wrong.`).join(' ')
  expect([ran.code, ran.stderr]).toEqual([1, `posthorn: 4 values are invalid. ${named}\n`])
})

it('JSON of something else is no published event', async () => {
  const ran = await against(
    (_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}'),
    ['publish', 'A', '{}', '--tenant', 'acme'],
  )
  expect([ran.code, ran.stdout, ran.stderr]).toEqual([3, '', expect.stringContaining('not that of Posthorn')])
})

it('a fault of ours is one sentence too, with code 70', async () => {
  const { terminal, seen } = keepingTerminal()
  const broken = addCommand(new Command('posthorn'), 'broken', 'Fails.', [])
  withNothing(broken, terminal, () => Promise.reject(new TypeError('Cannot read properties of undefined\nmore')))
  await broken.parseAsync([], { from: 'user' })
  expect([seen.codes, seen.stdout]).toEqual([[EXIT.crash], ''])
  expect(seen.stderr).toMatch(/^posthorn: Unexpected error \(TypeError: Cannot read properties of undefined\)\. .+\n$/)
})
