/** Who is told by mail or chat: an operator in the dashboard, and a tenant's developer in the portal, by the keyboard alone. */
// cspell:ignore Adresse hinzufügen Bestätigung bitten Benachrichtigungen Bestätigt Bestätigen Noch erfährt niemand Öffnen eingehenden unterwegs
import type { Receiver } from '@posthorn/testkit'
import type { Page } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { findFaults } from '../axe.ts'
import { type Hands, keyboardAlone, mouse } from '../hands.ts'
import { describeInBrowser } from '../setup.ts'
import { NARROW, type Visit } from '../visit.ts'

type Names = { readonly add: string; readonly by: string; readonly submit: string; readonly url: string }

const JOURNEY_MS = 120_000

await describeInBrowser(
  'notifications',
  bench => {
    let chat: Receiver
    beforeAll(async () => {
      chat = await bench.installation.receiver()
      await bench.installation.api.tenants.put('acme', { name: 'Acme Ltd' })
    })

    /** The link with this label in the newest message to a channel. */
    async function linkIn(path: string, label: string, atLeast = 1): Promise<string> {
      const messages = () => chat.requests.filter(request => request.path === path)
      await expect.poll(() => messages().length, { timeout: 30_000 }).toBeGreaterThanOrEqual(atLeast)
      const { text } = JSON.parse(messages().at(-1)!.body.toString()) as { text: string }
      return new RegExp(`<(https?://[^|>]+)\\|${label}>`).exec(text)![1]!
    }
    /** Opens the page behind a link, as someone in the channel does, and presses its button. */
    async function confirm(visit: Visit, url: string, button: string) {
      const page = await visit.context.newPage()
      await page.goto(url)
      expect(await findFaults(page)).toEqual([])
      await page.getByRole('button', { name: button }).click()
      await page.getByRole('heading', { name: /Confirmed|Bestätigt/ }).waitFor()
      await page.close()
    }
    async function expectFit(page: Page) {
      expect(await findFaults(page)).toEqual([])
      const [width, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
      expect(width).toBeLessThanOrEqual(room!)
    }
    async function add(page: Page, hands: Hands, path: string, names: Names) {
      await hands.activate(page.getByRole('button', { name: names.add }).first())
      await page.getByRole('dialog').waitFor()
      await hands.activate(page.getByRole('combobox', { name: names.by }))
      await page.getByRole('option', { name: 'Slack' }).waitFor()
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('Enter')
      await hands.fill(page.getByLabel(names.url), `${chat.url}${path}`)
      await expectFit(page)
      await hands.activate(page.getByRole('button', { name: names.submit }))
    }

    test('an operator adds a channel, which confirms, gets a test and is removed', {
      timeout: JOURNEY_MS,
    }, async () => {
      await bench.visit(async visit => {
        const { page } = visit
        await visit.open('operate/notifications')
        await page.getByRole('heading', { name: 'No one is told yet' }).waitFor()
        await expectFit(page)
        const hands = mouse(page)
        const names = {
          add: 'Add an address',
          by: 'By',
          submit: 'Add, and ask to confirm',
          url: 'URL of the incoming webhook',
        }
        await add(page, hands, '/ops', names)
        await page.getByText('is on its way to the chat').waitFor()
        await confirm(visit, await linkIn('/ops', 'Confirm'), 'Confirm')
        await visit.open(new URL(page.url()).pathname + new URL(page.url()).search)
        await page.getByText('Confirmed').first().waitFor()
        await expectFit(page)
        await page.getByRole('button', { name: 'Send a test' }).click()
        await page.getByText('The test was sent to').waitFor({ timeout: 30_000 })
        await linkIn('/ops', 'Unsubscribe', 2)
        await page.getByRole('button', { name: 'Remove' }).click()
        await page.getByRole('button', { name: 'Remove 1 address' }).click()
        await page.getByRole('heading', { name: 'No one is told yet' }).waitFor()
      })
    })

    test("a tenant's developer does the same in German, by the keyboard, on a phone", {
      timeout: JOURNEY_MS,
    }, async () => {
      const { url } = await bench.installation.api.portal.createLink('acme', {
        language: 'de',
        may: ['look', 'endpoints'],
      })
      await bench.visit(
        async visit => {
          const { page } = visit
          await page.goto(url)
          await page.getByRole('button', { name: 'Öffnen' }).click()
          await visit.settle()
          await visit.open('portal/notifications')
          await page.getByRole('heading', { name: 'Noch erfährt es niemand' }).waitFor()
          await expectFit(page)
          const hands = keyboardAlone(page)
          const names = {
            add: 'Adresse hinzufügen',
            by: 'Per',
            submit: 'Hinzufügen und um Bestätigung bitten',
            url: 'URL des eingehenden Webhooks',
          }
          await add(page, hands, '/acme', names)
          await page.getByText('ist unterwegs in den Chat').waitFor()
          await expectFit(page)
          await confirm(visit, await linkIn('/acme', 'Bestätigen'), 'Bestätigen')
        },
        { apiKey: undefined, viewport: NARROW, locale: 'de-DE' },
      )
      const { data } = await bench.installation.api.notifications.list('acme')
      expect(data.map(({ state, language }) => [state, language])).toEqual([['confirmed', 'de']])
    })

    test('a portal without the permission `endpoints` has no such page', { timeout: JOURNEY_MS }, async () => {
      const { url } = await bench.installation.api.portal.createLink('acme', { language: 'en', may: ['look'] })
      await bench.visit(
        async visit => {
          await visit.page.goto(url)
          await visit.page.getByRole('button', { name: 'Open' }).click()
          await visit.settle()
          expect(await visit.page.getByRole('link', { name: 'Notifications' }).count()).toBe(0)
          await visit.open('portal/notifications')
          await visit.page.getByText('Your link does not allow this').waitFor()
        },
        { apiKey: undefined },
      )
    })
  },
  { flags: ['--portal', 'on'] },
)
