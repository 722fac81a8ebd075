/** From a portal's link to a webhook that was received without a server, and one that was verified. */
// cspell:ignore Hier keine Seite beginnen Nwcm Betrieb erlaubt ersten Erste gehen Ihr Mit nicht Öffnen Prüfen Schritte Schritten senden zuhören falke
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
    const opens = visit.page.getByRole('button', { name: button, exact: true })
    await opens.click()
    await opens.waitFor({ state: 'detached' })
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

  const stepOf = (page: Page, name: string) =>
    page.getByRole('listitem').filter({ has: page.getByRole('heading', { level: 2, name }) })
  const isDone = async (page: Page, name: string) =>
    (await stepOf(page, name).getByText('Done', { exact: true }).count()) > 0

  test('from the link to a verified event: each step is ticked when the API says that it has happened', {
    timeout: JOURNEY_MS,
  }, async () => {
    const { api } = bench.installation
    const link = await linkFor('osprey')
    await bench.visit(async visit => {
      const { page } = visit
      const hands = keyboardAlone(page)
      await enter(visit, link)
      await hands.activate(page.getByRole('main').getByRole('button', { name: 'Listen here' }))
      await page.getByText('Listening. Leave this page').waitFor()
      expect(new URL(page.url()).pathname).toBe('/portal/first-steps')
      await page.getByText('0 of 4 done').waitFor()
      await expectFit(page)
      await hands.activate(page.getByRole('button', { name: 'Send a test event' }))
      await page.getByText('1 of 4 done').waitFor()
      // The focus stays while a button is busy.
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Send another')
      expect(await isDone(page, 'Receive an event')).toBe(true)

      const receiver = await bench.installation.receiver({ script: () => ({ status: 204 }) })
      const { id } = await api.endpoints.create('osprey', {
        url: `${receiver.url}/hooks`,
        clientSecret: 'b3NwcmV5LXNlY3JldC1sb25nLWVub3VnaA',
      })
      await page.getByText('2 of 4 done').waitFor()
      await hands.activate(page.getByRole('button', { name: /Verify it/ }))
      const token = `it's-"mine"`
      await hands.fill(page.getByLabel('Bearer token (clientSecret)'), token)
      await hands.fill(page.getByLabel('Signing secret'), 'whsec_c2VjcmV0')
      await page.getByText('Copy it whole.').waitFor()
      const run = page.getByRole('figure', { name: 'Run it' }).first()
      expect(await run.textContent()).toContain(
        `CLIENT_SECRET='it'\\''s-"mine"' SIGNING_SECRET=whsec_c2VjcmV0 node receiver.mjs`,
      )
      // A receiver that verifies signatures refuses what has none.
      const tryIt = page.getByRole('figure', { name: 'signed as a real request is' }).first()
      expect(await tryIt.textContent()).toContain('hexkey:736563726574')
      await expectFit(page)
      await api.endpoints.test('osprey', id, { type: 'COVER_REFERENCE' })
      await page.getByText('3 of 4 done').waitFor()
      await hands.activate(page.getByRole('button', { name: /Go live/ }))
      const live = stepOf(page, 'Go live')
      const states = () =>
        live.getByRole('listitem').evaluateAll(all => all.map(each => each.querySelector('h3 + *')?.textContent))
      expect(await states()).toEqual(['Done', 'Yours to check', 'Yours to check', 'Done', 'Not yet'])
      await expectFit(page)
      await api.events.publish('osprey', {
        type: 'COVER_REFERENCE',
        payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' },
      })
      await page.getByText('4 of 4 done').waitFor()
      expect(await states()).toEqual(['Done', 'Yours to check', 'Yours to check', 'Done', 'Done'])
      await page.setViewportSize(NARROW)
      await expectFit(page)
      // What was pasted is nowhere else, and gone with the page.
      await page.reload()
      await page.getByText('4 of 4 done').waitFor()
      expect(await visit.holds('whsec_c2VjcmV0')).toBe(false)
    }, VISITOR)
  })

  test('with more endpoints than a list of deliveries can be asked for, the steps are still told', {
    timeout: JOURNEY_MS,
  }, async () => {
    const { api } = bench.installation
    const link = await linkFor('heron')
    const receiver = await bench.installation.receiver({ script: () => ({ status: 204 }) })
    const ids: string[] = []
    for (let n = 0; n < 21; n++) {
      const { id } = await api.endpoints.create('heron', {
        url: `${receiver.url}/${n}`,
        clientSecret: `a-secret-that-is-long-enough-${n}`,
      })
      ids.push(id)
    }
    await bench.visit(async visit => {
      const { page } = visit
      await enter(visit, link)
      await visit.open('portal/first-steps')
      await page.getByText('1 of 4 done').waitFor()
      await api.endpoints.test('heron', ids[0]!, { type: 'COVER_REFERENCE' })
      await page.getByText('3 of 4 done').waitFor()
    }, VISITOR)
  })

  test('in German on a phone, someone who may only look is told what is missing, and offered nothing else', {
    timeout: JOURNEY_MS,
  }, async () => {
    const link = await linkFor('falke', { language: 'de', may: ['look'] })
    await bench.visit(
      async visit => {
        const { page } = visit
        await enter(visit, link, 'Öffnen')
        await page.getByRole('link', { name: 'Mit den ersten Schritten beginnen' }).click()
        await page.getByRole('heading', { name: 'Erste Schritte' }).waitFor()
        await page.getByText('Ihr Link erlaubt das nicht.').waitFor()
        await page
          .getByRole('button', { name: /^3/ })
          .or(page.getByRole('button', { name: /Prüfen/ }))
          .first()
          .click()
        await page.getByRole('button', { name: /In Betrieb gehen/ }).click()
        await expectFit(page)
        expect(await page.getByRole('main').getByRole('link').allTextContents()).toEqual([])
        expect(await page.getByRole('button', { name: /zuhören|senden/ }).count()).toBe(0)
      },
      { ...VISITOR, viewport: NARROW, locale: 'de-DE' },
    )
  })

  test('anyone reads about event types where the operator wants it: by group, with schema, example and code', {
    timeout: JOURNEY_MS,
  }, async () => {
    const { api } = bench.installation
    await api.portalLooks.put({
      name: 'Kestrel',
      accent: '#8a1f66',
      accentDark: '#f2a7d8',
      publicTypes: true,
      help: [{ label: 'Docs', url: 'https://kestrel.example/' }],
    })
    await bench.visit(async visit => {
      const { page } = visit
      const hands = keyboardAlone(page)
      await visit.open('types')
      await page.getByRole('heading', { level: 1, name: 'Event types' }).waitFor()
      expect(await page.title()).toBe('Event types · Kestrel')
      expect(await page.getByRole('link', { name: 'Docs' }).getAttribute('href')).toBe('https://kestrel.example/')
      await expectFit(page)
      await hands.fill(page.getByRole('searchbox'), 'cover_reference')
      await page.getByText('1 type', { exact: true }).waitFor()
      await hands.activate(page.getByRole('link', { name: 'COVER_REFERENCE' }))
      await page.getByRole('heading', { level: 1, name: /COVER_REFERENCE/ }).waitFor()
      await page.getByRole('figure', { name: 'Example' }).getByText('CoverId').waitFor()
      await hands.activate(page.getByRole('tab', { name: 'JavaScript' }))
      await page.keyboard.press('ArrowRight')
      await page.keyboard.press('Enter')
      await page.getByRole('figure', { name: 'receiver.py' }).waitFor()
      expect(new URL(page.url()).pathname).toBe('/types/COVER_REFERENCE')
      await expectFit(page)
      await visit.open('types/COVER_REFERENCE?lang=python')
      await page.getByRole('figure', { name: 'receiver.py' }).waitFor()
      await page.setViewportSize(NARROW)
      await expectFit(page)
      await visit.open('types')
      await expectFit(page)
      visit.allow(/404/)
      await visit.open('types/NO_SUCH')
      await page.getByText('There is no event type with this name').waitFor()
      await expectFit(page)
    }, VISITOR)
  })

  test('where the operator does not want it, there is no such page, in words', { timeout: JOURNEY_MS }, async () => {
    await bench.installation.api.portalLooks.put({ name: 'Kestrel' })
    await bench.visit(
      async visit => {
        visit.allow(/404/)
        const { page } = visit
        const response = await page.goto('types')
        expect(response!.status()).toBe(404)
        await page.getByRole('heading', { name: 'Hier ist keine Seite' }).waitFor()
        expect(await findFaults(page)).toEqual([])
        expect(await page.getByText('COVER_REFERENCE').count()).toBe(0)
      },
      { ...VISITOR, locale: 'de-DE' },
    )
  })
})
