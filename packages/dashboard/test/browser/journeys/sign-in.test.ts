/** Signing in: with a wrong key, with a right one, by a link, and again after the session has ended. */
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { describeInBrowser } from '../setup.ts'
import type { Visit } from '../visit.ts'

const WITHOUT_SESSION = { apiKey: undefined }

await describeInBrowser('signing in', bench => {
  const enter = async (page: Page, key: string) => {
    await page.getByLabel('API key').fill(key)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }
  /** Nothing that a script or the next person at this browser could read holds the key or the session's token. */
  const expectNoSecret = async (visit: Visit) => {
    const [cookie] = await visit.context.cookies(`${bench.installation.url}/session/v1/session`)
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/session/v1' })
    for (const secret of [bench.installation.apiKey, cookie!.value]) expect(await visit.holds(secret)).toBe(false)
  }

  test('a page asks for a key, says that a wrong one is wrong, and opens with the right one, filters and all', async () => {
    await bench.visit(async visit => {
      const { page } = visit
      await visit.open('deliveries?state=exhausted&range=7d')
      expect(await visit.problems()).toEqual([])
      // Browsers show the refusal itself in the console.
      visit.allow(/\b401\b/)
      await enter(page, 'not-the-key')
      await page.getByText('This key is not valid').waitFor()
      await enter(page, bench.installation.apiKey)
      await page.waitForURL(url => url.search === '?state=exhausted&range=7d')
      await visit.settle()
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Deliveries')
      await expectNoSecret(visit)
    }, WITHOUT_SESSION)
  })

  test('a link signs in once, and its token stays nowhere', async () => {
    const response = await fetch(`${bench.installation.url}/v1/sign-in-links`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bench.installation.apiKey}` },
    })
    const { url } = (await response.json()) as { url: string }
    const token = new URL(url).hash.slice('#token='.length)
    await bench.visit(async visit => {
      await visit.page.goto(url)
      await visit.page.getByRole('navigation', { name: 'Main' }).waitFor()
      await visit.settle()
      expect(new URL(visit.page.url()).pathname).toBe('/')
      expect(await visit.page.evaluate(() => history.length)).toBe(2) // the empty page of a new window, and this
      expect(await visit.holds(token)).toBe(false)
    }, WITHOUT_SESSION)
    await bench.visit(async visit => {
      visit.allow(/\b401\b/)
      await visit.page.goto(url)
      await visit.page.getByText('This sign-in link has been used or has expired.').waitFor()
    }, WITHOUT_SESSION)
  })

  test('after the session has ended, one signs in again and lands where one was', async () => {
    await bench.installation.api.tenants.put('acme', { name: 'Acme' })
    await bench.visit(async visit => {
      const { page } = visit
      await visit.open('deliveries?tenant=acme&status=5xx')
      visit.allow(/\b401\b/)
      const { data } = await bench.installation.api.sessions.list({ limit: 1 })
      await bench.installation.api.sessions.revoke(data[0]!.id)
      await page.getByText('Your session has ended.').waitFor()
      await enter(page, bench.installation.apiKey)
      await page.waitForURL(url => url.pathname === '/deliveries')
      expect(new URL(page.url()).search).toBe('?tenant=acme&status=5xx')
    })
  })

  test('signing out leaves nothing that signs in again', async () => {
    await bench.visit(async visit => {
      const { page } = visit
      await visit.open('deliveries')
      await page.getByRole('button', { name: 'Theme, Session' }).click()
      await page.getByRole('menuitem', { name: 'Sign out' }).click()
      await page.getByLabel('API key').waitFor()
      await visit.open('deliveries')
      await page.getByLabel('API key').waitFor()
    })
  })
})
