/** Single sign-on through a real issuer, which is another site for the browser: in, back to where one was, and out. */
import type { BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { CLIENT, TestProvider } from '../../../../server/test/api/single-sign-on/provider.ts'
import { findFaults } from '../axe.ts'
import { describeInBrowser } from '../setup.ts'
import { NARROW, type Visit, WIDE } from '../visit.ts'

const provider = new TestProvider()
const WITHOUT_SESSION = { apiKey: undefined }
const grants = [{ claim: 'groups', value: 'operators', scope: 'all' }]
const FORMS: readonly (readonly [name: string, options: BrowserContextOptions])[] = [
  ['light and wide', { viewport: WIDE, colorScheme: 'light' }],
  ['dark and narrow', { viewport: NARROW, colorScheme: 'dark' }],
]

/** Starts the issuer and lists it, besides one that is unavailable. The server is at 127.0.0.1, the issuer elsewhere. */
async function settings(url: string): Promise<object> {
  const client = {
    client_id: CLIENT.id,
    client_secret: CLIENT.secret,
    redirect_uris: [`${url}/sign-in/okta`],
    post_logout_redirect_uris: [`${url}/sign-in`],
  }
  await provider.start({ clients: [client] }, 'localhost')
  const own = { clientId: CLIENT.id, clientSecret: CLIENT.secret, grants }
  return {
    singleSignOn: [
      { id: 'okta', name: 'Okta', issuer: provider.issuer, ...own },
      { id: 'away', name: 'Example Login', issuer: 'http://127.0.0.1:9', ...own },
    ],
  }
}

await describeInBrowser(
  'single sign-on',
  bench => {
    beforeEach(() => {
      Object.assign(provider.behaviour, {
        account: 'ada',
        asks: true,
        claims: { name: 'Ada Lovelace', groups: ['operators'] },
      })
    })
    afterAll(() => provider.close())

    /** Opens a page without a session, and goes to the issuer. Its own requests are no problems of these pages. */
    const goToIssuer = async (visit: Visit, path: string) => {
      visit.allow(new RegExp(`Request to ${provider.issuer}/`))
      await visit.open(path)
      await visit.page.getByRole('button', { name: 'Sign in with Okta' }).click()
      await visit.page.getByRole('button', { name: 'Continue as ada' }).waitFor()
      expect(visit.page.url()).toMatch(provider.issuer)
    }
    const enterAtIssuer = (visit: Visit) => visit.page.getByRole('button', { name: 'Continue as ada' }).click()
    const idsOfSessions = async () => (await bench.installation.api.sessions.list()).data.map(({ id }) => id)
    const tokensIn = (urls: readonly string[]) =>
      urls.flatMap(url => ['code', 'state'].flatMap(name => new URL(url).searchParams.get(name) ?? []))

    test('leads through the issuer and back to where one was, and leaves nothing of it that a script could read', async () => {
      await bench.visit(async visit => {
        const { page } = visit
        const urls: string[] = []
        page.on('request', request => urls.push(request.url()))
        await goToIssuer(visit, 'operate/audit?range=7d&action=created')
        await enterAtIssuer(visit)
        await page.waitForURL(url => url.pathname === '/operate/audit')
        await visit.settle()
        expect(new URL(page.url()).search).toBe('?range=7d&action=created')
        await page.getByText('Ada Lovelace (okta: ada)').first().waitFor()
        const tokens = tokensIn(urls)
        expect(tokens.length).toBeGreaterThan(1)
        for (const token of tokens) expect(await visit.holds(token)).toBe(false)
        const cookies = await visit.context.cookies(`${bench.installation.url}/session/v1/single-sign-on/sign-out`)
        expect(cookies.map(({ name }) => name).toSorted()).toEqual(['posthorn_session', 'posthorn_sign_out'])
        for (const { httpOnly, sameSite, value } of cookies) {
          expect([httpOnly, sameSite, await visit.holds(value)]).toEqual([true, 'Strict', false])
        }
        await page.getByRole('button', { name: 'Theme, Session' }).click()
        await page.getByText('Signed in as Ada Lovelace', { exact: true }).waitFor()
      }, WITHOUT_SESSION)
    })

    test('signs out here and at the issuer, which asks again', async () => {
      await bench.visit(async visit => {
        const { page } = visit
        const before = await idsOfSessions()
        await goToIssuer(visit, 'deliveries')
        await enterAtIssuer(visit)
        await page.waitForURL(url => url.pathname === '/deliveries')
        await visit.settle()
        expect(await idsOfSessions()).toHaveLength(before.length + 1)
        await page.getByRole('button', { name: 'Theme, Session' }).click()
        await page.getByRole('menuitem', { name: 'Sign out' }).click()
        await page.getByRole('button', { name: 'Yes, sign me out' }).click()
        await page.getByRole('button', { name: 'Sign in with Okta' }).waitFor()
        expect(new URL(page.url()).pathname).toBe('/sign-in')
        expect(await idsOfSessions()).toEqual(before)
        await goToIssuer(visit, 'deliveries')
      }, WITHOUT_SESSION)
    })

    test('says which issuer is unavailable, while a key still gets in', async () => {
      await bench.visit(async visit => {
        const { page } = visit
        visit.allow(/\b502\b/)
        await visit.open('operate/nodes')
        await page.getByText('Example Login is not responding. Try again later, or sign in with an API key.').waitFor()
        await page.getByRole('button', { name: 'Sign in with Example Login' }).click()
        await page.getByText('Example Login is not responding as it should.').waitFor()
        await page.getByLabel('API key').fill(bench.installation.apiKey)
        await page.getByRole('button', { name: 'Sign in', exact: true }).click()
        await page.waitForURL(url => url.pathname === '/operate/nodes')
      }, WITHOUT_SESSION)
    })

    test('tells someone who has no access who they are, and keeps where they wanted to go', async () => {
      await bench.visit(async visit => {
        const { page } = visit
        visit.allow(/\b403\b/)
        provider.behaviour.claims = { name: 'Ada Lovelace', groups: [] }
        await goToIssuer(visit, 'tenants')
        await enterAtIssuer(visit)
        await page.getByText('Your account at Okta (ada) has no access to Posthorn.').waitFor()
        provider.behaviour.claims = { name: 'Ada Lovelace', groups: ['operators'] }
        await page.getByRole('button', { name: 'Sign in with Okta' }).click()
        await page.waitForURL(url => url.pathname === '/tenants')
      }, WITHOUT_SESSION)
    })

    test('takes a response that another browser or no one asked for out of the address, and lets no one in', async () => {
      const responses = ['code=a-forged-code&state=a-forged-state', 'error=access_denied', 'code=a-forged-code']
      for (const response of responses) {
        await bench.visit(async visit => {
          const { page } = visit
          visit.allow(/\b401\b/)
          await page.goto(`sign-in/okta?${response}`)
          await page.getByText('The sign-in was not completed. Begin again.').waitFor()
          expect(new URL(page.url()).search).toBe('')
          expect(await visit.holds('a-forged')).toBe(false)
          await visit.open('deliveries')
          await page.getByLabel('API key').waitFor()
        }, WITHOUT_SESSION)
      }
    })

    test('leaves someone who goes back to the issuer signed in', async () => {
      await bench.visit(async visit => {
        const { page } = visit
        visit.allow(/\b401\b/)
        let back = ''
        page.on('request', request => {
          if (request.url().includes('/sign-in/okta?')) back = request.url()
        })
        await goToIssuer(visit, 'deliveries')
        await enterAtIssuer(visit)
        await page.waitForURL(url => url.pathname === '/deliveries')
        await page.goto(back)
        await page.getByRole('navigation', { name: 'Main' }).waitFor()
      }, WITHOUT_SESSION)
    })

    test.each(FORMS)('can be used by everyone, %s', async (_name, options) => {
      await bench.visit(
        async visit => {
          const { page } = visit
          visit.allow(/\b502\b/)
          await visit.open('deliveries')
          expect(await findFaults(page)).toEqual([])
          await page.getByRole('button', { name: 'Sign in with Example Login' }).click()
          await page.getByText('Example Login is not responding as it should.').waitFor()
          expect(await findFaults(page)).toEqual([])
          const [width, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
          expect(width).toBeLessThanOrEqual(room!)
        },
        { ...WITHOUT_SESSION, ...options },
      )
    })
  },
  { settings },
)
