/**
 * Packs what can be published, installs both packages in an empty folder outside the repository, and uses them there as
 * a user does. `npm run test:packages`: some minutes, most of them for installing other versions of Node.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { startReceiver } from '@posthorn/testkit'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from '../root.ts'
import { install, makeTarballs, type Tarballs } from '../tarballs.ts'
import { added, environment, NODES, nodeFolder, OLD_NODES, run } from './programs.ts'

const INSTALL_MS = 600_000
const KEY = 'a-key-that-only-this-test-knows'
const CHECK = fileURLToPath(new URL('check-client.js', import.meta.url))
const CHECKED = { keys: ['c', 'b', 'a'], refused: 'not_found', verified: ['taken', 'mismatch'] }

let folder: string
let home: string
let tarballs: Tarballs
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'posthorn-packages-'))
  home = join(folder, 'home')
  tarballs = await makeTarballs(join(folder, 'packed'))
  install(home, [tarballs.posthorn, tarballs.client], ['--offline'])
  copyFileSync(CHECK, join(home, 'check.js'))
  const program =
    "import { check } from './check.js'\nconsole.log(JSON.stringify(await check(...process.argv.slice(-2))))\n"
  writeFileSync(join(home, 'run.js'), program)
}, INSTALL_MS)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Server = { readonly url: string; readonly pid: number; readonly child: ChildProcess }

/** Runs `npx posthorn serve`, and waits until it listens. */
async function serve(node?: string): Promise<Server> {
  const flags = ['serve', '--dev', '--port', '0', '--data', mkdtempSync(join(folder, 'data-'))]
  const child = spawn('npx', ['posthorn', ...flags], {
    cwd: home,
    env: { ...environment(node), POSTHORN_API_KEY: KEY },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const { msg, url, pid } = JSON.parse(line) as { msg: string; url: string; pid: number }
    if (msg !== 'listening') continue
    child.stdout.resume()
    return { url, pid, child }
  }
  throw new Error('posthorn serve ended before it was listening.')
}

/** What Ctrl-C in a terminal does: the signal goes to the server itself. Returns the exit code that npx passes on. */
async function end({ pid, child }: Server): Promise<number | null> {
  const ended = once(child, 'exit')
  process.kill(pid, 'SIGTERM')
  return ((await ended) as [number | null])[0]
}

async function call(url: string, method: string, path: string, body: unknown): Promise<unknown> {
  const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' }
  const response = await fetch(`${url}/v1/tenants/acme${path}`, { method, headers, body: JSON.stringify(body) })
  expect(response.ok, `${method} ${path}: ${response.status}`).toBe(true)
  return response.json()
}

describe('the installed packages', () => {
  it('are two, without any others, and have no TypeScript to strip', () => {
    const names = readdirSync(join(home, 'node_modules')).filter(name => !name.startsWith('.'))
    expect([names, readdirSync(join(home, 'node_modules/@posthorn'))]).toEqual([['@posthorn', 'posthorn'], ['client']])
    const files = readdirSync(join(home, 'node_modules'), { recursive: true, encoding: 'utf8' })
    expect(files.filter(file => /(?<!\.d)\.ts$/.test(file))).toEqual([])
    for (const file of ['LICENSE', 'README.md', 'CHANGELOG.md']) {
      expect(files).toContain(join('posthorn', file))
      expect(files).toContain(join('@posthorn/client', file))
    }
  })

  it('come with maps that lead to our sources, and with the licences of what is bundled', () => {
    const dist = join(home, 'node_modules/posthorn/dist')
    const maps = readdirSync(dist).filter(file => file.endsWith('.js.map'))
    const sources = maps.flatMap(file => {
      const map = JSON.parse(readFileSync(join(dist, file), 'utf8'))
      return (map.sources as string[]).filter((_, at) => map.sourcesContent[at] !== null)
    })
    expect(sources.filter(source => source.endsWith('server/src/engine/lane/lane.ts'))).toHaveLength(1)
    expect(sources.filter(source => source.includes('node_modules'))).toEqual([])
    const licences = readFileSync(join(home, 'node_modules/posthorn/THIRD-PARTY-LICENCES.txt'), 'utf8')
    for (const name of ['fastify', 'pg', 'react', 'nodemailer', '@peculiar/x509']) {
      expect(licences, name).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, 'm'))
    }
  })

  it('are read in one byte a character', () => {
    const dist = join(home, 'node_modules/posthorn/dist')
    for (const file of readdirSync(dist).filter(name => name.endsWith('.js'))) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: all that isn't ASCII
      expect(readFileSync(join(dist, file), 'utf8').match(/[^\x00-\x7f]/)?.[0], file).toBeUndefined()
    }
  })
})

it('the manual comes along, where npm looks for it', () => {
  const { man } = JSON.parse(readFileSync(join(home, 'node_modules/posthorn/package.json'), 'utf8'))
  expect(readFileSync(join(home, 'node_modules/posthorn', man), 'utf8')).toContain('.SS "posthorn tenants list"')
})

describe.each(['this', 'least', 'newest'] as const)('on %s Node', which => {
  let node: string | undefined
  beforeAll(() => {
    if (which !== 'this') node = nodeFolder(folder, NODES[which])
  }, INSTALL_MS)
  const isMissing = () => which !== 'this' && node === undefined
  const onNode = () => (node === undefined ? {} : { node })

  it('npx posthorn demo delivers everything', context => {
    if (isMissing()) return context.skip()
    const lines = run(home, 'npx', ['posthorn', 'demo', '--exit'], onNode()).trim().split('\n')
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ published: 60, delivered: 60, pending: 0, lost: 0 })
  }, 180_000)

  it('npx posthorn serve delivers an event, shows the dashboard, and drains on SIGTERM', async context => {
    if (isMissing()) return context.skip()
    const receiver = await startReceiver({ http: true })
    const server = await serve(node)
    try {
      await call(server.url, 'PUT', '', {})
      if (process.platform === 'linux') {
        const [args, variables] = ['cmdline', 'environ'].map(of => readFileSync(`/proc/${server.pid}/${of}`, 'utf8'))
        expect([args, variables]).toEqual([
          expect.stringContaining('\0--max-semi-space-size=16\0'),
          expect.stringContaining('MALLOC_ARENA_MAX=2\0'),
        ])
      }
      const endpoint = { url: `${receiver.url}/hook`, clientSecret: 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw==' }
      await call(server.url, 'POST', '/endpoints', endpoint)
      const payload = { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' }
      await call(server.url, 'POST', '/events', { type: 'COVER_REFERENCE', payload })
      await expect.poll(() => receiver.requests.map(({ path }) => path)).toEqual(['/hook'])
      const page = await fetch(server.url, { headers: { accept: 'text/html' } })
      expect([page.status, await page.text()]).toEqual([200, expect.stringMatching(/assets\/[\w-]+\.js/)])
    } finally {
      expect(await end(server)).toBe(0)
      await receiver.close()
    }
  }, 180_000)

  it('npx posthorn login, tenants and completion call a server and find their files', async context => {
    if (isMissing()) return context.skip()
    const server = await serve(node)
    try {
      const env = { ...environment(node), XDG_CONFIG_HOME: mkdtempSync(join(folder, 'config-')) }
      const posthorn = (args: readonly string[], input = '') =>
        spawnSync('npx', ['posthorn', ...args], { cwd: home, env, input, encoding: 'utf8' })
      expect(posthorn(['login', '--url', server.url], KEY)).toMatchObject({ status: 0 })
      expect(posthorn(['tenants', 'put', 'acme', '--json'])).toMatchObject({ status: 0, stderr: '' })
      expect(JSON.parse(posthorn(['tenants', 'list', '--json']).stdout)).toMatchObject({ id: 'acme' })
      expect(posthorn(['__complete', '--', 'tenants', 'get', 'a']).stdout).toBe(':words\nacme\t\n')
      expect(posthorn(['completion', 'bash']).stdout).toContain('complete -F _posthorn posthorn')
    } finally {
      expect(await end(server)).toBe(0)
    }
  }, 180_000)

  it('both can be imported and required', context => {
    if (isMissing()) return context.skip()
    const has = existsSync(join(home, 'node_modules/posthorn/dist/index.js'))
    const names = ['@posthorn/client', ...(has ? ['posthorn'] : [])]
    for (const name of names) {
      const code = `import * as one from '${name}'; import { createRequire } from 'node:module'
        const other = createRequire(import.meta.url)('${name}')
        console.log(Object.keys(one).every(key => key === 'default' || one[key] === other[key]), Object.keys(one).length > 1)`
      expect(run(home, 'node', ['--input-type=module', '-e', code], onNode()).trim(), name).toBe('true true')
    }
  })
})

describe('on a Node that is too old', () => {
  it.each(OLD_NODES)(
    '%s, posthorn says in one sentence what it needs',
    (version, ...rest) => {
      const node = nodeFolder(folder, version)
      if (node === undefined) return (rest.at(-1) as { skip?: () => void } | undefined)?.skip?.()
      const bin = join(home, 'node_modules/posthorn/bin/posthorn.cjs')
      const { status, stderr } = spawnSync(join(node, 'node'), [bin, 'serve'], { encoding: 'utf8', env: environment() })
      const words = `posthorn: Posthorn needs Node.js 24.7 or newer, and this is Node.js ${version} (${node}/node).\n`
      expect([status, stderr]).toEqual([1, words])
    },
    INSTALL_MS,
  )
})

describe('the client', () => {
  let server: Server
  beforeAll(async () => {
    server = await serve()
  }, 120_000)
  afterAll(() => end(server))

  const check = (program: string, args: readonly string[] = []): unknown =>
    JSON.parse(run(home, program, [...args, server.url, KEY]).trim())

  it(
    'works on the oldest Node that can require it, and is one module for import and require there',
    context => {
      const node = nodeFolder(folder, OLD_NODES[0])
      if (node === undefined) return context.skip()
      expect(check(join(node, 'node'), ['run.js'])).toEqual(CHECKED)
      const code =
        "const c = require('@posthorn/client'); import('@posthorn/client').then(m => console.log(m.Posthorn === c.Posthorn))"
      expect(run(home, join(node, 'node'), ['--input-type=commonjs', '-e', code]).trim()).toBe('true')
    },
    INSTALL_MS,
  )

  it(
    'works on Deno',
    context => {
      const deno = added(join(folder, 'deno'), ['@deno/linux-x64-glibc@2.9.6'], '@deno/linux-x64-glibc/deno')
      if (deno === undefined) return context.skip()
      expect(check(deno, ['run', '-A', 'run.js'])).toEqual(CHECKED)
    },
    INSTALL_MS,
  )

  it(
    'works on Bun',
    context => {
      const bun = added(join(folder, 'bun'), ['@oven/bun-linux-x64@1.4.5'], '@oven/bun-linux-x64/bin/bun')
      if (bun === undefined) return context.skip()
      expect(check(bun, ['run', 'run.js'])).toEqual(CHECKED)
    },
    INSTALL_MS,
  )

  it(
    'works in bundles of rolldown and esbuild',
    async context => {
      const output = join(folder, 'rolldown.mjs')
      await bundle(join(home, 'run.js'), output)
      expect(check(process.execPath, [output])).toEqual(CHECKED)
      const esbuild = added(join(folder, 'esbuild'), ['@esbuild/linux-x64@0.28.2'], '@esbuild/linux-x64/bin/esbuild')
      if (esbuild === undefined) return context.skip()
      const other = join(folder, 'esbuild.mjs')
      run(home, esbuild, ['run.js', '--bundle', '--format=esm', '--platform=node', `--outfile=${other}`])
      expect(check(process.execPath, [other])).toEqual(CHECKED)
    },
    INSTALL_MS,
  )

  it(
    'works in workerd, which runs Cloudflare Workers',
    async context => {
      const place = join(folder, 'miniflare')
      const packages = ['miniflare@4.20260730.0']
      if (added(place, packages, 'miniflare/package.json') === undefined) return context.skip()
      const worker =
        "import { check } from './check.js'\nexport default { fetch: async (_request, env) => Response.json(await check(env.URL, env.KEY)) }\n"
      writeFileSync(join(home, 'worker.js'), worker)
      await bundle(join(home, 'worker.js'), join(place, 'worker.mjs'))
      const program = `import { Miniflare } from 'miniflare'
      const [URL, KEY] = process.argv.slice(2)
      const options = { modules: true, scriptPath: 'worker.mjs', compatibilityDate: '2026-01-01', bindings: { URL, KEY } }
      const miniflare = new Miniflare(options)
      console.log(await (await miniflare.dispatchFetch('http://localhost')).text())
      await miniflare.dispose()`
      writeFileSync(join(place, 'run.mjs'), program)
      expect(JSON.parse(run(place, 'node', ['run.mjs', server.url, KEY]))).toEqual(CHECKED)
    },
    INSTALL_MS,
  )

  it(
    "works in Vercel's edge runtime",
    async context => {
      const place = join(folder, 'edge')
      if (added(place, ['edge-runtime@4.0.1'], 'edge-runtime/package.json') === undefined) return context.skip()
      const listener =
        "import { check } from './check.js'\naddEventListener('fetch', event => event.respondWith(check(URL_OF_API, KEY_OF_API).then(found => Response.json(found))))\n"
      writeFileSync(join(home, 'edge.js'), listener)
      await bundle(join(home, 'edge.js'), join(place, 'edge.js'), 'iife')
      const program = `import { readFileSync } from 'node:fs'
      import { EdgeRuntime } from 'edge-runtime'
      const extend = context => Object.assign(context, { URL_OF_API: process.argv[2], KEY_OF_API: process.argv[3] })
      const runtime = new EdgeRuntime({ initialCode: readFileSync('edge.js', 'utf8'), extend })
      console.log(await (await runtime.dispatchFetch('http://localhost')).text())`
      writeFileSync(join(place, 'run.mjs'), program)
      expect(JSON.parse(run(place, 'node', ['run.mjs', server.url, KEY]))).toEqual(CHECKED)
    },
    INSTALL_MS,
  )

  it('writes types for the library too, with which the compiler checks what it publishes', () => {
    const command = ['@posthorn/client', 'types', '--module', 'posthorn', '--url', server.url]
    execFileSync('npx', command, { cwd: home, env: { ...environment(), POSTHORN_API_KEY: KEY } })
    const calls = `import { createPosthorn, type PayloadOf, type SqlTransaction } from 'posthorn'
      declare const tx: SqlTransaction
      const { publish, close } = await createPosthorn()
      const grade: PayloadOf<'GRADE_CHANGED'> = { ehid: '7', change: 'positive', companyUrl: 'https://api.example/7' }
      await publish('acme', 'GRADE_CHANGED', grade, { key: 'a' })
      await publish('acme', 'GRADE_CHANGED', JSON.stringify(grade), { tx })
      // @ts-expect-error a value that the schema doesn't have
      await publish('acme', 'GRADE_CHANGED', { ...grade, change: 'up' })
      // @ts-expect-error the same in a transaction
      await publish('acme', 'GRADE_CHANGED', { ...grade, change: 'up' }, { tx })
      // @ts-expect-error a type that the catalogue doesn't have
      await publish('acme', 'GRADE_CHANGE', grade)
      await close()`
    writeFileSync(join(home, 'calls.ts'), calls)
    const compile = (...files: readonly string[]) => {
      const flags = [
        '--noEmit',
        '--strict',
        '--exactOptionalPropertyTypes',
        '--module',
        'nodenext',
        '--target',
        'es2022',
      ]
      const types = [
        '--lib',
        'es2022,esnext.disposable',
        '--types',
        'node',
        '--typeRoots',
        join(ROOT, 'node_modules/@types'),
      ]
      const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
      return spawnSync(process.execPath, [compiler, ...flags, ...types, ...files], { cwd: home, encoding: 'utf8' })
        .stdout
    }
    expect(compile('calls.ts', 'posthorn.d.ts')).toBe('')
    // Without them, any type is accepted.
    expect(compile('calls.ts')).toContain("Unused '@ts-expect-error' directive")
  }, 120_000)

  it(
    'works next to another copy of it in the same program, and knows its errors',
    () => {
      const other = join(folder, 'other')
      install(other, [tarballs.client], ['--offline'])
      const code = `import { ApiError, Posthorn } from '@posthorn/client'
      import * as copy from '${join(other, 'node_modules/@posthorn/client/index.js')}'
      const [url, apiKey] = process.argv.slice(-2)
      const errors = await Promise.all([Posthorn, copy.Posthorn].map(each =>
        new each({ url, apiKey, maxRetries: 0 }).tenants.get('nowhere').catch(error => error)))
      console.log(JSON.stringify([...errors.map(({ name, code }) => [name, code]), ...errors.map(error => error instanceof ApiError)]))`
      writeFileSync(join(home, 'copies.js'), code)
      const error = ['ApiError', 'not_found']
      expect(check(process.execPath, ['copies.js'])).toEqual([error, error, true, true])
    },
    INSTALL_MS,
  )
})

async function bundle(input: string, file: string, format: 'esm' | 'iife' = 'esm'): Promise<void> {
  const build = await rolldown({ input, platform: format === 'esm' ? 'node' : 'browser' })
  await build.write({ file, format })
  await build.close()
}
