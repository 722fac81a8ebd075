import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findFaults } from '../axe.ts'
import { findBrowser, startBrowser } from '../browser.ts'
import { Keyboard } from '../keyboard.ts'
import { Visit } from '../visit.ts'

const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: http:"

/** Pages with one fault each, by path. */
const PAGES: Readonly<Record<string, string>> = {
  '/good': '<main><h1>Good</h1><button>One</button><button id="two">Two</button></main>',
  '/inline': '<main><h1>Inline</h1><script>alert(1)</script></main>',
  '/elsewhere': '<main><h1>Elsewhere</h1><img alt="" src="http://127.0.0.2:9/pixel.png"></main>',
  '/missing': '<main><h1>Missing</h1><img alt="" src="/nothing.png"></main>',
  '/script': '<main><h1>Script</h1></main><script src="/throws.js"></script>',
  '/jumps': '<main><h1>Jumps</h1><p>Text that is pushed down</p></main><script src="/jumps.js"></script>',
  '/unnamed': '<main><h1>Unnamed</h1><button></button></main>',
}
const SCRIPTS: Readonly<Record<string, string>> = {
  '/throws.js': 'console.error("said"); throw new Error("thrown")',
  '/jumps.js': `setTimeout(() => {
    const spacer = document.createElement('div')
    spacer.style.height = '300px'
    document.querySelector('main').prepend(spacer)
  }, 200)`,
}

const found = await findBrowser()

describe.skipIf('missing' in found)(`a visit${'missing' in found ? ` (${found.missing})` : ''}`, () => {
  let browser: Browser
  let server: Server
  let url: string

  beforeAll(async () => {
    if ('missing' in found) return
    browser = await startBrowser(found)
    server = createServer((request, response) => {
      const path = request.url ?? ''
      const script = SCRIPTS[path]
      const page = PAGES[path]
      const type = script === undefined ? 'text/html; charset=utf-8' : 'text/javascript'
      response.writeHead(page === undefined && script === undefined ? 404 : 200, {
        'content-type': type,
        'content-security-policy': POLICY,
      })
      response.end(script ?? `<!doctype html><html lang="en"><title>Page</title><link rel="icon" href="data:,">${page}`)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })

  afterAll(async () => {
    await browser?.close()
    server?.close()
  })

  const problemsOf = async (path: string) => {
    const visit = await Visit.begin(browser, url)
    await visit.open(path)
    if (path === '/jumps') await visit.page.waitForFunction(() => (window.posthornMeasures?.layoutShift ?? 0) > 0)
    const problems = await visit.problems()
    await visit.context.close()
    return problems.join('\n')
  }

  test('has no problems on a good page', async () => {
    expect(await problemsOf('/good')).toBe('')
  })

  test.each([
    ['/inline', /Content-Security-Policy refused script-src-elem/],
    ['/elsewhere', /Request to http:\/\/127\.0\.0\.2:9\/pixel\.png/],
    ['/missing', /404 for GET .*nothing\.png/],
    ['/script', /Console error: said[\s\S]*Exception: .*thrown/],
    ['/jumps', /CLS 0\.\d+ on .*: .*<\w+/],
  ])('notices what is wrong with %s', async (path, expected) => {
    expect(await problemsOf(path)).toMatch(expected)
  })

  test('finds a button without a name, in spite of the Content-Security-Policy', async () => {
    const visit = await Visit.begin(browser, url)
    await visit.open('/good')
    expect(await findFaults(visit.page)).toEqual([])
    await visit.open('/unnamed')
    expect((await findFaults(visit.page)).join('\n')).toMatch(/^button-name/)
    await visit.end()
  })

  test('reaches a button by the keyboard, and fails for one that can not be reached or seen', async () => {
    const visit = await Visit.begin(browser, url)
    await visit.open('/good')
    const keyboard = new Keyboard(visit.page)
    await keyboard.tabTo(visit.page.getByRole('button', { name: 'Two' }))
    await visit.page.evaluate(() => document.querySelector('#two')!.setAttribute('tabindex', '-1'))
    await expect(keyboard.tabTo(visit.page.getByRole('button', { name: 'Two' }), 'Shift+Tab')).resolves.toBeUndefined()
    await keyboard.press('Shift+Tab')
    await expect(keyboard.tabTo(visit.page.getByRole('button', { name: 'Two' }))).rejects.toThrow('Stops: ')
    await visit.end()
  })
})
