import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keepingTerminal, runPosthorn, runPosthornOn, startServer, type TestServer } from './setup.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
  await server.posthorn.tenants.put('acme')
})
afterAll(() => server.end())

const run = (...args: string[]) => runPosthorn(args, { env: server.env })
const keyOf = (text: string) => /phk_[\w-]+/.exec(text)![0]

describe('posthorn keys', () => {
  it('create shows a key once, with what it allows', async () => {
    const flags = [
      '--name',
      'shop',
      '--scope',
      'publish',
      '--tenant',
      'acme',
      '--no-payloads',
      '--rate-limit',
      '100/60',
    ]
    const created = await run('keys', 'create', ...flags, '--expires-at', '2099-01-01', '--json')
    const [key] = created.documents() as [{ id: string; key: string }]
    expect(key).toMatchObject({
      name: 'shop',
      scope: 'publish',
      tenant: 'acme',
      payloads: false,
      rateLimit: { requests: 100, perSeconds: 60 },
      expiresAt: '2099-01-01T00:00:00.000Z',
    })
    expect(created.stderr).toBe('Keep the key now: it is not shown again.\n')
    const listed = await run('keys', 'list')
    expect(listed.stdout).toContain(key.id)
    expect(listed.stdout + (await run('keys', 'get', key.id)).stdout).not.toContain(key.key)
  })

  it('revoke asks, and does nothing without a yes', async () => {
    const { id } = await server.posthorn.apiKeys.create({ name: 'to be revoked', scope: 'read' })
    const asked = await run('keys', 'revoke', id)
    expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining('Add --yes')])
    const keyboard = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} })
    const kept = keepingTerminal({ env: server.env, columns: 80 })
    const running = runPosthornOn({ ...kept, terminal: { ...kept.terminal, stdin: keyboard } }, ['keys', 'revoke', id])
    await expect.poll(() => kept.seen.stderr).toContain('(to be revoked)? This cannot be undone. [y/N]')
    keyboard.write('n\r')
    expect(await running).toMatchObject({ code: 1 })
    expect((await server.posthorn.apiKeys.get(id)).revokedAt).toBeNull()
    expect(await run('keys', 'revoke', id, '--yes')).toMatchObject({ code: 0, stderr: '' })
    expect((await server.posthorn.apiKeys.get(id)).revokedAt).not.toBeNull()
  })

  it('rotate without an id changes nothing, and names the command for the key that encrypts', async () => {
    const before = await server.posthorn.operations.getEncryptionKeys()
    const ran = await run('keys', 'rotate')
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([
      2,
      '',
      expect.stringContaining('posthorn encryption-keys rotate'),
    ])
    expect(await server.posthorn.operations.getEncryptionKeys()).toEqual(before)
  })

  it('rotate with an id creates a key that allows the same, and leaves the old one valid', async () => {
    const old = await server.posthorn.apiKeys.create({
      name: 'shop',
      scope: 'publish',
      tenant: 'acme',
      payloads: false,
    })
    const ran = await run('keys', 'rotate', old.id)
    expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining(`posthorn keys revoke ${old.id}`)])
    expect(keyOf(ran.stdout)).not.toBe(old.key)
    const [newest] = (await server.posthorn.apiKeys.list({ limit: 1 })).data
    expect(newest).toMatchObject({ name: 'shop', scope: 'publish', tenant: 'acme', payloads: false, revokedAt: null })
    expect((await server.posthorn.apiKeys.get(old.id)).revokedAt).toBeNull()
  })

  it('rotate refuses a key that is revoked, or that does not exist', async () => {
    const { id } = await server.posthorn.apiKeys.create({ name: 'gone', scope: 'read' })
    await server.posthorn.apiKeys.revoke(id)
    expect(await run('keys', 'rotate', id)).toMatchObject({ code: 1 })
    expect(await run('keys', 'rotate', `${id.slice(0, -4)}0000`)).toMatchObject({ code: 5, stdout: '' })
  })
})

it('posthorn encryption-keys says what to do where the key is configured, and which keys are in use', async () => {
  const { keys } = await server.posthorn.operations.getEncryptionKeys()
  const ran = await run('encryption-keys', 'rotate')
  expect([ran.code, ran.stdout, ran.stderr]).toEqual([1, '', expect.stringContaining('POSTHORN_ENCRYPTION_KEY')])
  expect((await run('encryption-keys', 'get', '--json')).documents()).toMatchObject([{ keys, state: 'idle' }])
})
