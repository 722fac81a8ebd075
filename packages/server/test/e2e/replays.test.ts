import { startReceiver } from '@posthorn/testkit'
import { expect, it } from 'vitest'
import { inPlace, running, SECRET, serve } from './process.ts'

type Replay = { id: string; state: string; tenants: number; deliveries: number | null; ended: number }

it('a running server replays a day of one type in all tenants, through a restart', { timeout: 180_000 }, () =>
  inPlace(async place => {
    const receiver = await startReceiver({ authority: place.authority, names: ['localhost'] })
    let server = running(await serve(place))
    for (const tenant of ['acme', 'beta']) {
      await server.call('PUT', `/tenants/${tenant}`)
      await server.call('POST', `/tenants/${tenant}/endpoints`, {
        url: `${receiver.url}/${tenant}`,
        clientSecret: SECRET,
      })
      const payload = { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' }
      await server.call('POST', `/tenants/${tenant}/events`, { type: 'COVER_REFERENCE', payload })
    }
    await receiver.waitFor(() => receiver.total === 2, { timeoutMs: 30_000 })
    const day = (offset: number) => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10)
    const body = { types: ['COVER_REFERENCE'], from: day(-1), to: day(1), states: ['delivered'] }
    const count = async () => (await server.call('POST', '/replays', { ...body, dryRun: true })).body
    await expect.poll(count, { timeout: 30_000 }).toEqual({ tenants: 2, deliveries: 2 })
    const created = await server.call<Replay>('POST', '/replays', { ...body, key: 'again' })
    expect(created.status).toBe(202)
    server.kill('SIGKILL')
    await server.ended
    server = running(await serve(place))
    const look = async () => (await server.call<Replay>('GET', '/replays/again')).body
    // The killed process might have claimed the work: for seconds, not for a minute as most background work.
    await expect.poll(look, { timeout: 40_000, interval: 200 }).toMatchObject({ state: 'done', tenants: 2, ended: 2 })
    expect(receiver.distinct.size).toBe(2)
    expect(receiver.total).toBeGreaterThanOrEqual(4)
    server.kill('SIGTERM')
    await server.ended
    await receiver.close()
  }),
)
