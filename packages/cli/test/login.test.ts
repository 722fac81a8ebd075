import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { profilesFile, readProfiles } from '../src/profiles.ts'
import { KEY, keepingTerminal, runPosthorn, runPosthornOn, startServer, type TestServer } from './setup.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.end())

let count = 0
/** Without variables, and without profiles. */
const noProfiles = () => ({ XDG_CONFIG_HOME: join(server.folder, `config-${count++}`) })

describe('posthorn login', () => {
  it('keeps a key from standard input, which is then used, and never shows it', async () => {
    const env = noProfiles()
    const login = await runPosthorn(['login', '--url', server.url, '--name', 'local'], { env, input: `${KEY}\n` })
    expect([login.code, login.stdout + login.stderr]).toEqual([0, expect.not.stringContaining(KEY)])
    expect(login.stdout).toContain(server.url)
    expect(await runPosthorn(['tenants', 'list'], { env })).toMatchObject({
      code: 0,
      stdout: 'There are no tenants.\n',
    })
    const listed = await runPosthorn(['profiles', 'list', '--json'], { env })
    expect(listed.documents()).toEqual([{ name: 'local', url: server.url, tenant: null, isInUse: true }])
    expect(listed.stdout).not.toContain(KEY)
  })

  it('keeps nothing if the key is wrong, or the server is none', async () => {
    const env = noProfiles()
    const wrong = await runPosthorn(['login', '--url', server.url], { env, input: 'not-the-key-of-this-server' })
    expect([wrong.code, wrong.stdout]).toEqual([4, ''])
    expect(wrong.stderr).toContain('does not accept the API key from standard input')
    expect(wrong.stderr).not.toContain('not-the-key')
    expect(await runPosthorn(['login', '--url', 'http://127.0.0.1:1'], { env, input: KEY })).toMatchObject({ code: 3 })
    expect(readProfiles(env)).toEqual({ current: null, byName: {} })
  })

  it('keeps a tenant that does not exist yet, and says how to create it', async () => {
    const env = noProfiles()
    const ran = await runPosthorn(['login', '--url', server.url, '--tenant', 'new'], { env, input: KEY })
    expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining('Create it: posthorn tenants put new\n')])
    expect(readProfiles(env).byName[new URL(server.url).host]).toMatchObject({ tenant: 'new' })
  })

  it('refuses what is no key or no URL in one sentence', async () => {
    const env = noProfiles()
    for (const [args, input, sentence] of [
      [['--url', server.url], '', 'No API key was given.'],
      [['--url', server.url], 'two words', 'The API key must be visible ASCII characters only.'],
      [['--url', server.url], 'x'.repeat(5_000), 'longer than an API key'],
      [['--url', 'localhost'], KEY, 'must be an absolute URL'],
      [['--url', 'ftp://localhost'], KEY, 'must begin with https://'],
      [[], KEY, 'Use --url'],
    ] as const) {
      const ran = await runPosthorn(['login', ...args], { env, input })
      expect([ran.code, ran.stdout, ran.stderr]).toEqual([2, '', expect.stringContaining(sentence)])
      expect(ran.stderr.trimEnd().split('\n')).toHaveLength(1)
    }
  })

  it('accepts a key that only publishes, and one of a tenant', async () => {
    const { posthorn } = server
    await posthorn.tenants.put('acme')
    for (const scope of ['publish', 'read', 'all'] as const) {
      const { key } = await posthorn.apiKeys.create({ name: scope, scope, tenant: 'acme' })
      const args = ['login', '--url', server.url, '--tenant', 'acme', '--name', scope]
      expect(await runPosthorn(args, { env: noProfiles(), input: key }), scope).toMatchObject({ code: 0 })
    }
  })

  it('asks on a terminal, and does not show the key while it is typed', async () => {
    const env = noProfiles()
    const keyboard = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} })
    const kept = keepingTerminal({ env, columns: 80 })
    const running = runPosthornOn({ ...kept, terminal: { ...kept.terminal, stdin: keyboard } }, ['login'])
    await expect.poll(() => kept.seen.stderr).toContain('URL of the server: ')
    keyboard.write(`${server.url}\r`)
    await expect.poll(() => kept.seen.stderr).toContain('API key (not shown): ')
    keyboard.write(`${KEY}\r`)
    const { code, stdout, stderr } = await running
    expect([code, stdout + stderr]).toEqual([0, expect.not.stringContaining(KEY)])
    expect(readFileSync(profilesFile(env), 'utf8')).toContain(KEY)
  })

  it('ends at Ctrl-C without keeping anything', async () => {
    const env = noProfiles()
    const keyboard = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} })
    const kept = keepingTerminal({ env, columns: 80 })
    const terminal = { ...kept.terminal, stdin: keyboard }
    const running = runPosthornOn({ ...kept, terminal }, ['login', '--url', server.url])
    await expect.poll(() => kept.seen.stderr).toContain('API key')
    keyboard.write('half-a-key\u0003')
    const { code, stderr } = await running
    expect([code, stderr]).toEqual([130, expect.not.stringContaining('half-a-key')])
    expect(readProfiles(env).current).toBeNull()
  })
})

it('several profiles are several servers, one of them in use', async () => {
  const env = noProfiles()
  for (const name of ['one', 'two']) {
    await runPosthorn(['login', '--url', server.url, '--name', name], { env, input: KEY })
  }
  expect(readProfiles(env).current).toBe('two')
  expect(await runPosthorn(['profiles', 'use', 'one'], { env })).toMatchObject({ code: 0 })
  expect(readProfiles(env).current).toBe('one')
  expect(await runPosthorn(['profiles', 'use', 'three'], { env })).toMatchObject({ code: 2 })
  expect(await runPosthorn(['profiles', 'remove', 'one'], { env })).toMatchObject({ code: 0 })
  expect([readProfiles(env).current, Object.keys(readProfiles(env).byName)]).toEqual([null, ['two']])
  const none = await runPosthorn(['tenants', 'list'], { env })
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('posthorn profiles use')])
})

it('profiles that several processes add at once are all kept', async () => {
  const env = noProfiles()
  const program = `
    const { changeProfiles } = await import('${new URL('../src/profiles.ts', import.meta.url)}')
    const profile = { url: 'https://posthorn.example', apiKey: 'key', tenant: null }
    for (let at = 0; at < 40; at++) {
      const name = process.argv[1] + at
      changeProfiles(process.env, ({ byName }) => ({ current: name, byName: { ...byName, [name]: profile } }))
    }`
  const processes = ['a', 'b', 'c'].map(letter => {
    const args = ['--input-type=module', '-e', program, letter]
    return promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } })
  })
  await Promise.all(processes)
  expect(Object.keys(readProfiles(env).byName)).toHaveLength(120)
})

it('a folder where the profiles should be is named', async () => {
  const env = noProfiles()
  mkdirSync(profilesFile(env), { recursive: true })
  const ran = await runPosthorn(['tenants', 'list'], { env })
  expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('profiles.json is a folder: remove it')])
})
