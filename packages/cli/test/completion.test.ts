/** What is completed, without a shell. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CLIENT_SECRET, runPosthorn, startServer, type TestServer } from './setup.ts'

let server: TestServer
const ids = { endpoint: '', event: '', delivery: '', key: '' }
beforeAll(async () => {
  server = await startServer()
  const { posthorn } = server
  await posthorn.tenants.put('acme', { name: 'Acme\tLtd' })
  await posthorn.tenants.put('beta')
  const schema = { type: 'object', required: ['a'], properties: { a: { type: 'integer' } } }
  await posthorn.eventTypes.put('a.type', { group: 'tests', description: 'Of a test.', schema, example: { a: 1 } })
  const endpoint = await posthorn.endpoints.create('acme', { url: 'http://127.0.0.1:9/', clientSecret: CLIENT_SECRET })
  const event = await posthorn.events.publish('acme', { type: 'a.type', payload: { a: 1 } })
  const [delivery] = (await posthorn.deliveries.list('acme')).data
  const key = await posthorn.apiKeys.create({ name: 'a key', scope: 'read' })
  Object.assign(ids, { endpoint: endpoint.id, event: event.id, delivery: delivery!.id, key: key.id })
})
afterAll(() => server.end())

/** The values that are offered for the last word, or `:files`. */
async function complete(words: readonly string[], env = server.env): Promise<string[]> {
  const ran = await runPosthorn(['__complete', '--', ...words], { env })
  expect([ran.code, ran.stderr]).toEqual([0, ''])
  const [kind, ...lines] = ran.stdout.trimEnd().split('\n')
  return kind === ':words' ? lines.map(line => line.split('\t')[0]!) : [kind!]
}

describe('completion', () => {
  it('offers commands, then verbs, and nothing that is hidden', async () => {
    const commands = await complete([''])
    expect(commands).toEqual(expect.arrayContaining(['serve', 'doctor', 'login', 'tenants', 'completion']))
    expect(commands).not.toContain('__complete')
    expect(await complete(['tenants', ''])).toEqual(expect.arrayContaining(['list', 'get', 'put']))
  })

  it.each([
    [
      ['serve', '--max-b'],
      ['--max-body-bytes', '--max-batch'],
    ],
    [['tenants', 'list', '--te'], ['--text']],
    [
      ['keys', 'create', '--scope', ''],
      ['all', 'publish', 'read'],
    ],
    [['keys', 'create', '--scope=r'], ['--scope=read']],
    [['keys', 'create', '--name', 'tenants', '--scope', 'p'], ['publish']],
    [
      ['tenants', 'get', ''],
      ['acme', 'beta'],
    ],
    [['tenants', 'get', 'A'], []],
    [['keys', 'create', '--tenant=a'], ['--tenant=acme']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['backup', ''], [':files']],
    [['tenants', 'get', 'acme', ''], []],
    [['nonsense', 'more', ''], []],
    [['tenants', 'list', '--nonsense=', ''], []],
  ])('%j is completed with %j', async (words, candidates) => {
    expect(await complete(words)).toEqual(candidates)
  })

  it('does not offer a flag twice, nor a value where none belongs', async () => {
    expect(await complete(['tenants', 'list', '--text', 'a', '--te'])).toEqual([])
    expect(await complete(['tenants', 'list', '--all', '--li'])).toEqual(['--limit'])
  })

  it('offers ids of keys', async () => {
    expect(await complete(['keys', 'revoke', ''])).toEqual([ids.key])
  })

  it.each(['http://127.0.0.1:1', 'nonsense', ''])('offers nothing, silently, without a server (%j)', async url => {
    expect(await complete(['tenants', 'get', ''], { ...server.env, POSTHORN_URL: url })).toEqual([])
    expect(await complete(['tenants', 'get', '--url', url, ''])).toEqual([])
  })

  it('offers nothing for a wrong key', async () => {
    expect(await complete(['tenants', 'get', ''], { ...server.env, POSTHORN_API_KEY: 'wrong' })).toEqual([])
  })
})
