/** How the portals look, and what anyone can see of it (decision 53). */
import { describe, expect, it } from 'vitest'
import { DEFAULT_LOOKS } from '../../src/base/portal.ts'
import { PortalLooksService } from '../../src/services/portal/portal-looks.ts'
import { png, svg } from '../services/portal/logos.ts'
import { TYPE } from '../services/setup.ts'
import { refused, useApi } from './setup.ts'

const bench = useApi()
const SHOWN = '/portal/v1/portal-looks'
const ANYONE = { key: null }
const CIRCLE = svg('<circle cx="4" cy="4" r="4"/>')

const put = (body: object) => bench.put('/v1/portal', body)
const shown = async () => (await bench.get(SHOWN, ANYONE)).body
const upload = (body: string | Buffer, type = 'application/octet-stream') =>
  bench.put('/v1/portal/logo', body, { headers: { 'content-type': type } })
const audited = async () =>
  (await bench.get('/v1/audit')).body.data.map(
    ({ action, target, fields }: { action: string; target: { type: string }; fields: string[] }) =>
      `${target.type} ${action} ${fields.join(' ')}`.trim(),
  )

describe('the looks', () => {
  it('are defaults at first, are replaced as a whole, and are seen without a key or session', async () => {
    const { accent, accentDark, ...defaults } = DEFAULT_LOOKS
    expect((await bench.get('/v1/portal')).body).toEqual({ ...DEFAULT_LOOKS, logo: null, updatedAt: null })
    expect(await shown()).toEqual({ ...defaults, accent, accentDark, logo: null })
    const help = [{ label: 'Docs', url: 'https://acme.example/docs' }]
    const looks = { name: 'Acme', accent: '#2F4BC3', accentDark: '#95b1fe', theme: 'dark', radius: 0, help }
    const answer = await put({ ...looks, hiddenPages: ['events', 'overview'], publicTypes: true })
    expect(answer.body).toMatchObject({ ...looks, accent: '#2f4bc3', hiddenPages: ['overview', 'events'] })
    expect(await shown()).toEqual({
      ...looks,
      accent: { colour: '#2f4bc3', text: '#ffffff' },
      accentDark: { colour: '#95b1fe', text: '#000000' },
      hiddenPages: ['overview', 'events'],
      publicTypes: true,
      logo: null,
    })
    await put({ name: 'Acme' })
    expect(await shown()).toMatchObject({ name: 'Acme', accent: null, help: [], publicTypes: false })
    expect((await audited()).slice(0, 2)).toEqual([
      'portal updated accent accentDark theme radius hiddenPages help publicTypes',
      'portal updated name accent accentDark theme radius hiddenPages help publicTypes',
    ])
  })

  it.each([
    [{ name: ' ' }, '/name'],
    [{ name: 'x'.repeat(65) }, '/name'],
    [{ name: 'a\u0000b' }, '/name'],
    [{ accent: 'red' }, '/accent'],
    [{ accent: '#2f4bc3;background:url(https://evil.example)' }, '/accent'],
    [{ accentDark: '#95b1fe' }, '/accent'],
    [{ radius: 25 }, '/radius'],
    [{ radius: -1 }, '/radius'],
    [{ theme: 'blue' }, '/theme'],
    [{ hiddenPages: ['operate'] }, '/hiddenPages/0'],
    [{ hiddenPages: ['overview', 'endpoints', 'deliveries', 'events', 'event-types'] }, '/hiddenPages'],
    [{ help: [{ label: 'x', url: 'javascript:alert(1)' }] }, '/help/0/url'],
    [{ help: [{ label: 'x', url: 'http://acme.example' }] }, '/help/0/url'],
    [{ help: [{ label: '', url: 'https://acme.example' }] }, '/help/0/label'],
    [{ help: Array(9).fill({ label: 'x', url: 'https://acme.example' }) }, '/help'],
    [{ publicTypes: 'yes' }, '/publicTypes'],
    [{ css: 'body{}' }, '/css'],
  ])('with %j are refused', async (body, field) => {
    expect(refused(await put(body))).toEqual([422, 'invalid', [field]])
    expect((await bench.get('/v1/portal')).body.updatedAt).toBeNull()
  })

  it('with a colour that cannot be read are refused with one that can', async () => {
    const { body: light } = await put({ accent: '#ffd400', accentDark: '#ffd400' })
    expect(light.errors).toEqual([
      {
        field: '/accent',
        detail: expect.stringMatching(
          /^Text in #ffd400 on the light background \(#eff0f3\) has a contrast of 1\.2:1, and needs 4\.5:1 \(WCAG 2\.2\)\. Choose a darker colour, such as #[0-9a-f]{6}\.$/,
        ),
      },
    ])
    const { body: dark } = await put({ accent: '#2f4bc3' })
    expect(dark.errors).toEqual([
      {
        field: '/accentDark',
        detail: expect.stringMatching(
          /has a contrast of 2\.\d:1.* Set `accentDark` to a lighter colour for it, such as #[0-9a-f]{6}\.$/,
        ),
      },
    ])
    const [proposed] = /#[0-9a-f]{6}(?=\.$)/.exec(dark.errors[0].detail)!
    expect((await put({ accent: '#2f4bc3', accentDark: proposed })).status).toBe(200)
  })
})

describe('the logo', () => {
  it('is what its content says, and is served as an image that runs and loads nothing', async () => {
    const { status, body } = await upload(png(32, 32), 'text/html')
    expect([status, body.logo.type]).toEqual([200, 'image/png'])
    expect(await shown()).toMatchObject({ logo: body.logo.url })
    const first = await bench.api.inject({ url: body.logo.url })
    expect(first.rawPayload).toEqual(png(32, 32))
    expect(first.headers).toMatchObject({
      'content-type': 'image/png',
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
      'cache-control': 'public, max-age=31536000, immutable',
    })
    await upload(CIRCLE, 'image/png')
    const second = await bench.get('/portal/logo', ANYONE)
    expect([second.status, second.text]).toEqual([200, CIRCLE])
    expect(second.headers).toMatchObject({ 'content-type': 'image/svg+xml', 'cache-control': 'no-cache' })
    const headers = { 'if-none-match': `W/"x", ${String(second.headers.etag)}` }
    expect((await bench.get('/portal/logo', { ...ANYONE, headers })).status).toBe(304)
    // A page that still has the old path gets the new one, but doesn't keep it.
    expect((await bench.get(body.logo.url, ANYONE)).headers['cache-control']).toBe('no-cache')
    await put({ name: 'Acme' })
    expect((await bench.get('/portal/logo', ANYONE)).text).toBe(CIRCLE)
    expect((await bench.remove('/v1/portal/logo')).status).toBe(204)
    expect((await bench.get('/portal/logo', ANYONE)).status).toBe(404)
    expect((await bench.remove('/v1/portal/logo')).status).toBe(404)
    expect((await audited()).slice(0, 4)).toEqual([
      'portal_logo deleted',
      'portal updated name',
      'portal_logo replaced',
      'portal_logo created',
    ])
  })

  it.each([
    ['a script', svg('<script>alert(1)</script>'), 422, /has a script/],
    ['another format', 'GIF89a', 422, /not a PNG, JPEG, WebP or SVG/],
    ['nothing', '', 422, /body is empty/],
    ['10 MB', Buffer.alloc(10_000_000), 413, /at most 256 KiB/],
  ])('with %s is refused in words', async (_what, body, status, words) => {
    const answer = await upload(body)
    expect([answer.status, answer.body.detail]).toEqual([status, expect.stringMatching(words)])
    expect((await bench.get('/portal/logo', ANYONE)).status).toBe(404)
  })

  it('is not for keys of one tenant, nor for the portal', async () => {
    const { key } = (await bench.post('/v1/api-keys', { name: 'k', scope: 'all', tenant: 'acme' })).body
    for (const [method, path] of [
      ['GET', '/v1/portal'],
      ['PUT', '/v1/portal'],
      ['PUT', '/v1/portal/logo'],
      ['DELETE', '/v1/portal/logo'],
    ] as const) {
      expect((await bench.send(method, path, { key, body: method === 'PUT' ? {} : undefined })).status).toBe(403)
    }
  })
})

describe('the event types', () => {
  const LIST = '/portal/v1/public-event-types'

  it('are public only while the looks say so', async () => {
    expect((await bench.get(LIST, ANYONE)).status).toBe(404)
    expect((await bench.get(`${LIST}/${TYPE}`, ANYONE)).status).toBe(404)
    await put({ publicTypes: true })
    const names = async () => (await bench.get(LIST, ANYONE)).body.data.map(({ name }: { name: string }) => name)
    const before = await names()
    expect(before).toContain(TYPE)
    expect(before).toEqual([...before].sort())
    expect(before.filter((name: string) => name.startsWith('posthorn.'))).toEqual([])
    const { body } = await bench.get(`${LIST}/${TYPE}`, ANYONE)
    expect(Object.keys(body)).toEqual(['name', 'group', 'description', 'schema', 'example'])
    await bench.post(`/v1/event-types/${TYPE}/archive`)
    expect(await names()).not.toContain(TYPE)
    expect((await bench.get(`${LIST}/${TYPE}`, ANYONE)).status).toBe(404)
    await put({})
    expect((await bench.get(LIST, ANYONE)).status).toBe(404)
  })
})

describe('without a portal', () => {
  it('no one sees anything of it', async () => {
    await put({ publicTypes: true })
    await upload(CIRCLE)
    await bench.useServices({}, { portal: false })
    for (const path of ['/portal/v1/portal-looks', '/portal/logo', '/portal/v1/public-event-types']) {
      expect((await bench.get(path, ANYONE)).status).toBe(404)
    }
    expect((await bench.get('/v1/portal')).body.publicTypes).toBe(true)
  })
})

describe('outside of the portal', () => {
  it('its open calls need a key like any path, and do not exist', async () => {
    for (const path of ['/v1/portal-looks', '/v1/public-event-types', `/v1/public-event-types/${TYPE}`]) {
      expect((await bench.get(path, ANYONE)).status).toBe(401)
      expect((await bench.get(path)).status).toBe(404)
      expect((await bench.get(`/session${path}`, ANYONE)).status).toBe(404)
    }
  })
})

describe('another node', () => {
  const other = () => new PortalLooksService(bench.store, { dev: false }, () => bench.publisher.types())

  it('shows a change within a second, and reads the store once for any number of callers', async () => {
    let nowMs = bench.store.now()
    let reads = 0
    const store = Object.create(bench.store, {
      now: { value: () => nowMs },
      read: {
        value: (name: 'readPortalLooks', args: object) => {
          reads++
          return bench.store.read(name, args)
        },
      },
    })
    const node = new PortalLooksService(store, { dev: false }, () => bench.publisher.types())
    await Promise.all(Array.from({ length: 50 }, () => node.shown()))
    expect(reads).toBe(1)
    await other().putLogo(Buffer.from(CIRCLE))
    expect(await node.logo()).toBeNull()
    nowMs += 1_000
    expect(Buffer.from((await node.logo())!.bytes).toString()).toBe(CIRCLE)
    expect(reads).toBe(3)
    nowMs += 1_000
    await node.logo()
    expect(reads).toBe(4)
  })

  it('goes on showing what it knows while the store is unavailable', async () => {
    let nowMs = bench.store.now()
    let isGone = false
    const store = Object.create(bench.store, {
      now: { value: () => nowMs },
      read: {
        value: async (name: 'readPortalLooks', args: object) => {
          if (isGone) throw new Error('gone')
          return bench.store.read(name, args)
        },
      },
    })
    await put({ name: 'Acme' })
    const node = new PortalLooksService(store, { dev: false }, () => bench.publisher.types())
    await node.shown()
    isGone = true
    nowMs += 5_000
    expect((await node.shown()).looks.name).toBe('Acme')
  })
})
