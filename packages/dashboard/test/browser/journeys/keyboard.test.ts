/** The journey of `first-webhook.test.ts`, by the keyboard alone. */
import { expect, test } from 'vitest'
import { findFaults } from '../axe.ts'
import { deliverFirstWebhook, SCHEDULE_SECONDS } from '../first-webhook.ts'
import { keyboardAlone } from '../hands.ts'
import { describeInBrowser } from '../setup.ts'

await describeInBrowser(
  'someone with a keyboard',
  bench => {
    test('registers an endpoint of an empty server, sees a webhook arrive, one fail, and retries it', () =>
      bench.visit(visit => deliverFirstWebhook(visit, keyboardAlone(visit.page), bench.installation)))

    test.each([
      ['tenant-1', 'Enter', 'tenant-1'],
      ['tenant-1', 'Tab', 'tenant-1'],
      // The first of those that have it in their name.
      ['the first', 'Enter', 'tenant-1'],
      ['the first', 'Tab', 'tenant-1'],
      // One that is not there yet.
      ['tenant-2', 'Enter', 'tenant-2'],
      ['tenant-2', 'Tab', 'tenant-2'],
    ])('chooses the tenant of a new endpoint by typing “%s” and %s', async (typed, key, tenant) => {
      const { api } = bench.installation
      await api.tenants.put('tenant-1', { name: 'The first' })
      await api.tenants.put('tenant-10', { name: 'The tenth' })
      await bench.visit(async visit => {
        const { page } = visit
        await visit.open('endpoints/new')
        await page.getByRole('combobox', { name: 'Tenant' }).focus()
        await page.keyboard.type(typed)
        await page.getByRole('option').first().waitFor()
        await page.keyboard.press(key)
        await page.waitForURL(url => url.searchParams.get('tenant') === tenant)
        expect(await page.locator('[aria-invalid="true"]').count()).toBe(0)
      })
    })

    test('finds nothing wrong with a menu that is open, and what Esc leaves has the focus', () =>
      bench.visit(async visit => {
        const { page } = visit
        const button = page.getByRole('button', { name: 'Theme, session' })
        await visit.open('deliveries')
        await button.focus()
        await page.keyboard.press('Enter')
        await page.getByRole('menu').waitFor()
        expect(await findFaults(page)).toEqual([])
        await page.keyboard.press('Escape')
        await page.getByRole('menu').waitFor({ state: 'detached' })
        expect(await button.evaluate(element => element === document.activeElement)).toBe(true)
      }))
  },
  { scheduleSeconds: SCHEDULE_SECONDS },
)
