/**
 * The receivers that the dashboard shows, with what it puts into them. `npm run test:examples` runs all of them through
 * the suite of examples; here two of them meet the command that tries them.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outlineOf } from '../src/catalogue/outline.ts'
import { LANGUAGES, type LanguageId, receiverFor, typescriptOf } from '../src/catalogue/receiver-code.ts'
import { tryItCommand } from '../src/catalogue/try-it.ts'

const TYPE = {
  name: 'COVER_STATUS_CHANGED',
  schema: { type: 'object', required: ['coverId'], properties: { coverId: { type: 'string' } } },
}
const BODY = '{"coverId":"564200aa-7128-4a26-83a8-cf0201903fcc"}'

const COMMANDS = {
  javascript: [process.execPath, 'receiver.mjs'],
  python: ['python3', 'receiver.py'],
} as const
const SOME = LANGUAGES.filter(({ id }) => id in COMMANDS)

function has(command: string): boolean {
  try {
    execFileSync('which', [command], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

const [oldSecret, newSecret] = ['first-secret-0123456789', 'second+secret/0123456789==']
const key = randomBytes(32)
const signing = `whsec_${key.toString('base64')}`

function signed(id: string, { body = BODY, at = Math.floor(Date.now() / 1_000), by = key } = {}) {
  const signature = createHmac('sha256', by).update(`${id}.${at}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': String(at), 'webhook-signature': `v1a,AAAA v1,${signature}` }
}

describe.each(SOME)('the receiver in $name', language => {
  const command: readonly string[] = COMMANDS[language.id as keyof typeof COMMANDS]
  const isThere = has(command[0]!)
  let folder = ''
  let port = 0
  let child: ChildProcess | undefined
  let printed = ''

  beforeAll(async () => {
    if (!isThere) return
    folder = await mkdtemp(join(tmpdir(), 'receiver-'))
    port = await freePort()
    const inside = join(folder, 'served')
    await mkdir(inside)
    await writeFile(join(inside, language.file), receiverFor(language, TYPE))
    const [name = '', ...rest] = command.map(part => part.replace('PORT', String(port)))
    child = spawn(name, rest, {
      cwd: inside,
      detached: true,
      env: {
        ...process.env,
        PORT: String(port),
        CLIENT_SECRET: `${newSecret},${oldSecret}`,
        SIGNING_SECRET: signing,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', data => (printed += data))
    for (let tries = 0; ; tries++) {
      const isUp = await post({}).catch(() => null)
      if (isUp !== null) break
      if (child.exitCode !== null || tries > 600) throw new Error(`${language.name} did not start: ${printed}`)
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  }, 120_000)

  afterAll(async () => {
    if (child?.pid !== undefined && child.exitCode === null) {
      const ended = once(child, 'exit')
      process.kill(-child.pid, 'SIGKILL')
      await ended
    }
    if (folder !== '') await rm(folder, { recursive: true, force: true })
  })

  async function post(headers: Record<string, string>, body = BODY): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${port}/hooks`, { method: 'POST', headers, body })
    await response.arrayBuffer()
    return response.status
  }
  const bearer = { authorization: `Bearer ${newSecret}` }

  async function stored(): Promise<string[]> {
    const names = await Promise.all(
      ['served/events', 'events'].map(one => readdir(join(folder, one)).catch((): string[] => [])),
    )
    return names.flat()
  }

  test.skipIf(!isThere || !has('curl') || !has('openssl'))(
    'accepts what the command beneath it sends: with a signature, and refuses it with another secret',
    async () => {
      const send = (secrets: { token: string; signing: string }) => {
        const command = tryItCommand(JSON.parse(BODY), secrets).replaceAll('localhost:9000', `127.0.0.1:${port}/hooks`)
        return execFileSync('sh', ['-c', command.replace('id=evt_1', 'id=evt_by_hand')], { stdio: 'pipe' }).toString()
      }
      expect(send({ token: newSecret, signing })).toContain(' 204')
      expect(await stored()).toContain('evt_by_hand.json')
      const another = `whsec_${randomBytes(32).toString('base64')}`
      expect(send({ token: newSecret, signing: another })).toContain(' 401')
      expect(send({ token: newSecret, signing: '' })).toContain(' 401')
      expect(send({ token: `${newSecret}'x`, signing })).toContain(' 401')
    },
  )

  test.skipIf(!isThere)('takes an event of another type, whose payload has other members', async () => {
    const body = '{"another":1}'
    const before = printed
    expect(await post({ ...bearer, ...signed('evt_other_type', { body }) }, body)).toBe(204)
    await expect.poll(() => printed.slice(before.length)).toContain('evt_other_type')
    expect(printed.slice(before.length)).not.toMatch(/Traceback|Warning|KeyError/)
  })

  test.skipIf(!isThere)('responds to a test request without storing it, and refuses an id that is a path', async () => {
    expect(await post({ ...bearer, ...signed('evt_test'), 'x-posthorn-test': 'true' })).toBe(204)
    expect(await post({ ...bearer, ...signed('../evt_path') })).toBe(400)
    expect(await stored()).not.toContain('evt_test.json')
    // Who sends one by hand sees it arrive.
    await expect.poll(() => printed).toContain('Accepted a test event.')
  })
})

describe('the code for a type', () => {
  const nasty = { name: '*/ x', schema: { required: ['a"\'*/\u2028\\u000a$b\\'] } }

  test.each(LANGUAGES)('of $name has the type’s name and first required member', language => {
    const code = receiverFor(language, TYPE)
    expect(code).toContain('COVER_STATUS_CHANGED')
    expect(code).toContain('coverId')
    expect(code).not.toMatch(/COVER_REFERENCE|CoverId/)
  })

  const checks: Partial<Record<LanguageId, readonly string[]>> = {
    javascript: [process.execPath, '--check'],
    python: ['python3', '-m', 'py_compile'],
    go: ['gofmt', '-e'],
    php: ['php', '-l'],
  }

  test.each(LANGUAGES.filter(({ id }) => has(checks[id]?.[0] ?? '')))(
    'of $name can be read by its compiler whatever the names are',
    async language => {
      const folder = await mkdtemp(join(tmpdir(), 'receiver-'))
      const file = join(folder, language.file)
      await writeFile(file, receiverFor(language, nasty))
      const [command = '', ...rest] = checks[language.id]!
      expect(() => execFileSync(command, [...rest, file], { stdio: 'pipe' })).not.toThrow()
      await rm(folder, { recursive: true })
    },
  )

  test('of Java leaves a name out that could end its comment', () => {
    const java = LANGUAGES.find(({ id }) => id === 'java')!
    expect(receiverFor(java, nasty)).toContain('The payload is JSON: read it')
  })

  test('has the payload’s type in TypeScript', () => {
    const schema = {
      type: 'object',
      required: ['id', 'lines'],
      properties: {
        id: { type: 'integer' },
        state: { enum: ['on', "o'ff"] },
        lines: { type: 'array', items: { type: 'object', properties: { 'a b': { type: ['string', 'null'] } } } },
        tags: { type: 'array', items: { type: 'string' } },
        way: { oneOf: [{ properties: { a: { type: 'string' } } }, { properties: { b: { const: true } } }] },
        any: {},
      },
    }
    expect(typescriptOf(outlineOf(schema))).toBe(
      '{ id: number; state?: "on" | "o\'ff"; lines: Array<{ "a b"?: string | null }>; tags?: Array<string>; ' +
        'way?: { a?: string } | { b?: true }; any?: unknown }',
    )
  })
})
