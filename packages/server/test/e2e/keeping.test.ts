import { randomBytes } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { startReceiver } from '@posthorn/testkit'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { DAY_MS } from '../../src/base/durations.ts'
import { firstIdAt, idBytes, idText } from '../../src/base/ids.ts'
import { openSqlite } from '../../src/store/sqlite/driver.ts'
import { Store } from '../../src/store/store.ts'
import { anEndpoint, anEvent, aRequest, aTenant, bytes } from '../store/builders.ts'
import { inPlace, running, serve } from './process.ts'

describe('a server', () => {
  it('removes old events while it is serving, and its file shrinks again', { timeout: 120_000 }, () =>
    inPlace(async place => {
      const store = new Store(await openSqlite(place.data, systemClock), systemClock)
      await store.write('migrate', {})
      await aTenant(store, 'old', [anEndpoint('old')])
      const idAt = (index: number) => {
        const id = idBytes(firstIdAt('evt', Date.now() - 40 * DAY_MS + index))
        id.set(randomBytes(8), 8)
        return idText('evt', id)
      }
      const payload = bytes(`"${'x'.repeat(2_000)}"`)
      for (let at = 0; at < 4_000; at += 500) {
        const events = Array.from({ length: 500 }, (_, index) =>
          anEvent([], { id: idAt(at + index), payload, deliveries: [] }),
        )
        await store.publish(await aRequest(store, 'old', events))
      }
      await store.scrub()
      await store.close()
      const file = join(place.data, 'posthorn.db')
      const before = (await stat(file)).size
      const server = running(await serve(place))
      const left = async () => (await server.call<{ data: unknown[] }>('GET', '/tenants/old/events?limit=1')).body.data
      await expect.poll(left, { timeout: 60_000 }).toEqual([])
      await expect.poll(() => server.output(), { timeout: 60_000 }).toContain('removed data past its retention period')
      server.kill('SIGTERM')
      await server.ended
      expect((await stat(file)).size).toBeLessThan(before / 2)
    }),
  )

  it('erases a tenant to the last byte, even with a hanging attempt and a restart', { timeout: 180_000 }, () =>
    inPlace(async place => {
      const receiver = await startReceiver({
        authority: place.authority,
        names: ['localhost'],
        script: ({ path }) => (path.startsWith('/hang') ? 'hang' : { status: 200, body: 'ANSWER-MARK' }),
      })
      const flags = ['--response-timeout-ms', '2000', '--drain-timeout-ms', '0']
      let server = running(await serve(place, { flags }))
      await server.call('PUT', '/event-types/MARKS', {
        group: 'g',
        description: 'd',
        example: { mark: 'x' },
        schema: { type: 'object', required: ['mark'], properties: { mark: { type: 'string' } } },
      })
      const secret = 'U0VDUkVULU1BUksx'
      for (const tenant of ['acme', 'other']) {
        await server.call('PUT', `/tenants/${tenant}`, {})
        for (const path of ['/url-mark/ok', '/hang']) {
          const url = tenant === 'acme' ? `${receiver.url}${path}` : `${receiver.url}/ok`
          await server.call('POST', `/tenants/${tenant}/endpoints`, { url, clientSecret: secret })
        }
        const events = Array.from({ length: 50 }, () => ({
          type: 'MARKS',
          payload: { mark: `PAYLOAD-MARK-${tenant}` },
        }))
        expect((await server.call('POST', `/tenants/${tenant}/events`, events)).status).toBe(202)
      }
      await receiver.waitFor(() => receiver.requests.some(({ path }) => path.startsWith('/hang')), {
        timeoutMs: 30_000,
      })
      const deliveries = async () =>
        (await server.call<{ data: unknown[] }>('GET', '/tenants/other/deliveries?state=delivered&limit=100')).body.data
      await expect.poll(async () => (await deliveries()).length, { timeout: 30_000 }).toBe(100)
      expect((await server.call('POST', '/tenants/acme/erase')).status).toBe(202)
      server.kill('SIGKILL')
      await server.ended
      server = running(await serve(place, { flags }))
      const state = async () => (await server.call<{ state: string }>('GET', '/tenants/acme/erasure')).body.state
      await expect.poll(state, { timeout: 100_000 }).toBe('finished')
      const files = await Promise.all(['posthorn.db', 'posthorn.db-wal'].map(name => readFile(join(place.data, name))))
      const all = Buffer.concat(files)
      for (const mark of ['PAYLOAD-MARK-acme', 'url-mark']) expect(all.includes(mark), mark).toBe(false)
      expect(all.includes('PAYLOAD-MARK-other')).toBe(true)
      expect(await deliveries()).toHaveLength(100)
      server.kill('SIGTERM')
      await server.ended
      await receiver.close()
    }),
  )
})
