/** `posthorn listen` as a person or a script runs it, on a terminal of which all is seen. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { startReceiver } from '@posthorn/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { widthOf } from '../../src/terminal/index.ts'
import { CLIENT_SECRET, type RanCommand, type RunOptions, runPosthorn, startServer, type TestServer } from '../setup.ts'

let server: TestServer
let tenant: string
let count = 0
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.end())
beforeEach(async () => {
  tenant = `tenant-${++count}`
  await server.posthorn.tenants.put(tenant)
})

const publish = (many = 1) =>
  server.posthorn.events.publish(
    tenant,
    Array.from({ length: many }, () => ({
      type: 'COVER_REFERENCE',
      payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' },
    })),
  )
const endpoints = async () => (await server.posthorn.endpoints.list(tenant)).data

type Running = {
  /** Resolves when the text has been written. */
  readonly until: (text: string | RegExp) => Promise<void>
  readonly press: (keys: string) => void
  readonly interrupt: () => void
  readonly ended: Promise<RanCommand>
}

function start(args: readonly string[], { env = server.env, ...options }: RunOptions = {}): Running {
  let written = ''
  let interrupt = () => {}
  const input = Object.assign(new PassThrough(), { isTTY: options.columns !== undefined, setRawMode: () => {} })
  const onOutput = (stdout: string, press: () => void) => {
    written = stdout
    interrupt = press
  }
  const ended = runPosthorn(['listen', '--tenant', tenant, ...args], { env, input, onOutput, ...options })
  return {
    until: text => expect.poll(() => stripVTControlCharacters(written), { timeout: 15_000 }).toMatch(text),
    press: keys => void input.write(keys),
    interrupt: () => interrupt(),
    ended,
  }
}

describe('posthorn listen on a terminal', () => {
  it('fits 40 columns, obeys keys, and deletes the listener at the end', async () => {
    const failing = 'boom \u001b]0;owned\u0007\u202e'
    const receiver = await startReceiver({
      http: true,
      script: (_request, _nth, total) =>
        total === 1 ? { status: 500, headers: { 'x-trace': 'abc' }, body: `${failing}\n${'line\n'.repeat(200)}` } : {},
    })
    const running = start(['--forward', String(receiver.port), '--color', 'always'], { columns: 40 })
    await running.until('q quit.')
    await publish()
    await running.until(/#1 \S+ 500 COVER_REFERENCE/)
    await running.until('… (cut)')
    running.press('r')
    await running.until(/#2 \S+ 204 COVER_REFER… attempt 2/)
    running.press('1')
    await running.until(/Replay #1. Enter/)
    running.press('\r')
    await running.until(/#3 \S+ 204 COVER_REFERENCE/)
    running.press('7\r')
    await running.until('There is no request #7')
    running.press('t')
    await running.until(/#4 \S+ 204 .* test/)
    running.press('f')
    await running.until('Nothing that failed is left.')
    running.press('h\u001b[Ac')
    await running.until(/show these keys/)
    expect((await endpoints()).map(({ kind, uid }) => [kind, uid?.startsWith('listen:')])).toEqual([['listener', true]])
    running.press('q')
    const { code, stdout, stderr } = await running.ended
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain('The listener is deleted.')
    expect(await endpoints()).toEqual([])
    // What the receiver responded reaches the terminal as text.
    expect(stdout).toContain('boom \\u{1b}]0;owned\\u{7}\\u{202e}')
    const lines = stripVTControlCharacters(stdout.replaceAll('\r', '\n')).split('\n')
    expect(lines.filter(line => widthOf(line) > 40)).toEqual([
      expect.stringMatching(/^CLIENT_SECRET=/),
      expect.stringMatching(/^SIGNING_SECRET=/),
    ])
    expect(lines.filter(line => line.includes('line')).length).toBe(24)
    await receiver.close()
  })

  it('says once that the receiver is down, counts, and says when it is back', async () => {
    const receiver = await startReceiver({ http: true })
    await receiver.stop()
    const running = start(['--forward', receiver.url], { columns: 80 })
    await running.until('q quit.')
    await publish(3)
    await running.until('3 requests failed')
    await receiver.start()
    await running.until(/Sending 3 requests again/)
    await receiver.waitFor(() => receiver.total === 3)
    running.press('\u0003')
    const { stdout } = await running.ended
    expect(stdout.match(/can't be reached: nothing listens there/g)?.length).toBe(1)
    await receiver.close()
  })
})

describe('posthorn listen on a terminal, when the listener changes', () => {
  it('says how to enable it after a 410, and ends when it is deleted', async () => {
    const receiver = await startReceiver({ http: true, script: () => ({ status: 410 }) })
    const running = start(['--forward', receiver.url], { columns: 80 })
    await running.until('q quit.')
    await publish()
    await running.until(/responded with 410, which disables an endpoint\. Its events are\s+held\. Press e/)
    running.press('e')
    await running.until('The listener is enabled.')
    const [listener] = await endpoints()
    await server.posthorn.endpoints.delete(tenant, listener!.id)
    const { code, stderr } = await running.ended
    expect([code, stderr]).toEqual([
      5,
      'posthorn: The listener was deleted. Run the command again to have a new one.\n',
    ])
    await receiver.close()
  })
})

describe('posthorn listen for scripts', () => {
  it('writes documents, works with a key of the tenant, and changes nothing about other endpoints', async () => {
    const receiver = await startReceiver({ http: true })
    const other = await server.posthorn.endpoints.create(tenant, { url: receiver.url, clientSecret: CLIENT_SECRET })
    const before = await server.posthorn.endpoints.get(tenant, other.id)
    const { key } = await server.posthorn.apiKeys.create({ name: 'laptop', scope: 'all', tenant })
    const env = { ...server.env, POSTHORN_API_KEY: key }
    const running = start(['--print', '--json', '--types', 'COVER_*'], { env })
    await running.until('"kind":"connection","open":true')
    await publish(2)
    await running.until(/"number":2/)
    await receiver.waitFor(() => receiver.total === 2)
    running.interrupt()
    const { code, documents, stderr } = await running.ended
    expect([code, stderr]).toEqual([0, ''])
    // The answer to the last one can still be on its way.
    const all = (documents() as Record<string, unknown>[]).filter(({ kind }) => kind !== 'ending')
    expect(all.map(({ kind }) => kind)).toEqual(['listening', 'connection', 'request', 'request'])
    expect(all[0]).toMatchObject({
      tenant,
      types: ['COVER_*'],
      forward: null,
      resumed: false,
      signingSecret: /^whsec_/,
    })
    expect(all[2]).toMatchObject({ status: 200, outcome: 'shown', attempt: 1, request: { body: /^\{"CoverId"/ } })
    expect(await endpoints()).toMatchObject([{ id: other.id, updatedAt: before.updatedAt }])
    await receiver.close()
  })

  it('keeps a listener that has a name, resumes it under the same secrets, and deletes it with --no-keep', async () => {
    const first = start(['--name', 'laptop', '--json'])
    await first.until('"open":true')
    const second = start(['--name', 'laptop', '--json'])
    const refused = await second.ended
    expect([refused.code, refused.stdout, refused.stderr]).toEqual([
      1,
      '',
      'posthorn: Another `posthorn listen` on this machine listens as laptop. Stop it, or choose another name with --name.\n',
    ])
    first.interrupt()
    const [start1] = (await first.ended).documents() as Record<string, unknown>[]
    const [kept] = await endpoints()
    expect(kept!.uid).toBe('listen:laptop')
    await publish(2)
    const third = start(['--name', 'laptop', '--json', '--no-keep'])
    await third.until(/"number":2/)
    // Nothing had to be changed.
    expect((await endpoints())[0]!.updatedAt).toBe(kept!.updatedAt)
    third.interrupt()
    const [start3] = (await third.ended).documents() as Record<string, unknown>[]
    expect(start3).toEqual({ ...start1, resumed: true })
    expect(await endpoints()).toEqual([])
  })

  it('gives a listener of another machine its own secrets', async () => {
    const first = start(['--name', 'laptop', '--json'])
    await first.until('"open":true')
    first.interrupt()
    const [before] = (await first.ended).documents() as Record<string, string>[]
    const receiver = await startReceiver({ http: true })
    const env = { ...server.env, XDG_STATE_HOME: join(server.folder, 'other-machine') }
    const other = start(['--name', 'laptop', '--json', '--forward', receiver.url], { env })
    await other.until('"open":true')
    await publish()
    await receiver.waitFor(() => receiver.total === 1)
    await other.until('"number":1')
    other.interrupt()
    const [after] = (await other.ended).documents() as Record<string, string>[]
    expect(after!.endpoint).toBe(before!.endpoint)
    expect(after!.signingSecret).not.toBe(before!.signingSecret)
    const { headers } = receiver.requests[0]!
    expect(headers.authorization).toBe(`Bearer ${after!.clientSecret}`)
    // One signature: under the secret that is shown.
    expect(String(headers['webhook-signature']).split(' ').length).toBe(1)
    await receiver.close()
  })
})

describe('posthorn listen on two machines under one name', () => {
  const onMachine = (name: string, args: readonly string[], options: RunOptions = {}) => {
    const env = { ...server.env, XDG_STATE_HOME: join(server.folder, name) }
    return start(['--name', 'same', ...args], { env, ...options })
  }

  it('ends on the first, and says on both what to type', async () => {
    const first = onMachine('one', ['--json'])
    await first.until('"open":true')
    const second = onMachine('two', ['--print'], { columns: 400 })
    const { code, stderr } = await first.ended
    expect([code, stderr]).toEqual([
      1,
      'posthorn: Another machine listens as listen:same now, with secrets of its own, so this one has ended. To listen ' +
        'on both, choose another name here: posthorn listen --name same-2\n',
    ])
    await second.until(
      /They replace those of another machine .* listen:same\. If it still does, it ends now\. .* same-2/,
    )
    await publish()
    await second.until('#1')
    second.press('q')
    const { stdout } = await second.ended
    expect(stdout).not.toContain('#2')
    expect(stdout).not.toContain('too late')
  })

  it('gives the first its own secrets again when it is started again', async () => {
    const first = onMachine('three', ['--json'])
    await first.until('"open":true')
    const second = onMachine('four', ['--json'])
    const [before] = (await first.ended).documents() as Record<string, unknown>[]
    const receiver = await startReceiver({ http: true })
    const again = onMachine('three', ['--json', '--forward', receiver.url])
    expect((await second.ended).code).toBe(1)
    await again.until('"open":true')
    await publish()
    await again.until('"number":1')
    again.interrupt()
    const [after] = (await again.ended).documents() as Record<string, unknown>[]
    expect(after).toEqual({
      ...before,
      forward: receiver.url + (receiver.url.endsWith('/') ? '' : '/'),
      resumed: true,
      takenOver: true,
    })
    expect(receiver.requests[0]!.headers.authorization).toBe(`Bearer ${before!.clientSecret}`)
    await receiver.close()
  })
})

describe('posthorn listen says in one sentence', () => {
  const run = (args: readonly string[], env = server.env) => runPosthorn(['listen', ...args], { env })
  const keyOf = async (over: object) =>
    (await server.posthorn.apiKeys.create({ name: 'k', scope: 'all', tenant, ...over })).key

  it('that a key can not see payloads, or only reads, and leaves nothing behind', async () => {
    for (const over of [{ payloads: false }, { scope: 'read' }]) {
      const ran = await run(['--tenant', tenant], { ...server.env, POSTHORN_API_KEY: await keyOf(over) })
      const how = `Create a key that can listen: posthorn keys create --name listen --scope all --tenant ${tenant}\n`
      expect([ran.code, ran.stdout, ran.stderr]).toEqual([4, '', expect.stringContaining(how)])
      expect(await endpoints()).toEqual([])
    }
  })

  it('that the key was revoked while it listened', async () => {
    const { key, id } = await server.posthorn.apiKeys.create({ name: 'k', scope: 'all', tenant })
    const running = start(['--json'], { env: { ...server.env, POSTHORN_API_KEY: key } })
    await running.until('"open":true')
    await server.posthorn.apiKeys.revoke(id)
    const { code, stderr } = await running.ended
    expect([code, stderr]).toEqual([4, expect.stringMatching(/^posthorn: .* does not accept the API key .*\n$/)])
  })

  it('that a tenant is missing, a type unknown, or the uid another endpoint’s', async () => {
    const missing = await run(['--tenant', 'missing'])
    expect([missing.code, missing.stderr]).toEqual([
      5,
      `posthorn: There is no tenant missing at ${server.url}. Create it with: posthorn tenants put missing, or choose another with --tenant.\n`,
    ])
    const typo = await run(['--tenant', tenant, '--types', 'COVER_REFERENCES'])
    expect([typo.code, typo.stderr]).toEqual([1, expect.stringContaining('Did you mean `COVER_REFERENCE`?')])
    const url = 'http://127.0.0.1:9/'
    await server.posthorn.endpoints.create(tenant, { url, clientSecret: CLIENT_SECRET, uid: 'listen:taken' })
    const taken = await run(['--tenant', tenant, '--name', 'taken'])
    expect([taken.code, taken.stderr]).toEqual([1, expect.stringContaining('Choose another name with --name.')])
  })

  it('that the server is of a version without listeners', async () => {
    const problem = {
      title: 'Invalid request',
      status: 400,
      code: 'invalid',
      detail: 'Unknown member.',
      errors: [{ field: '/kind', reason: 'unknown', detail: 'Unknown member.' }],
    }
    const old = createServer((request, response) => {
      const status = request.method === 'GET' ? 404 : 400
      const body = status === 404 ? { ...problem, code: 'not_found', errors: undefined } : problem
      response.writeHead(status, { 'content-type': 'application/problem+json', 'posthorn-version': '0.0.9' })
      response.end(JSON.stringify(body))
    })
    await new Promise<void>(resolve => old.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(old.address() as AddressInfo).port}`
    const ran = await run(['--tenant', tenant], { ...server.env, POSTHORN_URL: url })
    expect([ran.code, ran.stderr]).toEqual([
      1,
      expect.stringMatching(/its version is 0\.0\.9, this one is \S+ Upgrade it\.\n$/),
    ])
    old.close()
  })

  it.each([
    ['--forward', 'ftp://a.test/'],
    ['--forward', ''],
    ['--types', 'A,,B'],
    ['--timeout', '61'],
    ['--timeout', '0'],
    ['--name', 'a b'],
  ])('that %s %j is wrong, with code 2', async (flag, value) => {
    const ran = await run(['--tenant', tenant, flag, value])
    expect([ran.code, ran.stdout]).toEqual([2, ''])
    expect(ran.stderr).toMatch(/^posthorn: .+[.]\n$/)
  })
})
