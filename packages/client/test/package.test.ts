import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { VERSION } from '../src/index.ts'

const fileOf = (path: string) => fileURLToPath(new URL(path, import.meta.url))
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'posthorn-client-'))
  const target = join(folder, 'node_modules/@posthorn/client')
  execFileSync(process.execPath, [fileOf('../../../scripts/build-client.mjs'), target])
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the built package', () => {
  it('can be imported from node_modules and has no dependencies', () => {
    const names = ['', '/signature', '/express', '/fastify', '/hono'].map(name => `@posthorn/client${name}`)
    const lines = names.map(name => `import * as _${names.indexOf(name)} from '${name}'`)
    const check =
      'console.log(typeof _0.verify, typeof _0.publish, new _0.VerificationError("body", "missing").status, typeof _0.Posthorn)'
    writeFileSync(join(folder, 'receiver.mjs'), [...lines, check].join('\n'))
    // Type stripping is off, as it is for users on an older Node.
    const options = ['--no-experimental-strip-types', join(folder, 'receiver.mjs')]
    expect(execFileSync(process.execPath, options, { encoding: 'utf8' })).toBe('function function 500 function\n')
    const about = JSON.parse(readFileSync(join(folder, 'node_modules/@posthorn/client/package.json'), 'utf8'))
    expect(about).not.toHaveProperty('dependencies')
    expect(about).not.toHaveProperty('private')
  })

  it('has the version that it says', () => {
    const about = JSON.parse(readFileSync(join(folder, 'node_modules/@posthorn/client/package.json'), 'utf8'))
    expect(about.version).toBe(VERSION)
    expect(about.bin).toEqual({ 'posthorn-client': './command/main.js' })
  })

  it('recognises the errors of another copy of it in the same program', () => {
    const copy = join(folder, 'node_modules/other/node_modules/@posthorn/client')
    cpSync(join(folder, 'node_modules/@posthorn/client'), copy, { recursive: true })
    const lines = [
      `import * as a from '@posthorn/client'`,
      `import * as b from './node_modules/other/node_modules/@posthorn/client/index.js'`,
      `const call = { method: 'GET', path: '/' }`,
      `const api = new b.ApiError(call, { code: 'invalid', detail: 'D.', title: 'T' }, { status: 422 })`,
      `const lost = new b.ConnectionError(call, 'M.', { code: 'connection_failed' })`,
      `class Own extends a.ApiError {}`,
      `const own = new Own(call, { code: 'invalid', detail: 'D.', title: 'T' }, { status: 422 })`,
      `const verification = new b.VerificationError('body', 'missing')`,
      `console.log(JSON.stringify([`,
      `  a.ApiError !== b.ApiError, api instanceof a.ApiError, api instanceof a.PosthornError, api instanceof a.ConnectionError,`,
      `  lost instanceof a.ConnectionError, verification instanceof a.VerificationError, verification instanceof a.PosthornError,`,
      `  api instanceof Own, own instanceof Own, own instanceof b.ApiError, own instanceof a.ApiError,`,
      `  new Error() instanceof a.PosthornError, null instanceof a.PosthornError, {} instanceof a.PosthornError,`,
      `  await new b.Publisher(new a.Posthorn({ url: 'http://a', fetch: async () => Response.json({ data: [{ id: 'evt_1' }] }) }))`,
      `    .publish('T', {}, { tenant: 't' }).then(({ id }) => id),`,
      `]))`,
    ]
    writeFileSync(join(folder, 'copies.mjs'), lines.join('\n'))
    const out = execFileSync(process.execPath, [join(folder, 'copies.mjs')], { encoding: 'utf8' })
    const [differ, ...others] = JSON.parse(out)
    expect(differ).toBe(true)
    const expected = [
      [true, true, false],
      [true, true, false],
      [false, true, true, true],
      [false, false, false],
      'evt_1',
    ]
    expect(others).toEqual(expected.flat())
  })

  it('has type declarations that compile in strict mode, and refuse wrong calls', () => {
    writeFileSync(
      join(folder, 'receiver.ts'),
      `import { verify, type Webhook } from '@posthorn/client'\n` +
        `export const check = (request: Request): Promise<Webhook> => verify(request, { clientSecret: 'a' })\n` +
        `// @ts-expect-error a clientSecret is not a number\nexport const wrong = (request: Request) => verify(request, { clientSecret: 7 })\n`,
    )
    copyFileSync(fileOf('types/calls.ts'), join(folder, 'calls.ts'))
    const compiler = fileOf('../../../node_modules/typescript/bin/tsc')
    const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2022,dom']
    const { status, stdout } = spawnSync(process.execPath, [compiler, ...flags, 'receiver.ts', 'calls.ts'], {
      cwd: folder,
      encoding: 'utf8',
    })
    expect([status, stdout]).toEqual([0, ''])
  })
})
