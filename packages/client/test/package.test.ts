import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

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
