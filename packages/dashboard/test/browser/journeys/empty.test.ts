/** Lists in which there is nothing yet: what they teach works as it stands. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { describeInBrowser } from '../setup.ts'

const run = promisify(execFile)

await describeInBrowser('a list with nothing in it', bench => {
  test.each(['endpoints', 'events', 'deliveries', 'replays', 'replays?kind=across'])(
    'teaches a call that the server accepts: %s',
    path =>
      bench.visit(async visit => {
        const { api, apiKey } = bench.installation
        // A tenant of its own, which is the newest: nothing has happened in it.
        const tenant = `of-${path.replace(/\W/g, '-')}`
        await api.tenants.put(tenant, {})
        await visit.open(path.includes('?') ? path : `${path}?tenant=${tenant}`)
        const code = await visit.page.locator('pre').first().textContent()
        const { stdout } = await run('sh', ['-c', `${code} --silent --write-out '\n%{http_code}'`], {
          env: { ...process.env, KEY: apiKey },
        })
        const [body, status] = stdout.split(/\n(?=\d+$)/)
        expect(Number(status), body).toBeLessThan(300)
      }),
  )
})
