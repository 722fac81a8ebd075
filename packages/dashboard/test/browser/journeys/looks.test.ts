/** How the portal looks: set by an operator on a page, seen by a customer. */
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { findFaults } from '../axe.ts'
import { describeInBrowser } from '../setup.ts'
import { NARROW } from '../visit.ts'

const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="4" fill="#8a1f66"/></svg>`
const BAD = LOGO.replace('<circle', '<script>alert(1)</script><circle')
const VISITOR = { apiKey: undefined }
const LINK = { label: 'Webhooks at Kestrel', url: 'https://kestrel.example/docs' }

await describeInBrowser('how the portal looks', bench => {
  const choose = (page: Page, content: string | Buffer, name = 'logo.svg') =>
    page.setInputFiles('input[type=file]', { name, mimeType: 'image/svg+xml', buffer: Buffer.from(content) })
  const stored = () => bench.installation.api.portalLooks.get()

  test('an operator sets it, sees what a colour or a logo is refused for, and what it will look like', async () => {
    await bench.visit(async visit => {
      const { page } = visit
      await visit.open('operate/portal')
      await page.getByLabel('Name of your product').fill('Kestrel')
      const accent = page.getByLabel('Accent on light backgrounds', { exact: true })
      await accent.fill('#f5a623')
      await page.getByText('has to be at least 4.5:1').waitFor()
      await page.getByRole('button', { name: 'Use #936415' }).click()
      expect(await accent.inputValue()).toBe('#936415')
      await accent.fill('#8a1f66')
      await page.getByLabel('Accent on dark backgrounds', { exact: true }).fill('#f2a7d8')
      await page.getByLabel('Radius of corners').fill('14')
      await page.getByRole('checkbox', { name: 'Events', exact: true }).click()
      await page.getByRole('button', { name: 'Add a link' }).click()
      await page.getByLabel('Text of link 1').fill(LINK.label)
      await page.getByLabel('Address of link 1').fill('javascript:alert(1)')
      const shown = page.getByRole('region', { name: 'Preview' })
      expect(await shown.getByText('Events', { exact: true }).count()).toBe(0)
      expect(await shown.getByText('Kestrel').count()).toBe(4) // the name and the link, light and dark
      const colours = await shown
        .getByText('Register an endpoint')
        .evaluateAll(all => all.map(each => getComputedStyle(each).backgroundColor))
      expect(colours).toEqual(['rgb(138, 31, 102)', 'rgb(242, 167, 216)'])
      expect(await findFaults(page)).toEqual([])
      visit.allow(/\b422\b/)
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText('The URL must start with https://').waitFor()
      expect(await stored()).toMatchObject({ name: null, help: [] })
      await page.getByLabel('Address of link 1').fill(LINK.url)
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText('The looks of the portals are saved.').waitFor()
      const looks = { name: 'Kestrel', accent: '#8a1f66', accentDark: '#f2a7d8', radius: 14, help: [LINK] }
      expect(await stored()).toMatchObject({ ...looks, hiddenPages: ['events'], logo: null })

      await choose(page, BAD)
      await page.getByText('The SVG has a script').waitFor()
      await choose(page, Buffer.alloc(10_000_000))
      await page.getByText('A logo can have at most 256 KiB').waitFor()
      await choose(page, 'GIF89a', 'logo.png')
      await page.getByText('not a PNG, JPEG, WebP or SVG image').waitFor()
      expect((await stored()).logo).toBeNull()
      await choose(page, LOGO)
      const logo = page.getByRole('img', { name: 'The logo of the portals' })
      await logo.waitFor()
      expect(await logo.evaluate(image => (image as HTMLImageElement).naturalWidth)).toBeGreaterThan(0)
      await page.setViewportSize(NARROW)
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(NARROW.width)
      expect(await findFaults(page)).toEqual([])
    })
  })

  test.each(['light', 'dark'] as const)('a customer sees it before the first paint, in the %s theme', async scheme => {
    const { api } = bench.installation
    await api.tenants.put('acme', { name: 'Acme' })
    await api.portalLooks.putPortalLogo(new TextEncoder().encode(LOGO))
    const looks = { name: 'Kestrel', accent: '#8a1f66', accentDark: '#f2a7d8', radius: 14, help: [LINK] }
    await api.portalLooks.put({ ...looks, theme: scheme, hiddenPages: ['overview', 'events'] })
    const { url } = await api.portal.createLink('acme', { language: 'en' })
    await bench.visit(
      async visit => {
        const { page } = visit
        // The system's theme is the other one.
        await page.emulateMedia({ colorScheme: scheme === 'light' ? 'dark' : 'light' })
        // Without its scripts but the first, the page has its colours already.
        await page.route('**/assets/index-*', route => route.abort())
        await page.goto(url)
        const rootOf = () =>
          page.evaluate(() => {
            const { style, dataset } = document.documentElement
            return [dataset.theme, style.getPropertyValue('--radius'), style.getPropertyValue('--accent')]
          })
        expect(await rootOf()).toEqual([scheme, '14px', 'light-dark(#8a1f66, #f2a7d8)'])
        await page.unroute('**/assets/index-*')
        visit.allow(/index-|ERR_FAILED/)
        await page.goto('about:blank')
        await page.goto(url)
        const button = page.getByRole('button', { name: 'Open' })
        await button.waitFor()
        const styleOf = (name: 'backgroundColor' | 'borderRadius') =>
          button.evaluate((each, property) => getComputedStyle(each)[property], name)
        expect(await styleOf('backgroundColor')).toBe(scheme === 'light' ? 'rgb(138, 31, 102)' : 'rgb(242, 167, 216)')
        expect(await styleOf('borderRadius')).toBe('14px')
        expect(await findFaults(page)).toEqual([])
        await button.click()
        const nav = page.getByRole('navigation', { name: 'Main' })
        await nav.waitFor()
        await visit.settle()
        // The portal begins with the first page that it has.
        expect(new URL(page.url()).pathname).toBe('/portal/endpoints')
        expect(await page.title()).toBe('Endpoints · Kestrel')
        expect(await nav.getByRole('link').allTextContents()).toEqual([
          ...['Kestrel', 'Endpoints', 'Deliveries', 'Event types', 'First steps', 'Notifications', LINK.label],
        ])
        const help = nav.getByRole('link', { name: LINK.label })
        expect(await help.evaluate(link => [link.getAttribute('href'), link.getAttribute('rel')])).toEqual([
          ...[LINK.url, 'noreferrer'],
        ])
        const logo = nav.locator('img')
        expect(await logo.evaluate(image => (image as HTMLImageElement).naturalWidth)).toBeGreaterThan(0)
        expect(await page.locator('#favicon').getAttribute('href')).toMatch(/^\/portal\/logo\?v=/)
        expect(await findFaults(page)).toEqual([])
        await visit.open('portal/events')
        await page.getByText('There is no page here').first().waitFor()
      },
      { ...VISITOR, colorScheme: scheme },
    )
  })

  test('the logo, opened as a page, runs and loads nothing', async () => {
    await bench.installation.api.portalLooks.putPortalLogo(new TextEncoder().encode(LOGO))
    const page = await bench.browser.newPage()
    const response = await page.goto(`${bench.installation.url}/portal/logo`)
    expect(await response!.allHeaders()).toMatchObject({
      'content-type': 'image/svg+xml',
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
    })
    expect(await page.evaluate(() => [document.documentElement.tagName, origin])).toEqual(['svg', 'null'])
    await page.close()
  })
})
