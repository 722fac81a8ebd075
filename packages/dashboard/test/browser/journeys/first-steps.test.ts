/** From a portal's link to a webhook that was received without a server. */
import type { CreatePortalLinkBody } from '@posthorn/client'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { findFaults } from '../axe.ts'
import { keyboardAlone } from '../hands.ts'
import { describeInBrowser } from '../setup.ts'
import { NARROW, type Visit } from '../visit.ts'

const VISITOR = { apiKey: undefined }
const JOURNEY_MS = 120_000

await describeInBrowser('first steps', bench => {
  async function linkFor(tenant: string, body: CreatePortalLinkBody = {}): Promise<string> {
    await bench.installation.api.tenants.put(tenant, { name: tenant })
    return (await bench.installation.api.portal.createLink(tenant, { language: 'en', ...body })).url
  }
  async function enter(visit: Visit, url: string, button = 'Open') {
    await visit.page.goto(url)
    await visit.page.getByRole('button', { name: button }).click()
    await visit.page.getByRole('navigation').first().waitFor()
    await visit.settle()
  }
  async function expectFit(page: Page) {
    expect(await findFaults(page)).toEqual([])
    const [width, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
    expect(width).toBeLessThanOrEqual(room!)
  }

  test('someone without a server receives in the browser, by the keyboard alone, leaves, comes back and removes it', {
    timeout: JOURNEY_MS,
  }, async () => {
    const { api } = bench.installation
    const link = await linkFor('acme')
    await bench.visit(async visit => {
      const { page } = visit
      await enter(visit, link)
      await visit.open('portal/endpoints')
      const hands = keyboardAlone(page)
      await hands.activate(page.getByRole('button', { name: 'Listen here' }))
      await page.getByText('Listening. Leave this page').waitFor()
      await expectFit(page)
      const requests = page.getByRole('region', { name: 'Requests' })
      await hands.activate(requests.getByRole('button', { name: 'Send a test event' }))
      await requests.getByText('Answered 200').waitFor()
      const authorization = requests.locator('dt', { hasText: /^authorization$/i }).locator('+ dd')
      expect(await authorization.textContent()).toBe('Bearer ••••••••')
      const [endpoint] = (await api.endpoints.list('acme')).data
      expect(endpoint).toMatchObject({ kind: 'listener', url: null })
      const { data: deliveries } = await api.deliveries.list('acme')
      expect(deliveries.map(({ state, test: isTest }) => [state, isTest])).toEqual([['delivered', true]])
      await hands.activate(requests.getByRole('button', { name: 'Show Authorization' }))
      expect(await authorization.textContent()).toMatch(/^Bearer [\w-]{43}$/)
      await expectFit(page)
      await page.setViewportSize(NARROW)
      await expectFit(page)

      // Nothing is sent while no one listens, and what was heard is there when one comes back.
      await hands.activate(page.getByRole('main').getByRole('link', { name: 'Endpoints' }))
      await requests.waitFor({ state: 'detached' })
      await api.events.publish('acme', {
        type: 'COVER_REFERENCE',
        payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' },
      })
      await page.goBack()
      await expect.poll(() => requests.getByText('Answered 200').count()).toBe(2)
      await hands.activate(requests.getByRole('button', { name: 'Stop and remove' }))
      await hands.activate(
        page.getByRole('dialog').or(page.getByRole('alertdialog')).getByRole('button', { name: 'Stop and remove' }),
      )
      await page.getByText('The listener is removed.').waitFor()
      expect((await api.endpoints.list('acme')).data).toEqual([])
    }, VISITOR)
  })

  test('a page does not answer for a listener of someone else until it is asked to', {
    timeout: JOURNEY_MS,
  }, async () => {
    const { api } = bench.installation
    const link = await linkFor('kestrel')
    const { id } = await api.endpoints.create('kestrel', { kind: 'listener', clientSecret: 'c2VjcmV0LW9mLWEtbGFwdG9w' })
    await api.endpoints.test('kestrel', id, { type: 'COVER_REFERENCE' })
    await bench.visit(async visit => {
      const { page } = visit
      await enter(visit, link)
      await visit.open(`portal/endpoints/kestrel/${id}`)
      await page.getByText('Someone else may listen here').waitFor()
      expect((await api.deliveries.list('kestrel')).data[0]).toMatchObject({ state: 'pending', attemptCount: 0 })
      await page.getByRole('button', { name: 'Listen here' }).click()
      await page.getByText('Answered 200').waitFor()
    }, VISITOR)
  })

  test('who may not listen is offered nothing', { timeout: JOURNEY_MS }, async () => {
    const link = await linkFor('lark', { may: ['look', 'endpoints'] })
    await bench.visit(async visit => {
      const { page } = visit
      await enter(visit, link)
      await visit.open('portal/endpoints')
      await page.getByRole('main').getByRole('link', { name: 'Register an endpoint' }).last().waitFor()
      expect(await page.getByRole('button', { name: 'Listen here' }).count()).toBe(0)
    }, VISITOR)
  })
})
