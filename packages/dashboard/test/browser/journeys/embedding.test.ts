/** The portal in a frame of a provider's page, which is another site (decision 57). */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Frame, Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { settled } from '../furnish.ts'
import { describeInBrowser } from '../setup.ts'
import { WIDE } from '../visit.ts'

const SCRIPT = stripTypeScriptTypes(readFileSync(new URL('../../../../client/src/portal.ts', import.meta.url), 'utf8'))
const TENANT = 'acme'

/** A provider's page. Its backend makes a link at `/link`. The query can say the greatest height. */
const PROVIDER = `<!doctype html><html lang="en"><title>Acme</title><link rel="icon" href="data:,">
<main><h1>Your webhooks</h1><div id="here"></div></main><script type="module">
  import { mountPortal } from '/portal.js'
  const maxHeight = Number(new URLSearchParams(location.search).get('max'))
  const heard = []
  addEventListener('message', ({ source, data }) => source === frames[0] && heard.push(data))
  Object.assign(window, { heard, asked: 0, ends: 0, returns: 0, errors: [] })
  window.portal = mountPortal(document.getElementById('here'), {
    getLink: async () => (asked++, (await fetch('/link' + location.search, { method: 'POST' })).text()),
    onReturn: () => returns++,
    onSessionEnd: () => ends++,
    onError: error => errors.push(String(error)),
    ...(maxHeight > 0 && { maxHeight }),
  })
</script>`

const REACT = `<!doctype html><html lang="en"><title>Acme</title><link rel="icon" href="data:,">
<main><h1>Your webhooks</h1><div id="root"></div></main><script type="module" src="/react.js"></script>`

/** Shows the component while \`shown\` is true, in the mode that mounts everything twice. */
const REACT_SOURCE = `
  import { PosthornPortal } from '@posthorn/client/react'
  import { createElement, StrictMode } from 'react'
  import { createRoot } from 'react-dom/client'
  const root = createRoot(document.getElementById('root'))
  window.returns = []
  const getLink = async () => (await fetch('/link', { method: 'POST' })).text()
  window.render = (shown, round) => root.render(createElement(StrictMode, null,
    shown && createElement(PosthornPortal, { getLink, className: 'portal', onReturn: () => returns.push(round) })))
  render(true, 1)`

/** What the provider's customers get: the component, React and all, as a bundler makes it. */
async function bundleReact(): Promise<string> {
  const entry = 'virtual:provider'
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    root: fileURLToPath(new URL('../../..', import.meta.url)),
    define: { 'process.env.NODE_ENV': '"development"' },
    plugins: [
      {
        name: entry,
        resolveId: id => (id === entry ? fileURLToPath(new URL('../provider.js', import.meta.url)) : null),
        load: id => (id.endsWith('/test/browser/provider.js') ? REACT_SOURCE : null),
      },
    ],
    build: { write: false, minify: false, modulePreload: false, rolldownOptions: { input: entry } },
  })
  const { output } = result as { output: readonly { readonly type: string; readonly code?: string }[] }
  return output.find(({ type }) => type === 'chunk')!.code!
}

let makeLink: (request: IncomingMessage) => Promise<string>
let react = ''

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const send = (type: string, text: string) => response.writeHead(200, { 'content-type': type }).end(text)
  const { pathname } = new URL(request.url!, 'http://localhost')
  if (pathname === '/link') send('text/plain', await makeLink(request))
  else if (pathname === '/portal.js') send('text/javascript', SCRIPT)
  else if (pathname === '/react.js') send('text/javascript', react)
  else if (pathname === '/elsewhere') send('text/html', '<!doctype html><title>Elsewhere</title>')
  else send('text/html', pathname === '/react' ? REACT : PROVIDER)
}

const provider = createServer((request, response) => void answer(request, response))
await new Promise<void>(resolve => provider.listen(0, '127.0.0.1', resolve))
const { port } = provider.address() as AddressInfo
/** The server is at 127.0.0.1: both are other sites, and the second isn't listed. */
const LISTED = `http://localhost:${port}`
const UNLISTED = `http://portal.localhost:${port}`

await describeInBrowser(
  'the portal in a frame',
  bench => {
    const pages: Page[] = []
    /** What browsers warn of on the provider's console. */
    const warnings: string[] = []
    beforeAll(async () => {
      react = await bundleReact()
      const { api } = bench.installation
      const receiver = await bench.installation.receiver({ script: () => ({ status: 200, body: 'ok' }) })
      await api.tenants.put(TENANT, { name: 'Acme' })
      await api.endpoints.create(TENANT, {
        url: `${receiver.url}/a`,
        clientSecret: 'a-secret-that-is-long-enough-0123',
      })
      await api.events.publish(TENANT, {
        type: 'COVER_REFERENCE',
        payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' },
      })
      await settled(bench.installation, TENANT)
      makeLink = async () => (await api.portal.createLink(TENANT, { user: 'ada' })).url
    })
    afterAll(async () => {
      await Promise.all(pages.map(page => page.context().close()))
      provider.close()
    })

    async function open(url: string): Promise<Page> {
      const context = await bench.browser.newContext({ viewport: WIDE, locale: 'en-GB', reducedMotion: 'reduce' })
      const page = await context.newPage()
      page.on('console', message => message.type() === 'warning' && warnings.push(message.text()))
      pages.push(page)
      await page.goto(url)
      return page
    }
    /** The frame, once it shows the portal. */
    async function portalIn(page: Page): Promise<Frame> {
      await page.frameLocator('iframe[title="Webhooks"]').getByRole('navigation', { name: 'Main' }).waitFor()
      return page.frames()[1]!
    }
    /** Adds a frame with a page of another origin. */
    async function frameElsewhere(page: Page): Promise<Frame> {
      await page.evaluate(src => {
        const other = document.createElement('iframe')
        other.src = src
        document.body.append(other)
      }, `${UNLISTED}/elsewhere`)
      await expect.poll(() => page.frames()[2]?.title()).toBe('Elsewhere')
      return page.frames()[2]!
    }
    const heightOf = (page: Page) =>
      page.locator('iframe[title="Webhooks"]').evaluate(frame => frame.getBoundingClientRect().height)
    const go = (frame: Frame, name: string) =>
      frame.getByRole('navigation', { name: 'Main' }).getByRole('link', { name, exact: true }).click()

    test('is as high as its content, up to what the page wants, and keeps nothing in the browser', async () => {
      const page = await open(`${LISTED}/?max=3000`)
      const frame = await portalIn(page)
      const scrolls = () =>
        frame.evaluate(() => [...document.querySelectorAll('[data-fills]')].some(e => e.scrollHeight > e.clientHeight))
      await frame.getByText('Delivered').first().waitFor()
      const isHigh = async () => (await heightOf(page)) > 480 && !(await scrolls())
      await expect.poll(isHigh).toBe(true)
      await go(frame, 'Endpoints')
      await expect.poll(() => heightOf(page)).toBe(480)
      await go(frame, 'Overview')
      await expect.poll(isHigh).toBe(true)
      expect(await frame.evaluate(() => [document.cookie, localStorage.length, sessionStorage.length])).toEqual([
        ...['', 0, 0],
      ])
      expect(await page.evaluate(() => frames[0]!.length)).toBe(0)
      expect(warnings).toEqual([])
      const low = await open(`${LISTED}/?max=600`)
      await portalIn(low)
      await expect.poll(() => heightOf(low)).toBe(600)
    })

    test('gets another link when its session has ended or it was loaded again, and stays where it was', async () => {
      const page = await open(LISTED)
      const frame = await portalIn(page)
      await go(frame, 'Endpoints')
      await frame.getByText('/a', { exact: false }).first().waitFor()
      const { data } = await bench.installation.api.sessions.list({ portal: TENANT, limit: 1 })
      await bench.installation.api.sessions.revoke(data[0]!.id)
      await expect.poll(() => page.evaluate('[asked, ends]')).toEqual([2, 1])
      await frame.getByText('/a', { exact: false }).first().waitFor()
      expect(new URL(frame.url()).pathname).toBe('/portal/endpoints')
      await frame.evaluate(() => location.reload())
      await expect.poll(() => page.evaluate('[asked, ends]')).toEqual([3, 1])
      await portalIn(page)
      await frame.getByRole('button', { name: 'Back', exact: true }).click()
      await expect.poll(() => page.evaluate('returns')).toBe(1)
      expect(await page.evaluate('errors')).toEqual([])
    })

    test('asks no second time for a link that does not work, and a click asks again', async () => {
      const working = makeLink
      makeLink = async () => `${bench.installation.url}/portal/#token=ppl_${'x'.repeat(43)}`
      try {
        const page = await open(LISTED)
        const frame = page.frameLocator('iframe')
        await frame.getByRole('heading', { name: 'This link does not work' }).waitFor()
        expect(await page.evaluate('[asked, ends]')).toEqual([2, 0])
        makeLink = working
        await frame.getByRole('button', { name: 'Open again' }).click()
        await portalIn(page)
        expect(await page.evaluate('[asked, ends]')).toEqual([3, 0])
      } finally {
        makeLink = working
      }
    })

    test('shows nothing on the page of an origin that is not listed, and leaves the link unused', async () => {
      let url = ''
      const working = makeLink
      makeLink = async request => {
        url = await working(request)
        return url
      }
      const page = await open(UNLISTED)
      makeLink = working
      await expect.poll(() => page.frames()[1]?.url()).toMatch(/^chrome-error:/)
      expect(await page.evaluate('heard')).toEqual([])
      const { data } = await bench.installation.api.portal.listLinks(TENANT)
      expect(data[0]?.usesLeft).toBe(1)
    })

    test('believes no one but the page around it', async () => {
      const page = await open(`${LISTED}/?max=3000`)
      const frame = await portalIn(page)
      await frame.getByText('Delivered').first().waitFor()
      // A page of another origin, in another frame of the provider's page, reaches the portal's window.
      const attacker = await frameElsewhere(page)
      await bench.installation.api.tenants.put('evil', { name: 'Evil' })
      const evil = await bench.installation.api.portal.createLink('evil')
      const fragment = new URL(evil.url).hash.slice(1)
      const attack = () =>
        attacker.evaluate(fragment => {
          const messages = [
            { kind: 'hello', returns: false },
            { kind: 'link', fragment },
          ]
          for (const message of messages) parent.frames[0]!.postMessage({ posthorn: 'portal', ...message }, '*')
        }, fragment)
      await attack()
      // The page itself says what makes no sense, and sends a link that wasn't asked for.
      await page.evaluate(fragment => {
        const link = { posthorn: 'portal', kind: 'link', fragment }
        for (const message of [null, 7, 'hello', {}, { posthorn: 'portal' }, link]) frames[0]!.postMessage(message, '*')
      }, fragment)
      // It still answers the page around it.
      await go(frame, 'Endpoints')
      await expect.poll(() => heightOf(page)).toBe(480)
      expect(await page.evaluate('asked')).toBe(1)
      // While it waits for a link, it takes none from the other frame.
      const working = makeLink
      let release = () => {}
      const isReleased = new Promise<void>(resolve => {
        release = resolve
      })
      makeLink = request => isReleased.then(() => working(request))
      const { data } = await bench.installation.api.sessions.list({ portal: TENANT, limit: 1 })
      try {
        // The stream ends with the session.
        await bench.installation.api.sessions.revoke(data[0]!.id)
        await expect.poll(() => page.evaluate('asked')).toBe(2)
        await attack()
        // What has no token in it from the page itself doesn't end the waiting.
        await page.evaluate(() => frames[0]!.postMessage({ posthorn: 'portal', kind: 'link', fragment: 'none' }, '*'))
      } finally {
        makeLink = working
        release()
      }
      await portalIn(page)
      expect((await bench.installation.api.portal.listLinks('evil')).data[0]?.usesLeft).toBe(1)
      await frame.getByRole('button', { name: 'Back', exact: true }).click()
      await expect.poll(() => page.evaluate('returns')).toBe(1)
    })

    test('is the only one that the page believes, and only where the link led', async () => {
      const page = await open(LISTED)
      const frame = await portalIn(page)
      const height = await heightOf(page)
      const forged = [
        { posthorn: 'portal', kind: 'return' },
        { posthorn: 'portal', kind: 'size', height: 700 },
        { posthorn: 'portal', kind: 'link-wanted', hasEnded: true },
      ]
      const post = (messages: readonly object[]) => {
        for (const message of messages) window.top!.postMessage(message, '*')
      }
      await page.evaluate(post, forged)
      await (await frameElsewhere(page)).evaluate(post, forged)
      // From the right window, what makes no sense.
      const odd = [Number.NaN, -1, 1e9, '700', null].map(high => ({ posthorn: 'portal', kind: 'size', height: high }))
      await frame.evaluate(post, [{ kind: 'return' }, { posthorn: 'portal', kind: 'nothing' }, ...odd.slice(0, 1)])
      // Led elsewhere, the frame is another page: it gets no token, and is not heard.
      await frame.goto(`${UNLISTED}/elsewhere`)
      await frame.evaluate(() => addEventListener('message', ({ data }) => Object.assign(window, { heard: data })))
      await frame.evaluate(post, forged)
      await frame.evaluate(() => new Promise(resolve => setTimeout(resolve)))
      expect(await page.evaluate('[asked, returns, ends]')).toEqual([1, 0, 0])
      expect(await heightOf(page)).toBe(height)
      expect(await frame.evaluate('window.heard')).toBeUndefined()
    })

    test('takes nothing but a link to a portal from the backend, and is gone when it is unmounted', async () => {
      const working = makeLink
      makeLink = async () => 'javascript:alert(document.domain)//#token=ppl_x'
      const page = await open(LISTED)
      await expect.poll(() => page.evaluate('errors')).toEqual([expect.stringContaining('getLink must return')])
      expect(await page.locator('iframe').getAttribute('src')).toBeNull()
      makeLink = working
      await page.evaluate('portal.unmount()')
      expect(await page.locator('iframe').count()).toBe(0)
    })

    test('the React component shows one, calls the latest functions, and removes it with itself', async () => {
      const page = await open(`${LISTED}/react`)
      const frame = await portalIn(page)
      expect(await page.locator('.portal > iframe').count()).toBe(1)
      await page.evaluate('render(true, 2)')
      await frame.getByRole('button', { name: 'Back', exact: true }).click()
      await expect.poll(() => page.evaluate('returns')).toEqual([2])
      expect(page.frames()[1]).toBe(frame)
      await page.evaluate('render(false, 3)')
      await expect.poll(() => page.locator('iframe').count()).toBe(0)
    })
  },
  { flags: ['--portal-frames', LISTED] },
)
