/** The portal of a tenant: from a link to a delivery, with links that don't work, in German, and in frames. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CreatePortalLinkBody } from '@posthorn/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { common as germanCommon } from '../../../src/strings/de/common.ts'
import { shell as german } from '../../../src/strings/de/shell.ts'
import { findFaults } from '../axe.ts'
import { furnish } from '../furnish.ts'
import { keyboardAlone } from '../hands.ts'
import { describeInBrowser } from '../setup.ts'
import { NARROW, tokenOf, type Visit } from '../visit.ts'

const VISITOR = { apiKey: undefined }
const BACK = 'https://app.acme.example/webhooks'

/** Pages of a provider that show the portal in a frame, on two sites that are not the server's. */
const provider = createServer(({ url = '' }, response) => {
  const src = new URL(url, 'http://localhost').searchParams.get('src') ?? ''
  const attribute = src.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
  response.end(
    `<!doctype html><html lang="en"><title>Acme</title><link rel="icon" href="data:,">` +
      `<main><h1>Your webhooks</h1><iframe title="Webhooks" width="1200" height="800" src="${attribute}"></iframe></main>`,
  )
})
await new Promise<void>(resolve => provider.listen(0, '127.0.0.1', resolve))
const { port } = provider.address() as AddressInfo
/** The server is at 127.0.0.1: both are other sites, and the second isn't listed. */
const LISTED = `http://localhost:${port}`
const UNLISTED = `http://portal.localhost:${port}`

await describeInBrowser(
  'the portal',
  bench => {
    const makeLink = (body: CreatePortalLinkBody = {}, tenant = 'acme') =>
      bench.installation.api.portal.createLink(tenant, body)

    beforeAll(async () => {
      await furnish(bench.installation)
      await bench.installation.api.tenants.put('kestrel', { name: 'Kestrel Ltd' })
    })
    afterAll(() => provider.close())

    test('a link opens at a click, its token stays nowhere, and by the keyboard alone a webhook arrives', async () => {
      const { url } = await makeLink({ user: 'ada' }, 'kestrel')
      const receiver = await bench.installation.receiver({ script: () => ({ status: 200, body: 'thanks' }) })
      await bench.visit(async visit => {
        const { page } = visit
        const { activate, fill, open, tick } = keyboardAlone(page)
        await page.goto(url)
        await page.getByRole('button', { name: 'Open' }).waitFor()
        await visit.settle()
        expect(await visit.problems()).toEqual([])
        expect(new URL(page.url()).hash).toBe('')
        expect(await visit.holds(tokenOf(url))).toBe(false)
        // What only looks, as scanners of mail do, uses nothing up.
        expect((await bench.installation.api.portal.listLinks('kestrel')).data[0]?.usesLeft).toBe(1)
        await page.keyboard.press('Enter')
        await page.getByText('No webhooks yet').waitFor()
        expect(await findFaults(page)).toEqual([])
        expect(await page.evaluate(() => history.length)).toBe(2) // the empty page of a new window, and this
        const places = page.getByRole('navigation', { name: 'Main' }).getByRole('link')
        expect(await places.allInnerTexts()).toEqual([
          ...[
            'Webhooks',
            'Overview',
            'Endpoints',
            'Deliveries',
            'Events',
            'Event types',
            'First steps',
            'Notifications',
          ],
        ])
        await expectNoSecret(visit)
        // There is no sheet to open where the navigation is seen.
        expect(await page.getByRole('button', { name: 'Open navigation' }).count()).toBe(0)
        await page.getByRole('navigation', { name: 'Main' }).getByText('Kestrel Ltd').waitFor()

        await activate(page.getByRole('main').getByRole('link', { name: 'Register an endpoint' }))
        await fill(page.getByLabel('URL'), `${receiver.url}/erp`)
        await page.getByText('Webhooks can be sent there.').waitFor()
        await tick(page.getByRole('checkbox', { name: 'COVER_REFERENCE' }))
        await activate(page.getByRole('button', { name: 'Generate' }))
        await activate(page.getByRole('button', { name: 'Register endpoint' }))
        await page.getByRole('heading', { name: 'The endpoint is registered' }).waitFor()
        await activate(page.getByRole('button', { name: 'Send a test event' }))
        await page.getByText('Delivered at the first attempt').waitFor()
        expect(receiver.requests).toHaveLength(1)

        await activate(page.getByRole('link', { name: 'Deliveries' }))
        await open(page.getByRole('row').filter({ hasText: 'Delivered' }))
        await page.getByText('thanks').waitFor()
        await visit.settle()
        expect(await visit.problems()).toEqual([])
      }, VISITOR)
    })

    /** The session's token is in a cookie that scripts can't read, and which the API's other paths don't get. */
    const expectNoSecret = async (visit: Visit) => {
      const [cookie] = await visit.context.cookies(`${bench.installation.url}/portal/v1/portal-session`)
      expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/portal/v1' })
      expect(await visit.holds(cookie!.value)).toBe(false)
    }

    test('links that were used or revoked, are altered or foreign, or none, all say to ask for a new one', async () => {
      const [used, revoked, good] = await Promise.all([makeLink(), makeLink(), makeLink()])
      const own = new URL('portal/', `${bench.installation.url}/`)
      const foreign = await bench.installation.api.sessions.createSignInLink()
      await bench.visit(visit => visit.redeem(used.url), VISITOR)
      await bench.installation.api.portal.revokeLink('acme', revoked.id)
      const altered = `${tokenOf(good.url).slice(0, -4)}AAAA`
      const links = [
        used.url,
        revoked.url,
        `${own}#token=${altered}`,
        `${own}#token=${tokenOf(foreign.url)}`,
        `${own}#token=`,
        `${own}#token=${'%00'.repeat(3)}`,
      ]
      const pages = new Set<string>()
      for (const url of links) {
        await bench.visit(async visit => {
          const { page } = visit
          await page.goto(url)
          await visit.settle()
          expect(await visit.problems()).toEqual([])
          // Browsers show the refusal itself in the console.
          visit.allow(/\b4(01|22)\b/)
          await page.getByRole('button', { name: 'Open' }).click()
          await page.getByText('Ask your provider for a new link').waitFor()
          pages.add(await page.getByRole('main').ariaSnapshot())
          await page.reload()
          await page.getByText('Ask your provider for a new link').waitFor()
        }, VISITOR)
      }
      expect([...pages]).toHaveLength(1)
      expect([...pages][0]).toContain('This link does not work')
    })

    test('without a link, the page says that it needs one, and nothing is refused', async () => {
      await bench.visit(async visit => {
        for (const path of ['portal/', 'portal/deliveries', 'portal/sign-in?ended=1', 'portal/endpoints/new']) {
          await visit.open(path)
          await visit.page.getByText('Ask your provider for a new link').waitFor()
        }
        expect(await visit.problems()).toEqual([])
      }, VISITOR)
    })

    test.each([
      [BACK, 'To continue, open this page again from app.acme.example.'],
      [null, 'Ask your provider for a new link: open this page again where you found it.'],
    ])('a session that is revoked while its page is open says so, leading back to %s', async (returnUrl, sentence) => {
      const { url } = await makeLink({ user: 'grace', returnUrl })
      await bench.visit(
        async visit => {
          const { page } = visit
          await visit.open('portal/deliveries')
          await page.getByRole('row').nth(1).waitFor()
          const sessions = await bench.installation.api.sessions.list({ portal: 'acme' })
          await bench.installation.api.sessions.revoke(sessions.data[0]!.id)
          await page.getByRole('heading', { name: 'Your session has ended' }).waitFor()
          await page.getByText(sentence).waitFor()
          await page.reload()
          await page.getByText(sentence).waitFor()
          expect(await findFaults(page)).toEqual([])
          const back = page.getByRole('link', { name: 'Back to app.acme.example' })
          expect(await back.count()).toBe(returnUrl === null ? 0 : 1)
          if (returnUrl !== null) expect(await back.getAttribute('href')).toBe(BACK)
          await visit.settle()
          // Not even in the console: the page asks when the stream ends.
          expect(await visit.problems()).toEqual([])
        },
        { ...VISITOR, portalLink: url },
      )
    })

    test('someone who leaves is out', async () => {
      const { url } = await makeLink()
      await bench.visit(
        async visit => {
          const { page } = visit
          await visit.open('portal/')
          await page.getByRole('button', { name: 'Theme, Session' }).click()
          await page.getByRole('menuitem', { name: 'Leave' }).click()
          await page.getByRole('heading', { name: 'You have left' }).waitFor()
          await visit.open('portal/deliveries')
          await page.getByText('Ask your provider for a new link').waitFor()
        },
        { ...VISITOR, portalLink: url },
      )
    })

    test('someone who leaves while the server does not respond is told that their session goes on', async () => {
      const { url } = await makeLink({ user: 'hopper' })
      await bench.visit(
        async visit => {
          const { page } = visit
          visit.allow(/ERR_FAILED/)
          await visit.open('portal/endpoints')
          const leave = async () => {
            await page.getByRole('button', { name: 'Theme, Session' }).click()
            await page.getByRole('menuitem', { name: 'Leave' }).click()
          }
          await page.route('**/v1/portal-session', route => route.abort())
          await leave()
          await page.getByText('Your session has not ended').waitFor()
          expect(new URL(page.url()).pathname).toBe('/portal/endpoints')
          await page.unroute('**/v1/portal-session')
          await leave()
          await page.getByRole('heading', { name: 'You have left' }).waitFor()
          const { data } = await bench.installation.api.sessions.list({ portal: 'acme' })
          expect(data.some(({ portal }) => portal?.user === 'hopper')).toBe(false)
        },
        { ...VISITOR, portalLink: url },
      )
    })

    test('the next session in the same tab learns nothing of the one before', async () => {
      const { url } = await makeLink()
      const { data } = await bench.installation.api.deliveries.list('acme', { limit: 1 })
      const { id } = data[0]!
      await bench.visit(
        async visit => {
          const { page } = visit
          const recent = page.getByRole('dialog').getByText('Recent', { exact: true })
          await visit.open(`portal/deliveries/acme/${id}`)
          await page.keyboard.press('ControlOrMeta+k')
          await recent.waitFor()
          await page.keyboard.press('Escape')
          await page.getByRole('button', { name: 'Theme, Session' }).click()
          await page.getByRole('menuitem', { name: 'Leave' }).click()
          await page.getByRole('heading', { name: 'You have left' }).waitFor()
          const next = await makeLink({}, 'kestrel')
          await page.evaluate(href => location.assign(href), next.url)
          await page.getByRole('button', { name: 'Open', exact: true }).click()
          await page.getByRole('button', { name: 'Theme, Session' }).waitFor()
          await page.keyboard.press('ControlOrMeta+k')
          await page.getByRole('dialog').getByText('Pages', { exact: true }).waitFor()
          expect(await recent.count()).toBe(0)
        },
        { ...VISITOR, portalLink: url },
      )
    })

    test('a link that is opened in another tab: of the same tenant, this one goes on; of another, it says so', async () => {
      const { url } = await makeLink()
      await bench.visit(
        async visit => {
          const { page, context } = visit
          const openIn = async (link: string) => {
            const other = await context.newPage()
            await other.goto(link)
            await other.getByRole('button', { name: 'Open', exact: true }).click()
            await other.getByRole('button', { name: 'Theme, Session' }).waitFor()
          }
          const main = page.getByRole('navigation', { name: 'Main' })
          await visit.open('portal/endpoints')
          await openIn((await makeLink({ user: 'turing' })).url)
          await main.getByRole('link', { name: 'Deliveries' }).click()
          await page.getByRole('row').nth(1).waitFor()
          await openIn((await makeLink({}, 'kestrel')).url)
          await page.getByRole('heading', { name: 'Another portal was opened in this browser' }).waitFor()
          expect(await findFaults(page)).toEqual([])
          await page.getByRole('button', { name: 'Show the other one' }).click()
          await main.getByText('Kestrel Ltd').waitFor()
          expect(await visit.problems()).toEqual([])
        },
        { ...VISITOR, portalLink: url },
      )
    })

    test('a link in German is German before the click, after it, and where it no longer works', async () => {
      const { url } = await makeLink({ language: 'de', theme: 'dark' })
      await bench.visit(
        async visit => {
          const { page } = visit
          const look = () =>
            page.evaluate(() => [document.documentElement.lang, document.documentElement.dataset.theme])
          await page.goto(url)
          await page.getByText(german.portal.welcome).waitFor()
          expect(await findFaults(page)).toEqual([])
          expect(await look()).toEqual(['de', 'dark'])
          await page.getByRole('button', { name: german.portal.open }).click()
          await page.getByRole('button', { name: german.openNavigation }).waitFor()
          await visit.open('portal/deliveries')
          await page.getByText(germanCommon.states.exhausted).first().waitFor()
          expect(await look()).toEqual(['de', 'dark'])
          visit.allow(/\b401\b/)
          await page.goto('about:blank')
          await page.goto(url)
          await page.getByRole('button', { name: german.portal.open }).click()
          await page.getByRole('heading', { name: german.portal.refused }).waitFor()
          expect(await findFaults(page)).toEqual([])
        },
        { ...VISITOR, viewport: NARROW },
      )
    })

    test('someone who can only look sees no button that does anything, and a word where payloads are hidden', async () => {
      const { url } = await makeLink({ may: ['look'] })
      const { data } = await bench.installation.api.deliveries.list('acme', { state: 'exhausted' })
      const { id, event, endpoint } = data[0]!
      await bench.visit(
        async visit => {
          const { page } = visit
          const main = page.getByRole('main')
          const actions =
            /register|publish|retry|send|replay|disable|enable|delete|edit|change|replace|rotate|remove|pause the/i
          for (const path of [
            '',
            'endpoints',
            `endpoints/acme/${endpoint}`,
            `endpoints/acme/${endpoint}?tab=settings`,
            `endpoints/acme/${endpoint}?tab=secrets`,
            `endpoints/acme/${endpoint}?tab=retries`,
            'deliveries',
            `deliveries/acme/${id}`,
            'events',
            `events/acme/${event}`,
            'replays',
            'event-types',
          ]) {
            await visit.open(`portal/${path}`)
            const names = await main
              .getByRole('button')
              .or(main.getByRole('link'))
              .evaluateAll(all => all.map(one => one.getAttribute('aria-label') ?? one.textContent ?? ''))
            expect([
              path,
              ...names.filter(
                name => actions.test(name) && !/^[A-Z_]+$/.test(name) && !/^(Filter|Clear|See|Step)/.test(name),
              ),
            ]).toEqual([path])
          }
          await visit.open(`portal/events/acme/${event}`)
          await page.getByText('Your link does not show payloads.').waitFor()
          await visit.open(`portal/deliveries/acme/${id}`)
          await page.getByText('Your link does not show payloads').first().waitFor()
          for (const path of ['endpoints/new', 'replays/new']) {
            await visit.open(`portal/${path}`)
            await page.getByText('Ask your provider for one that does.').waitFor()
          }
          await visit.open('portal/tenants')
          await page.getByRole('heading', { name: 'There is no page here' }).waitFor()
        },
        { ...VISITOR, portalLink: url },
      )
    })

    test('in a frame of a listed origin it opens at once, with the session in memory alone', async () => {
      const { url } = await makeLink({ user: 'linus' })
      await bench.visit(async visit => {
        const { page } = visit
        visit.allow(new RegExp(`^Request to ${LISTED}`))
        await page.goto(`${LISTED}/?src=${encodeURIComponent(url)}`)
        const frame = page.frame({ url: /\/portal\// })!
        await frame.getByRole('link', { name: 'Deliveries', exact: true }).click()
        await frame.getByRole('row').nth(1).waitFor()
        const kept = await frame.evaluate(async () => [
          document.cookie,
          ...Object.values({ ...localStorage, ...sessionStorage }),
          ...(await indexedDB.databases()),
        ])
        expect(kept).toEqual([''])
        expect(await visit.context.cookies()).toEqual([])
        expect(frame.url()).not.toContain('token')
        // It is the frame's alone: no other tab is in.
        const other = await visit.context.newPage()
        await other.goto('portal/')
        await other.getByRole('heading', { name: 'This page opens with a link' }).waitFor()
        await other.close()
        const sessions = await bench.installation.api.sessions.list({ portal: 'acme' })
        expect(sessions.data[0]).toMatchObject({ portal: { user: 'linus' } })
        await bench.installation.api.sessions.revoke(sessions.data[0]!.id)
        await frame.getByRole('heading', { name: 'Your session has ended' }).waitFor()
        await frame.getByText('Load the page around this one again.').waitFor()
        expect(await visit.problems()).toEqual([])
      }, VISITOR)
    })

    test('a page of an origin that is not listed can not show it, and uses no link up', async () => {
      const { url, id } = await makeLink()
      await bench.visit(async visit => {
        const { page } = visit
        visit.allow(/frame-ancestors|ERR_BLOCKED_BY|Request to http:\/\/portal\.localhost|chrome-error/)
        const refused = page.waitForEvent('console', { predicate: message => /frame-ancestors/.test(message.text()) })
        await page.goto(`${UNLISTED}/?src=${encodeURIComponent(url)}`)
        await refused
        expect(page.frames().filter(frame => /\/portal\//.test(frame.url()))).toEqual([])
        const { data } = await bench.installation.api.portal.listLinks('acme')
        expect(data.find(link => link.id === id)?.usesLeft).toBe(1)
      }, VISITOR)
    })
  },
  { scheduleSeconds: [0.2], flags: ['--portal-frames', LISTED, '--dev'] },
)
