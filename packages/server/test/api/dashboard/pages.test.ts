import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Pages } from '../../../src/api/dashboard/pages.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { JumpClock } from '../../jump-clock.ts'
import { KEY, useApi } from '../setup.ts'

const bench = useApi()
const PAGE = '<!doctype html><html lang="en"><head><base href="/"><title>Posthorn</title></head><body></body></html>'
const SCRIPT = `console.log(${JSON.stringify('x'.repeat(2_000))})`

let root: string
let folder: string
let clock: JumpClock

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'posthorn-pages-'))
  folder = join(root, 'dist')
  clock = new JumpClock()
})
afterEach(() => rm(root, { recursive: true, force: true }))

function build(files: Record<string, string | Buffer> = {}, target = folder): void {
  const all = {
    'index.html': PAGE,
    'build.json': '{"digest":"x"}',
    'assets/app-1a2b.js': SCRIPT,
    'assets/app-1a2b.js.br': brotliCompressSync(SCRIPT),
    'assets/app-1a2b.js.gz': gzipSync(SCRIPT),
    'assets/app-3c4d.css': 'body{}',
    'favicon.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
    ...files,
  }
  for (const [name, content] of Object.entries(all)) {
    mkdirSync(dirname(join(target, name)), { recursive: true })
    writeFileSync(join(target, name), content)
  }
}

const open = (options: object = {}, basePath = '/', portalFrames: readonly string[] = []) =>
  bench.useServices({}, { pages: new Pages({ folder, basePath, portalFrames, clock }), basePath, ...options })

async function fetchPage(url: string, headers: Record<string, string> = {}, method = 'GET') {
  const {
    statusCode: status,
    headers: answered,
    rawPayload,
  } = await bench.api.inject({
    method: method as 'GET',
    url,
    headers,
  })
  return { status, headers: answered, bytes: rawPayload, text: rawPayload.toString() }
}

describe('the page', () => {
  beforeEach(async () => {
    build()
    await open()
  })

  it.each([
    '/',
    '/?state=failed',
    '/deliveries',
    '/deliveries/acme/dlv_01jy4k8v3xf0c8wq2rn5s7t9ab?range=24h',
    '/event-types/cover.updated',
    '/tenants/acme.eu',
    '/tenants/me@example.com',
    '/operate/api-keys',
    '/sign-in',
    '/nothing/of/the/kind',
    '/v1x',
    '//example.com/x',
  ])('is what GET %s gets, without a key', async url => {
    const { status, headers, text } = await fetchPage(url)
    expect([status, text, headers['content-type']]).toEqual([200, PAGE, 'text/html; charset=utf-8'])
  })

  it.each([
    '/v1',
    '/v1/nothing',
    '/session',
    '/session/v2/tenants',
    '/portal/v1/nothing',
    '/portal/types/x',
    '/portal/.env',
    '/portal/nothing/app.js',
    '/metrics/x',
    '/healthz/x',
    '/readyz/x/y',
    '/.well-known/security.txt',
    '/.env',
    '/.git/config',
    '/deliveries/.ssh/id',
    '/favicon.ico',
    '/robots.txt',
    '/nothing/app.js',
    '/deliveries.json',
    '/assets/app-9z9z.js',
    '/assets/',
    '/assets/x',
    '/build.json',
    '/assets/app-1a2b.js.br',
    '/index.html.br',
  ])('is not what GET %s gets', async url => {
    const { status, text } = await fetchPage(url)
    expect([401, 404]).toContain(status)
    expect(JSON.parse(text).code).toMatch(/not_found|unauthorized/)
  })

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('is not what %s gets', async method => {
    expect((await fetchPage('/deliveries', {}, method)).status).toBe(404)
  })

  it.each(['/portal', '/portal/', '/portal/endpoints', '/portal/endpoints/acme/a.b'])(
    'is what GET %s gets for the portal, with links of its own',
    async url => {
      const { status, text } = await fetchPage(url)
      expect(status).toBe(200)
      expect(text.replace(/ data-looks="[^"]*"/, '')).toBe(
        PAGE.replace('<base href="/">', '<base href="/portal/" data-pages="portal">'),
      )
      expect((await fetchPage('/portal/assets/app-1a2b.js')).text).toBe(SCRIPT)
    },
  )

  it('of the portal has its looks and the origins of frames, and is another page when they change', async () => {
    await open({}, '/', ['https://app.example.com', 'http://localhost:3000'])
    const looks = async () => {
      const { text } = await fetchPage('/portal/')
      expect(text).toContain(' data-frames="https://app.example.com http://localhost:3000"')
      const [, written] = / data-looks="([^"]*)">/.exec(text)!
      return JSON.parse(written!.replaceAll(/&#(\d+);/g, (_whole, code) => String.fromCharCode(code)))
    }
    const shown = async () => (await bench.get('/portal/v1/portal-looks', { key: null })).body
    expect(await looks()).toEqual(await shown())
    const { headers } = await fetchPage('/portal/')
    const again = () => fetchPage('/portal/', { 'if-none-match': String(headers.etag) })
    expect((await again()).status).toBe(304)
    const name = `"'><script>alert(1)</script>&quot; $& $\``
    await bench.put('/v1/portal', { name, accent: '#7a1f5c', accentDark: '#f2a7d8' })
    const { status, text } = await again()
    expect(status).toBe(200)
    expect(text).not.toContain('<script>alert')
    expect(text.match(/<base\b/g)).toHaveLength(1)
    expect(await looks()).toEqual(await shown())
    expect((await looks()).name).toBe(name)
    const { bytes } = await fetchPage('/portal/', { 'accept-encoding': 'br' })
    expect(brotliDecompressSync(bytes).toString()).toBe(text)
  })

  it('of the public event types is there where the operator wants it, and elsewhere says with 404 that it is not', async () => {
    await open({}, '/', ['https://app.example.com'])
    const urls = ['/types', '/types/', '/types/cover.updated', '/types/app.js?lang=go']
    const withoutLooks = PAGE.replace('<base href="/">', '<base href="/portal/" data-pages="types">')
    for (const url of urls) {
      const { status, text, headers } = await fetchPage(url, { 'if-none-match': '*' })
      expect([status, text.replace(/ data-looks="[^"]*"/, '')]).toEqual([404, withoutLooks])
      expect([headers['cache-control'], headers.etag]).toEqual(['no-store', undefined])
    }
    await bench.put('/v1/portal', { name: 'Kestrel', publicTypes: true })
    for (const url of urls) {
      const { status, text, headers } = await fetchPage(url)
      expect([status, text.replace(/ data-looks="[^"]*"/, '')]).toEqual([200, withoutLooks])
      expect(text).toContain('Kestrel')
      const policy = String(headers['content-security-policy'])
      expect([policy.split('; ').at(-1), headers['x-frame-options']]).toEqual(["frame-ancestors 'none'", 'DENY'])
      expect((await fetchPage(url, { 'if-none-match': String(headers.etag) })).status).toBe(304)
    }
    for (const url of ['/types/.env', '/types.js']) expect((await fetchPage(url)).status).toBe(404)
    expect((await fetchPage('/types', {}, 'POST')).status).toBe(404)
  })

  it('of the public event types is where the portal is', async () => {
    const status = async () => (await fetchPage('/types')).status
    await open({ portal: false })
    await bench.put('/v1/portal', { publicTypes: true })
    expect(await status()).toBe(404)
    for (const dashboard of ['none', 'apart'] as const) {
      await open({ dashboard })
      await bench.put('/v1/portal', { publicTypes: true })
      expect(await status()).toBe(200)
    }
  })

  it('of the portal is there without its looks while those are not known', async () => {
    await bench.useServices(
      { portalLooks: Object.create(bench.portalLooks, { shown: { value: () => Promise.reject(new Error('gone')) } }) },
      { pages: new Pages({ folder, basePath: '/', portalFrames: [], clock }) },
    )
    const { status, text } = await fetchPage('/portal/')
    expect([status, text]).toEqual([200, PAGE.replace('"/">', '"/portal/" data-pages="portal">')])
  })

  it('can be shown in a frame as the portal only, by the origins in the setting only', async () => {
    const frames = async (url: string) => {
      const { headers } = await fetchPage(url)
      return [
        /frame-ancestors ([^;]+)/.exec(String(headers['content-security-policy']))![1],
        headers['x-frame-options'],
      ]
    }
    expect(await frames('/portal/')).toEqual(["'none'", 'DENY'])
    await open({}, '/', ['https://app.example.com', 'https://other.example.com:8443'])
    expect(await frames('/portal/')).toEqual(['https://app.example.com https://other.example.com:8443', undefined])
    for (const url of ['/', '/endpoints', '/assets/app-1a2b.js']) expect(await frames(url)).toEqual(["'none'", 'DENY'])
  })

  it('is there for the portal only where the portal is, and for the dashboard only where the dashboard is', async () => {
    const statuses = async () => [(await fetchPage('/portal/')).status, (await fetchPage('/')).status]
    await open({ portal: false })
    expect(await statuses()).toEqual([404, 200])
    await open({ dashboard: 'none' })
    expect(await statuses()).toEqual([200, 404])
    await open({ dashboard: 'apart' })
    expect(await statuses()).toEqual([200, 404])
  })

  it('has headers that allow nothing inline, nothing of other origins, and no frame', async () => {
    for (const url of ['/', '/assets/app-1a2b.js', '/favicon.svg']) {
      const { headers } = await fetchPage(url)
      const policy = String(headers['content-security-policy'])
      expect(policy).not.toMatch(/unsafe|\*|https?:/)
      for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]) {
        expect(policy.split('; ')).toContain(part)
      }
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      })
    }
  })

  it('is asked for again each time, and not sent again while it is the same', async () => {
    const first = await fetchPage('/')
    expect(first.headers['cache-control']).toBe('no-cache')
    const etag = String(first.headers.etag)
    for (const value of [etag, `W/${etag}`, `"x", ${etag}`]) {
      const again = await fetchPage('/deliveries', { 'if-none-match': value })
      expect([again.status, again.bytes.length, again.headers['content-security-policy']]).toEqual([
        304,
        0,
        first.headers['content-security-policy'],
      ])
    }
    expect((await fetchPage('/', { 'if-none-match': '"x"' })).status).toBe(200)
  })

  it('says by HEAD what GET would, without a body', async () => {
    for (const url of ['/', '/assets/app-1a2b.js']) {
      const [head, got] = [await fetchPage(url, {}, 'HEAD'), await fetchPage(url)]
      expect([head.status, head.bytes.length]).toEqual([200, 0])
      for (const name of ['content-length', 'content-type', 'etag', 'cache-control']) {
        expect(head.headers[name], name).toBe(got.headers[name])
      }
    }
  })
})

describe('files', () => {
  beforeEach(async () => {
    build()
    await open()
  })

  it('with a hash in their name are kept for good, others for an hour', async () => {
    const kept = await fetchPage('/assets/app-1a2b.js')
    expect([kept.text, kept.headers['content-type'], kept.headers['cache-control']]).toEqual([
      SCRIPT,
      'text/javascript; charset=utf-8',
      'public, max-age=31536000, immutable',
    ])
    const { headers } = await fetchPage('/favicon.svg')
    expect([headers['content-type'], headers['cache-control']]).toEqual(['image/svg+xml', 'public, max-age=3600'])
  })

  it('are sent as they were compressed by the build, in the best coding that the browser takes', async () => {
    const codings = [
      ['gzip, deflate, br, zstd', 'br'],
      ['br;q=0, gzip', 'gzip'],
      ['gzip;q=0.5', 'gzip'],
      ['BR', 'br'],
      ['br;q=0.0,gzip;q=0', undefined],
      ['identity', undefined],
      ['', undefined],
    ] as const
    for (const [accepted, coding] of codings) {
      const { headers, bytes } = await fetchPage('/assets/app-1a2b.js', { 'accept-encoding': accepted })
      expect([headers['content-encoding'], headers.vary], accepted).toEqual([coding, 'Accept-Encoding'])
      const plain = coding === 'br' ? brotliDecompressSync(bytes) : coding === 'gzip' ? gunzipSync(bytes) : bytes
      expect(plain.toString()).toBe(SCRIPT)
      expect(Number(headers['content-length'])).toBe(bytes.length)
    }
    // Nothing was compressed by the build.
    const { headers } = await fetchPage('/assets/app-3c4d.css', { 'accept-encoding': 'br, gzip' })
    expect(headers['content-encoding']).toBeUndefined()
    const page = await fetchPage('/', { 'accept-encoding': 'br' })
    expect(brotliDecompressSync(page.bytes).toString()).toBe(PAGE)
  })

  it('outside of the folder can not be reached, however the path is written', async () => {
    const secret = randomBytes(8).toString('hex')
    await writeFile(join(root, 'secret.txt'), secret)
    const part = fc.constantFrom(
      '..',
      '%2e%2e',
      '.%2e',
      '%2E.',
      '..%2f',
      '..%5c',
      '..\\',
      'assets',
      '',
      '.',
      '%00',
      'dist',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 6 }), async parts => {
        const url = `/${[...parts, 'secret.txt'].join('/')}`
        const { text } = await fetchPage(url)
        expect(text, url).not.toContain(secret)
      }),
      { numRuns: 200 },
    )
  })
})

describe('the base path', () => {
  it('is filled into the page, whether or not the page has a place for it', async () => {
    build()
    await open({}, '/hooks/')
    for (const url of ['/', '/hooks', '/hooks/', '/hooks/deliveries/acme/x', '/deliveries']) {
      const { status, text } = await fetchPage(url)
      expect([status, text]).toEqual([200, PAGE.replace('href="/"', 'href="/hooks/"')])
    }
    expect((await fetchPage('/hooks/assets/app-1a2b.js')).text).toBe(SCRIPT)
    expect((await fetchPage('/hooks/v1/nothing')).status).toBe(401)
    build({ 'index.html': '<html><head lang="x"><link href="a.css"></head></html>' })
    clock.jump(1_001)
    expect((await fetchPage('/')).text).toContain('<head lang="x"><base href="/hooks/"><link')
  })
})

describe('until it is built', () => {
  it('the dashboard says how to build it; while it is being built it says so; each page reloads itself', async () => {
    await open()
    const missing = await fetchPage('/deliveries')
    expect([missing.status, missing.headers.refresh, missing.headers['cache-control']]).toEqual([200, '5', 'no-store'])
    expect(missing.text).toContain('npm run build:dashboard')
    expect((await fetchPage('/assets/app-1a2b.js')).status).toBe(404)
    await writeFile(`${folder}.lock`, '1\n')
    clock.jump(1_001)
    const building = await fetchPage('/')
    expect([building.status, building.headers.refresh]).toEqual([200, '1'])
    expect(building.text).toContain('is being built')
    for (const { text, headers } of [missing, building]) {
      // Nothing that the policy would block, and log as an error.
      expect(text).not.toMatch(/<script|<style|style=|\son\w+=/)
      expect(headers['content-security-policy']).toContain("default-src 'none'")
    }
    build()
    await rm(`${folder}.lock`)
    clock.jump(1_001)
    expect((await fetchPage('/')).text).toBe(PAGE)
  })

  it('the API works, and is ready', async () => {
    await open()
    expect((await bench.get('/readyz')).status).toBe(200)
    expect((await bench.get('/v1/tenants')).status).toBe(200)
  })

  it('a build that was killed is not waited for', async () => {
    await writeFile(`${folder}.lock`, '1\n')
    const longAgo = new Date(Date.now() - 60_000)
    await utimes(`${folder}.lock`, longAgo, longAgo)
    await open()
    expect((await fetchPage('/')).text).toContain('npm run build:dashboard')
  })

  it('a half of a build is not served', async () => {
    mkdirSync(join(folder, 'assets'), { recursive: true })
    writeFileSync(join(folder, 'assets/app.js'), SCRIPT)
    await open()
    expect((await fetchPage('/')).text).toContain('npm run build:dashboard')
    expect((await fetchPage('/assets/app.js')).status).toBe(404)
  })
})

describe('a new build', () => {
  it('replaces the one before, whose files open pages still get', async () => {
    build()
    await open()
    const before = await fetchPage('/')
    const next = join(root, 'next')
    build({ 'index.html': PAGE.replace('Posthorn', 'New'), 'assets/new-5e6f.js': 'new' }, next)
    await rm(join(next, 'assets/app-1a2b.js'))
    await rename(folder, join(root, 'old'))
    await rename(next, folder)
    clock.jump(1_001)
    const after = await fetchPage('/', { 'if-none-match': String(before.headers.etag) })
    expect([after.status, after.text]).toEqual([200, PAGE.replace('Posthorn', 'New')])
    expect((await fetchPage('/assets/new-5e6f.js')).text).toBe('new')
    expect((await fetchPage('/assets/app-1a2b.js')).text).toBe(SCRIPT)
  })
})

describe('an address of its own', () => {
  const call = (server: string, path: string, headers: Record<string, string> = {}) =>
    fetch(`${server}${path}`, { headers })

  it('has the pages and the sessions and nothing else, and the API has neither', async () => {
    build()
    await open({ dashboard: 'apart' })
    const api = `http://127.0.0.1:${await bench.listen()}`
    const server = bench.created.createServer('dashboard')
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const dashboard = `http://127.0.0.1:${(server.address() as { port: number }).port}`
    try {
      const authorization = `Bearer ${KEY}`
      expect(await (await call(dashboard, '/deliveries')).text()).toBe(PAGE)
      expect((await call(api, '/deliveries')).status).toBe(404)
      expect((await call(api, '/v1/tenants', { authorization })).status).toBe(200)
      for (const path of ['/v1/tenants', '/v1/nothing', '/metrics', '/healthz', '/openapi.json']) {
        expect((await call(dashboard, path, { authorization })).status, path).toBe(404)
      }
      const signIn = async (server: string) =>
        fetch(`${server}/session/v1/session`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            origin: dashboard,
            'posthorn-session': '1',
            'sec-fetch-site': 'same-origin',
          },
          body: JSON.stringify({ apiKey: KEY }),
        })
      expect((await signIn(api)).status).toBe(404)
      const started = await signIn(dashboard)
      expect(started.status).toBe(201)
      const cookie = started.headers.get('set-cookie')!.split(';')[0]!
      const headers = { cookie, 'posthorn-session': '1', 'sec-fetch-site': 'same-origin' }
      expect((await call(dashboard, '/session/v1/tenants', headers)).status).toBe(200)
      expect((await call(api, '/session/v1/tenants', headers)).status).toBe(404)
    } finally {
      bench.created.closeConnections()
      await new Promise(resolve => server.close(resolve))
    }
  })
})

it('without a dashboard, unknown paths are unknown', async () => {
  await bench.useServices({}, { clock: systemClock })
  expect((await bench.get('/')).status).toBe(404)
})
