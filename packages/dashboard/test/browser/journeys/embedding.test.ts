/** A page of a provider that shows a portal of another site in a frame (decision 57), in a real browser. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findBrowser, startBrowser } from '../browser.ts'

const SOURCE = new URL('../../../../client/src/portal.ts', import.meta.url)
const token = (letter: string) => `ppl_${letter.repeat(43)}`

/** The side of the frame, as small as it can be: it notes what it hears, and says what the test tells it to. */
const PORTAL = `<!doctype html><title>Portal</title><script>
  window.heard = []
  window.tell = () => {}
  addEventListener('message', ({ source, origin, data }) => {
    if (source !== parent || data?.posthorn !== 'portal') return
    heard.push({ ...data, origin })
    window.tell = message => parent.postMessage({ posthorn: 'portal', ...message }, origin)
  })
  window.token = location.hash
</script>`

/** Asks for the links `links` in turn. */
const PROVIDER = `<!doctype html><title>Provider</title><div id="here"></div><script type="module">
  import { mountPortal } from '/portal.js'
  window.errors = []
  window.returns = 0
  window.asked = 0
  window.portal = mountPortal(document.getElementById('here'), {
    getLink: async () => links[asked++] ?? 'javascript:alert(1)',
    onReturn: () => returns++,
    onError: error => errors.push(String(error)),
  })
</script>`

async function serve(answer: (path: string) => { type?: string; text: string; headers?: Record<string, string> }) {
  const server = createServer((request, response) => {
    const { type = 'text/html', text, headers = {} } = answer(request.url!)
    response.writeHead(200, { 'content-type': type, ...headers }).end(text)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

const found = await findBrowser()
const name = 'a portal in a frame of another site'
describe.skipIf('missing' in found)('missing' in found ? `${name} (${found.missing})` : name, () => {
  let browser: Browser
  const servers: Server[] = []
  let [provider, other, portal] = ['', '', '']
  beforeAll(async () => {
    const script = stripTypeScriptTypes(readFileSync(SOURCE, 'utf8'))
    const page = (path: string) =>
      path === '/portal.js' ? { type: 'text/javascript', text: script } : { text: PROVIDER }
    const [one, two] = [await serve(page), await serve(page)]
    // `localhost` and 127.0.0.1 are two sites.
    provider = `http://localhost:${one.port}`
    other = `http://localhost:${two.port}`
    const headers = { 'content-security-policy': `frame-ancestors ${provider}` }
    const framed = await serve(() => ({ text: PORTAL, headers }))
    portal = `http://127.0.0.1:${framed.port}`
    servers.push(one.server, two.server, framed.server)
    browser = await startBrowser(found as Exclude<typeof found, { missing: string }>)
  })
  afterAll(async () => {
    await browser?.close()
    for (const server of servers) server.close()
  })

  const link = (letter: string) => `${portal}/portal/#token=${token(letter)}`
  async function open(at: string, links: readonly string[]): Promise<Page> {
    const page = await browser.newPage()
    await page.addInitScript(given => Object.assign(globalThis, { links: given }), links)
    await page.goto(at)
    return page
  }
  const frameOf = async (page: Page) => {
    await expect.poll(() => page.frames()[1]?.url() ?? '').toContain('/portal/')
    const frame = page.frames()[1]!
    await expect.poll(() => frame.evaluate('heard.length')).toBeGreaterThan(0)
    return frame
  }
  const heightOf = (page: Page) => page.locator('iframe').evaluate(frame => frame.getBoundingClientRect().height)

  it('gets a link, is as high as its content, and a new token when its session is gone', async () => {
    const page = await open(provider, [link('a'), link('b')])
    const frame = await frameOf(page)
    expect(await frame.evaluate('token')).toBe(`#token=${token('a')}`)
    expect(await frame.evaluate('heard')).toEqual([{ posthorn: 'portal', kind: 'hello', origin: provider }])
    for (const [height, shown] of [
      [900.2, 901],
      [1, 480],
      [1e9, 20_000],
    ]) {
      await frame.evaluate(`tell({ kind: 'size', height: ${height} })`)
      await expect.poll(() => heightOf(page)).toBe(shown)
    }
    await frame.evaluate(`tell({ kind: 'link-wanted' }); tell({ kind: 'link-wanted' })`)
    await expect.poll(() => frame.evaluate('heard.at(-1).token')).toBe(token('b'))
    expect(await page.evaluate('asked')).toBe(2)
    await frame.evaluate(`tell({ kind: 'return' })`)
    await expect.poll(() => page.evaluate('returns')).toBe(1)
    await page.evaluate('portal.unmount()')
    expect(await page.locator('iframe').count()).toBe(0)
    await page.close()
  })

  it('says nothing to a page that the operator does not list, which gets no frame', async () => {
    const page = await open(other, [link('a')])
    await expect.poll(() => page.frames()[1]?.url()).toMatch(/^chrome-error:/)
    await page.close()
  })

  it('is the only one that the page believes, and only at its own origin', async () => {
    const page = await open(provider, [link('a'), link('b')])
    const frame = await frameOf(page)
    const forged = `{ posthorn: 'portal', kind: 'return' }`
    await page.evaluate(`postMessage(${forged}, '*')`)
    // Led elsewhere, the frame is another page, which gets no token and is not heard.
    await frame.goto(`${other}/away`)
    await frame.evaluate(
      `parent.postMessage(${forged}, '*'); parent.postMessage({ posthorn: 'portal', kind: 'link-wanted' }, '*')`,
    )
    await frame.evaluate(() => new Promise(done => setTimeout(done)))
    expect(await page.evaluate('[returns, asked]')).toEqual([0, 1])
    await page.close()
  })

  it('takes nothing but a link to a portal from the backend', async () => {
    const page = await open(provider, [])
    await expect.poll(() => page.evaluate('errors')).toEqual([expect.stringContaining('getLink must return')])
    expect(await page.locator('iframe').getAttribute('src')).toBeNull()
    await page.close()
  })
})
