import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RunOptions, runPosthorn, startServer, type TestServer } from '../setup.ts'
import { startReceiver, type TestReceiver } from './receiver.ts'

// cspell:ignore REFERNCE

const SECRET = 'c2VjcmV0LW9mLXRlc3RzLW9mLWNvbW1hbmRz'

let server: TestServer
let receiver: TestReceiver
let tenant: string

beforeAll(async () => {
  ;[server, receiver] = await Promise.all([startServer(), startReceiver()])
})
afterAll(() => Promise.all([server.end(), receiver.end()]))
beforeEach(async () => {
  tenant = `tenant-${randomBytes(4).toString('hex')}`
  await server.posthorn.tenants.put(tenant)
})

const run = (args: readonly string[], options: RunOptions = {}) => runPosthorn(args, { env: server.env, ...options })
const ofTenant = (args: readonly string[], options: RunOptions = {}) => run([...args, '--tenant', tenant], options)

function file(name: string, content: unknown): string {
  const path = join(server.folder, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

describe('endpoints', () => {
  it('are registered with a secret from standard input, changed, tested and deleted', async () => {
    const url = `${receiver.url}${tenant}`
    const flags = [
      '--uid',
      'shop',
      '--types',
      'COVER_REFERENCE',
      '--rate-limit',
      '100/60',
      '--timeout-ms',
      '2000',
      '--client-secret-file',
      '-',
    ]
    const made = await ofTenant(['endpoints', 'create', url, ...flags, '--json'], { input: `${SECRET}\n` })
    expect([made.code, made.stderr]).toEqual([0, ''])
    expect(made.documents()).toEqual([
      expect.objectContaining({
        url,
        types: ['COVER_REFERENCE'],
        rateLimit: { requests: 100, perSeconds: 60 },
        timeoutMs: 2_000,
        signingSecret: expect.stringMatching(/^whsec_/),
      }),
    ])
    expect(made.stdout).not.toContain(SECRET)
    const changed = await ofTenant([
      'endpoints',
      'update',
      'shop',
      '--name',
      'The shop',
      '--clear',
      'rateLimit',
      '--json',
    ])
    expect(changed.documents()).toEqual([
      expect.objectContaining({ name: 'The shop', rateLimit: null, timeoutMs: 2_000 }),
    ])
    const test = await ofTenant(['endpoints', 'test', 'shop'])
    expect([test.code, test.stdout]).toEqual([
      0,
      expect.stringMatching(/^200 after \d+ ms, to a test of COVER_REFERENCE\./),
    ])
    receiver.statuses.set(tenant, 500)
    const failed = await ofTenant(['endpoints', 'test', 'shop'])
    expect([failed.code, failed.stdout]).toEqual([1, expect.stringMatching(/^500 after /)])
    expect((await ofTenant(['endpoints', 'disable', 'shop'])).code).toBe(0)
    expect((await ofTenant(['endpoints', 'show', 'shop'])).stdout).toMatch(/DISABLED +manual, /)
    expect((await ofTenant(['endpoints', 'enable', 'shop', '--held', 'cancel'])).code).toBe(0)
    const rotated = await ofTenant(['endpoints', 'rotate-secret', 'shop', '--grace-period-seconds', '0', '--yes'])
    expect([rotated.code, rotated.stdout]).toEqual([0, expect.stringMatching(/^The new signing secret, .*: whsec_/)])
    const refused = await ofTenant(['endpoints', 'delete', 'shop'])
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining(`Delete the endpoint shop (${url})`)])
    expect((await ofTenant(['endpoints', 'delete', 'shop', '--yes'])).code).toBe(0)
    expect((await ofTenant(['endpoints', 'get', 'shop'])).code).toBe(5)
  })

  it('never take the URL of an endpoint for that of the server, which would get the API key', async () => {
    const before = receiver.counts.get(tenant)
    const url = `${receiver.url}${tenant}`
    const ran = await ofTenant(['endpoints', 'create', '--url', url, '--client-secret-file', '-'], { input: SECRET })
    expect([ran.code, ran.stdout]).toEqual([2, ''])
    expect(ran.stderr).toContain("missing required argument 'endpoint-url'")
    expect(receiver.counts.get(tenant)).toBe(before)
  })

  it.each([
    [['--headers', '-', '--client-secret-file', '-'], 'can be read once', 2],
    [['--metadata', 'abc'], 'must be label=value', 2],
    [['--rate-limit', '100'], 'such as 100/60', 2],
    [['--schedule', '30,x'], 'as in 30,60,120', 2],
    [['--timeout-ms', '5s'], 'whole number', 2],
    [['--filter', '{"a":'], '--filter is not JSON', 2],
    [['--types', 'A,,B'], 'single commas', 2],
    [['--body', '/no/such/file'], 'does not exist', 1],
    [['--types', 'COVER_REFERNCE'], 'COVER_REFERENCE', 1],
  ])('say what is wrong with %j', async (flags, why, code) => {
    const ran = await ofTenant(['endpoints', 'create', `${receiver.url}x`, ...flags])
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([code, '', expect.stringContaining(why)])
    expect(ran.stderr).toMatch(/^posthorn: [^\n]+\n$/)
  })

  it('take headers from a file, whose secret values are not shown', async () => {
    const headers = file('headers.json', { 'X-Team': 'orders', 'X-Api-Key': 'the-key' })
    const url = `${receiver.url}x`
    const flags = ['--headers', headers, '--client-secret-file', '-', '--json']
    const made = await ofTenant(['endpoints', 'create', url, ...flags], { input: SECRET })
    expect(made.documents()).toEqual([
      expect.objectContaining({ headers: { 'x-team': 'orders', 'x-api-key': { secret: true } } }),
    ])
  })

  it('are checked without being registered', async () => {
    const good = await ofTenant(['endpoints', 'check', `${receiver.url}x`, '--client-secret-file', '-'], {
      input: 'short',
    })
    expect([good.code, good.stdout]).toEqual([0, expect.stringContaining('warning')])
    const bad = await ofTenant(['endpoints', 'check', 'ftp://x'])
    expect([bad.code, bad.stdout]).toEqual([1, expect.stringMatching(/^error +url: /)])
    expect((await ofTenant(['endpoints', 'list'])).stdout).toBe('There are no such endpoints.\n')
  })
})

describe('types', () => {
  const schema = { type: 'object', required: ['order'], properties: { order: { type: 'integer' } } }

  it('are created from files, changed, archived and deleted, and validate payloads', async () => {
    const name = `order.${randomBytes(4).toString('hex')}`
    const files = ['--schema', file('s.json', schema), '--example', file('e.json', { order: 1 })]
    const about = ['--group', 'orders', '--description', 'An order was paid.']
    const dry = await run(['types', 'create', name, ...about, ...files, '--dry-run'])
    expect([dry.code, dry.stdout]).toEqual([0, `The event type ${name} is fine. Nothing was stored.\n`])
    expect((await run(['types', 'get', name])).code).toBe(5)
    expect((await run(['types', 'create', name, ...about, ...files])).code).toBe(0)
    const twice = await run(['types', 'create', name, ...about, ...files])
    expect([twice.code, twice.stderr]).toEqual([1, expect.stringContaining(`posthorn types update ${name}`)])
    const good = await run(['types', 'validate', name, '-'], { input: '{"order": 7}' })
    expect([good.code, good.stdout]).toEqual([0, `The payload satisfies the schema of ${name}.\n`])
    const bad = await run(['types', 'validate', name, '-', '--json'], { input: '{"order": "seven"}' })
    expect([bad.code, bad.documents()]).toEqual([
      1,
      [{ type: name, valid: false, errors: [{ field: '/order', detail: expect.stringContaining('integer') }] }],
    ])
    // What it writes, it reads.
    const shown = await run(['types', 'get', name, '--json'])
    const copy = await run(['types', 'create', `${name}.copy`, '--body', file('type.json', shown.stdout)])
    expect(copy.code).toBe(0)
    const changed = await run(['types', 'update', name, '--description', 'Changed.', '--json'])
    expect(changed.documents()).toEqual([expect.objectContaining({ description: 'Changed.', schema, group: 'orders' })])
    expect((await run(['types', 'archive', name])).code).toBe(0)
    expect((await run(['types', 'list', '--all'])).stdout).toMatch(new RegExp(`^${name} .*archived`, 'm'))
    expect((await run(['types', 'unarchive', name])).code).toBe(0)
    expect((await run(['types', 'delete', name, '--yes'])).code).toBe(0)
  })
})
