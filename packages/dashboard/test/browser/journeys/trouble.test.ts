/** What operators come for: an endpoint that fails, an hour to be sent again, a server that is restarted. */
import { randomUUID } from 'node:crypto'
import type { Receiver } from '@posthorn/testkit'
import { expect, test } from 'vitest'
import { settled } from '../furnish.ts'
import { mouse } from '../hands.ts'
import { describeInBrowser } from '../setup.ts'
import type { Visit } from '../visit.ts'

const LONG_SCHEDULE_SECONDS = [600]
const cover = (key: string) => ({ type: 'COVER_REFERENCE', payload: { CoverId: randomUUID() }, key })

await describeInBrowser(
  'an operator',
  bench => {
    /** A tenant with one endpoint, whose receiver responds with the status that `answer` returns. */
    const createEndpoint = async (tenant: string, answer: () => number, body: object = {}) => {
      const { api } = bench.installation
      const receiver: Receiver = await bench.installation.receiver({ script: () => ({ status: answer() }) })
      await api.tenants.put(tenant, { name: tenant })
      const secret = { clientSecret: 'a-secret-that-is-long-enough' }
      await api.endpoints.create(tenant, { url: receiver.url, name: `ERP of ${tenant}`, ...secret, ...body })
      return receiver
    }
    /** Sets a mark that a reload would remove. */
    const mark = ({ page }: Visit) => page.evaluate(() => Object.assign(window, { isSamePage: true }))
    const isMarked = ({ page }: Visit) => page.evaluate(() => 'isSamePage' in window)

    test('follows a failing endpoint from Overview back to health', async () => {
      let status = 503
      await createEndpoint('acme', () => status, { schedule: LONG_SCHEDULE_SECONDS })
      await bench.installation.api.events.publish('acme', [cover('one'), cover('two')])
      await bench.visit(async visit => {
        const { page } = visit
        const { activate } = mouse(page)
        await visit.open('')
        await mark(visit)
        await page.getByText('Webhooks arrive, except at 1 endpoint').waitFor()
        await activate(page.getByRole('link', { name: 'acme · ERP of acme' }))
        await page.getByText('Failing:').first().waitFor()
        status = 204
        await activate(page.getByRole('button', { name: 'Retry 2 pending deliveries now' }))
        await activate(page.getByRole('dialog').getByRole('button', { name: 'Retry 2 pending deliveries now' }))
        await page.getByText('Healthy').first().waitFor()
        await activate(page.getByRole('link', { name: 'Overview' }))
        await page.getByRole('heading', { name: 'Webhooks arrive', exact: true }).waitFor()
        expect(await isMarked(visit)).toBe(true)
      })
    })

    test('sends an hour again, knowing before how much that is, and sees it end', async () => {
      let status = 500
      const receiver = await createEndpoint('bergmann', () => status)
      await bench.installation.api.events.publish('bergmann', ['a', 'b', 'c', 'd', 'e'].map(cover))
      await settled(bench.installation, 'bergmann')
      status = 204
      const before = receiver.requests.length
      await bench.visit(async visit => {
        const { page } = visit
        const { activate } = mouse(page)
        await visit.open('replays?tenant=bergmann')
        await activate(page.getByRole('link', { name: 'Start a replay' }).first())
        await activate(page.getByRole('main').getByRole('button', { name: 'Period: Last 24 hours' }))
        await activate(page.getByRole('button', { name: 'Last hour' }))
        await activate(page.getByRole('button', { name: 'Replay 5 deliveries' }))
        await page.waitForURL(/\/replays\/bergmann\/rpl_/)
        await page.getByText('All 5 deliveries have ended.').waitFor()
        expect(receiver.requests.length - before).toBe(5)
        await activate(page.getByRole('link', { name: 'Deliveries' }))
        await page.getByRole('row').filter({ hasText: 'Delivered' }).nth(4).waitFor()
      })
    })

    test('keeps a page open while the server is restarted: it says so, comes back by itself and misses nothing', async () => {
      const { api } = bench.installation
      await createEndpoint('kestrel', () => 204)
      await api.events.publish('kestrel', [cover('before')])
      await bench.visit(async visit => {
        const { page } = visit
        const rows = page.getByRole('row').filter({ hasText: 'Delivered' })
        const away = page.getByRole('main').getByText('The server is not responding.').last()
        await visit.open('deliveries?tenant=kestrel')
        await rows.first().waitFor()
        await mark(visit)
        visit.allow(/ERR_/)
        await bench.installation.killServer()
        await away.waitFor()
        expect(await rows.count()).toBe(1)
        await bench.installation.startServer()
        await api.events.publish('kestrel', ['after-1', 'after-2', 'after-3'].map(cover))
        await rows.nth(3).waitFor()
        await away.waitFor({ state: 'detached' })
        expect(await rows.count()).toBe(4)
        expect(await isMarked(visit)).toBe(true)
      })
    })

    test('loads a page that was asked for while the server was away, when it is back', async () => {
      await bench.visit(async visit => {
        const { page } = visit
        const { activate } = mouse(page)
        await visit.open('deliveries')
        await mark(visit)
        visit.allow(/ERR_/)
        await bench.installation.killServer()
        await page.getByRole('main').getByText('The server is not responding.').last().waitFor()
        await activate(page.getByRole('link', { name: 'Replays' }))
        await page.waitForURL(/\/replays$/)
        // What was there stays.
        expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Deliveries')
        await bench.installation.startServer()
        await page.getByRole('heading', { name: 'Replays', level: 1 }).waitFor({ state: 'attached' })
        expect(await isMarked(visit)).toBe(true)
      })
    })

    test('gets a new document where the code of a page is gone, as after an update', async () => {
      await bench.visit(async visit => {
        const { page } = visit
        await visit.open('deliveries')
        await mark(visit)
        visit.allow(/ERR_|Unable to preload|Failed to fetch|CodeError/)
        const code = /assets\/list-.*\.js$/
        await page.route(code, route => route.abort())
        // A document that is younger isn't loaded again for this.
        await page.waitForFunction(() => performance.now() > 10_000)
        await mouse(page).activate(page.getByRole('link', { name: 'Replays' }))
        await page.waitForFunction(() => !('isSamePage' in window))
        await page.unroute(code)
        await visit.open('replays')
        await page.getByRole('heading', { name: 'Replays', level: 1 }).waitFor({ state: 'attached' })
      })
    })
  },
  { scheduleSeconds: [0.2] },
)
