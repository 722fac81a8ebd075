import { Posthorn, Publisher } from '@posthorn/client'
import { expect, it } from 'vitest'
import { API_KEY, inPlace, running, type ServerProcess, serve } from './process.ts'

const COUNT = 3_000
const coverId = (n: number) => `564200aa-7128-4a26-83a8-${n.toString(16).padStart(12, '0')}`

it(
  'a publisher loses, doubles and swaps nothing while its server is killed and started again',
  { timeout: 120_000 },
  () =>
    inPlace(async place => {
      let server: ServerProcess = running(await serve(place))
      const { port } = new URL(server.url)
      const posthorn = new Posthorn({ url: server.url, apiKey: API_KEY })
      for (const tenant of ['a', 'b']) await posthorn.tenants.put(tenant, {})
      const publisher = new Publisher(posthorn, { maxBatch: 50, maxPending: 200 })
      const results: Promise<unknown>[] = []
      let published = 0
      const writing = (async () => {
        for (; published < COUNT; published++) {
          await publisher.ready()
          const payload = { CoverId: coverId(published) }
          results.push(publisher.publish('COVER_REFERENCE', payload, { tenant: published % 2 === 0 ? 'a' : 'b' }))
        }
      })()
      for (const part of [0.2, 0.5, 0.8]) {
        await expect.poll(() => published, { timeout: 60_000, interval: 1 }).toBeGreaterThan(COUNT * part)
        server.kill('SIGKILL')
        await server.ended
        server = running(await serve(place, { flags: ['--port', port] }))
      }
      await writing
      await publisher.close()
      expect(new Set((await Promise.all(results)).map(result => (result as { id: string }).id)).size).toBe(COUNT)
      for (const [at, tenant] of ['a', 'b'].entries()) {
        const stored: string[] = []
        for await (const { payload } of posthorn.events.list(tenant, { limit: 1_000 })) {
          stored.push((payload as { CoverId: string }).CoverId)
        }
        const expected = Array.from({ length: COUNT / 2 }, (_item, n) => coverId(2 * n + at))
        expect(stored.toReversed()).toEqual(expected)
      }
      server.kill('SIGTERM')
      expect((await server.ended).code).toBe(0)
    }),
)
