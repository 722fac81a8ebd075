import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ApiBench, KEY } from '../../server/test/api/setup.ts'
import { Posthorn } from '../src/index.ts'

const fileOf = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const bench = new ApiBench()
let url: string
let posthorn: Posthorn
let folder: string

const ORDER = {
  group: 'orders',
  description: 'An order was placed.',
  schema: {
    type: 'object',
    required: ['id', 'lines'],
    properties: {
      id: { type: 'string' },
      note: { type: 'string' },
      lines: { type: 'array', items: { $ref: '#/$defs/part' } },
    },
    $defs: {
      part: {
        type: 'object',
        required: ['sku'],
        properties: { sku: { type: 'string' }, parts: { type: 'array', items: { $ref: '#/$defs/part' } } },
      },
    },
  },
  example: { id: 'a', lines: [] },
}
const OLD = {
  group: 'orders',
  description: 'Was once */ of use. @ts-ignore',
  schema: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } },
  example: { id: 'a' },
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'posthorn-typed-'))
  const target = join(folder, 'node_modules/@posthorn/client')
  execFileSync(process.execPath, [fileOf('../../../scripts/build-client.mjs'), target])
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  await bench.openApi()
  url = await bench.api.listen({ host: '127.0.0.1', port: 0 })
  posthorn = new Posthorn({ url, apiKey: KEY })
  await posthorn.eventTypes.put('ORDER', ORDER)
  await posthorn.eventTypes.put('OLD_TYPE', OLD)
  await posthorn.eventTypes.archive('OLD_TYPE')
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await bench.closeApi()
})

/** Runs the executable of the built package, without type stripping, as users do. */
async function run(args: readonly string[], env: Record<string, string> = { POSTHORN_API_KEY: KEY }) {
  const program = join(folder, 'node_modules/@posthorn/client/command/main.js')
  const options = { cwd: folder, env: { PATH: process.env.PATH, ...env } }
  return promisify(execFile)(process.execPath, ['--no-experimental-strip-types', program, ...args], options).then(
    ({ stdout, stderr }) => ({ status: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ status: code, stdout, stderr }),
  )
}

function compile(...files: readonly string[]): readonly [number | null, string] {
  const compiler = fileOf('../../../node_modules/typescript/bin/tsc')
  const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2022,dom']
  const { status, stdout } = spawnSync(process.execPath, [compiler, ...flags, ...files], {
    cwd: folder,
    encoding: 'utf8',
  })
  return [status, stdout]
}

describe('npx @posthorn/client types', () => {
  it('writes types with which the compiler checks what is published and received', async () => {
    expect(await run(['types', '--url', url])).toEqual({
      status: 0,
      stdout: expect.stringMatching(/^posthorn\.d\.ts has \d+ event types\.\n$/),
      stderr: '',
    })
    copyFileSync(fileOf('typed/calls.ts'), join(folder, 'calls.ts'))
    expect(compile('calls.ts', 'posthorn.d.ts')).toEqual([0, ''])
    // Without the generated types, the calls that they refuse are accepted.
    expect(compile('calls.ts')[1]).toContain("Unused '@ts-expect-error' directive")
  })

  it('leaves everything open without them', async () => {
    copyFileSync(fileOf('types/calls.ts'), join(folder, 'open.ts'))
    expect(compile('open.ts')).toEqual([0, ''])
  })

  it('writes the same again, and with --check says what is out of date and writes nothing', async () => {
    const check = ['types', '--url', url, '--out', 'checked.d.ts', '--check']
    expect(await run(check)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('checked.d.ts does not exist.'),
    })
    expect(existsSync(join(folder, 'checked.d.ts'))).toBe(false)
    await run(check.slice(0, -1))
    const text = readFileSync(join(folder, 'checked.d.ts'), 'utf8')
    expect(await run(check)).toMatchObject({ status: 0, stdout: expect.stringContaining('is up to date') })
    await posthorn.eventTypes.put('ORDER_PAID', { ...OLD, description: 'An order was paid.' })
    const stale = await run(check)
    expect(stale).toMatchObject({ status: 1, stdout: '' })
    expect(stale.stderr).toMatch(
      /^checked\.d\.ts is out of date: line \d+ is ".*" and would be ".*ORDER_PAID|An order was paid/,
    )
    expect(readFileSync(join(folder, 'checked.d.ts'), 'utf8')).toBe(text)
    await posthorn.eventTypes.delete('ORDER_PAID')
    expect(await run(check)).toMatchObject({ status: 0 })
  })

  it.each([
    [
      'no server',
      ['types', '--url', 'http://127.0.0.1:1'],
      {},
      1,
      /^There is no response from http:\/\/127\.0\.0\.1:1 /,
    ],
    ['no URL', ['types'], {}, 2, /^Pass --url/],
    ['a wrong URL', ['types', '--url', 'localhost:8470'], {}, 2, /^--url: `url` must begin with https/],
    ['no key', ['types', '--url', 'URL'], { POSTHORN_API_KEY: '' }, 2, /^Set POSTHORN_API_KEY to an API key/],
    ['a wrong key', ['types', '--url', 'URL'], { POSTHORN_API_KEY: 'wrong' }, 1, /doesn't accept the API key/],
    ['a key that is none', ['types', '--url', 'URL'], { POSTHORN_API_KEY: 'a b' }, 2, /visible ASCII/],
    ['no such option', ['types', '--ulr', 'URL'], {}, 2, /^Unknown option '--ulr'\. The options are --url, --out/],
    ['an option without its value', ['types', '--url'], {}, 2, /--url/],
    ['another module', ['types', '--url', 'URL', '--module', 'x'], {}, 2, /^--module: @posthorn\/client or posthorn\./],
    ['no such command', ['type'], {}, 2, /^There is no command "type"\. The only one is `types`/],
    ['no command', [], {}, 2, /^A command is missing/],
    ['too much', ['types', 'a'], {}, 2, /^Remove "a"/],
    ['a file that cannot be written', ['types', '--url', 'URL', '--out', 'no/such/folder'], {}, 1, /can't be written/],
  ] as const)('says what to do about %s', async (_name, args, env, status, words) => {
    const given = args.map(arg => (arg === 'URL' ? url : arg))
    const ended = await run(given, { POSTHORN_API_KEY: KEY, ...env })
    expect(ended.stderr).toMatch(words)
    expect(ended.stderr).not.toMatch(/^ +at /m)
    expect([ended.status, ended.stdout]).toEqual([status, ''])
  })

  it('has help and a version, and reads the URL from the environment', async () => {
    expect((await run(['--help'])).stdout).toContain('Usage: npx @posthorn/client types')
    expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    const env = { POSTHORN_API_KEY: KEY, POSTHORN_URL: url }
    expect(await run(['types', '--out', 'from-env.d.ts'], env)).toMatchObject({ status: 0 })
  })
})
