import { startReceiver } from '@posthorn/testkit'
import { describe, expect, it } from 'vitest'
import { inPlace, refused, running, SECRET, type ServerProcess, serve } from './process.ts'

const coverId = (index: number) => `564200aa-7128-4a26-83a8-${index.toString(16).padStart(12, '0')}`
const event = (index: number) => ({ type: 'COVER_REFERENCE', payload: { CoverId: coverId(index) } })
const FATAL = 0

/** A long response timeout, and a quick shutdown. */
const FLAGS = ['--response-timeout-ms', '60000', '--drain-timeout-ms', '300']

type List = { count: number; data: { id: string; tenant: string; event: string; endpoint: string }[] }

describe('a delivery that is in flight each time the process dies', () => {
  // A crash after a startup that follows no crash is not recorded. Three recorded crashes set the delivery aside.
  it.each([
    { plan: ['SIGKILL', 'SIGKILL', 'SIGKILL', 'SIGKILL'] as const },
    { plan: ['SIGKILL', 'SIGKILL', 'SIGTERM', 'SIGKILL', 'SIGKILL', 'SIGKILL'] as const },
  ])('C13: is set aside after $plan, and all other deliveries are sent', { timeout: 120_000 }, ({ plan }) =>
    inPlace(async place => {
      let fatal = 0
      const receiver = await startReceiver({
        authority: place.authority,
        names: ['localhost'],
        script: ({ path, body }) => {
          if (path !== '/a' || !body.includes(coverId(FATAL)) || isCured) return
          fatal++
          return 'hang'
        },
      })
      let isCured = false
      let server: ServerProcess = running(await serve(place, { flags: FLAGS }))
      await server.call('PUT', '/tenants/acme', {})
      const register = async (path: string) => {
        const body = { url: `${receiver.url}${path}`, clientSecret: SECRET }
        return (await server.call<{ id: string }>('POST', '/tenants/acme/endpoints', body)).body.id
      }
      const [a, b] = [await register('/a'), await register('/b')]
      const sentTo = (path: string) =>
        new Set(
          receiver.requests.filter(request => request.path === path).map(({ body }) => JSON.parse(`${body}`).CoverId),
        )
      await server.call('POST', '/tenants/acme/events', event(FATAL))
      for (const [at, signal] of plan.entries()) {
        await expect.poll(() => fatal, { timeout: 20_000 }).toBe(at + 1)
        expect((await server.call<List>('GET', '/set-aside-deliveries')).body).toMatchObject({ count: 0, data: [] })
        // Later events, which the other endpoint gets immediately.
        await server.call('POST', '/tenants/acme/events', event(at + 1))
        await expect.poll(() => [...sentTo('/b')], { timeout: 20_000 }).toContain(coverId(at + 1))
        server.kill(signal)
        await server.ended
        server = running(await serve(place, { flags: FLAGS }))
      }
      const list = async () => (await server.call<List>('GET', '/set-aside-deliveries')).body
      await expect.poll(list, { timeout: 20_000 }).toMatchObject({ count: 1, data: [{ tenant: 'acme', endpoint: a }] })
      await expect.poll(() => sentTo('/a').size, { timeout: 20_000 }).toBe(plan.length + 1)
      const pending = async () => (await server.call<List>('GET', '/tenants/acme/deliveries?state=pending')).body.data
      await expect.poll(pending, { timeout: 20_000 }).toEqual([])
      const held = async (filter: string) =>
        (await server.call<List>('GET', `/tenants/acme/deliveries?${filter}`)).body.data.map(({ id }) => id)
      const [{ id }] = (await list()).data as [List['data'][0]]
      expect([await held('heldReason=set_aside'), await held(`endpoint=${b}&state=held`)]).toEqual([[id], []])
      expect(server.output()).toContain(`"delivery":"${id}"`)
      expect(fatal).toBe(plan.length)

      isCured = true
      expect((await server.call('POST', `/tenants/acme/deliveries/${id}/retry`)).status).toBe(200)
      await expect.poll(() => held('state=delivered&endpoint='.concat(a)), { timeout: 20_000 }).toContain(id)
      expect((await list()).count).toBe(0)
      server.kill('SIGTERM')
      expect((await server.ended).code).toBe(0)
      await receiver.close()
    }),
  )

  it('C13: is sent normally after a refused startup, which does not count as a crash', { timeout: 60_000 }, () =>
    inPlace(async place => {
      const receiver = await startReceiver({ authority: place.authority, names: ['localhost'], script: () => 'hang' })
      const isAfterCrash = (server: ServerProcess) => server.output().includes('after a crash')
      const first = running(await serve(place, { flags: FLAGS }))
      await first.call('PUT', '/tenants/acme', {})
      await first.call('POST', '/tenants/acme/endpoints', { url: receiver.url, clientSecret: SECRET })
      await first.call('POST', '/tenants/acme/events', event(FATAL))
      await receiver.waitFor(() => receiver.total === 1, { timeoutMs: 20_000 })
      first.kill('SIGKILL')
      await first.ended
      const second = running(await serve(place, { flags: FLAGS }))
      await receiver.waitFor(() => receiver.total === 2, { timeoutMs: 20_000 })
      second.kill('SIGKILL')
      await second.ended
      // This port is taken by the receiver.
      const port = ['--port', new URL(receiver.url).port]
      expect(refused(await serve(place, { flags: [...FLAGS, ...port] })).stderr).toContain('cannot listen on')
      const { total } = receiver
      const third = running(await serve(place, { flags: FLAGS }))
      await receiver.waitFor(() => receiver.total > total, { timeoutMs: 20_000 })
      expect([first, second, third].map(isAfterCrash)).toEqual([false, true, false])
      third.kill('SIGTERM')
      expect((await third.ended).code).toBe(0)
      await receiver.close()
    }),
  )
})
