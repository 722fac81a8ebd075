import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { inPlace, type Place, running, SECRET, type ServerProcess, serve } from './process.ts'

type Made = { readonly id: string; readonly key?: string; readonly data?: readonly { readonly id: string }[] }
type List = { readonly data: readonly { readonly id: string }[] }

const event = { type: 'COVER_REFERENCE', payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' } }
const CALLS = [
  ['/tenants/acme/endpoints', { url: 'https://localhost:9000/hook', clientSecret: SECRET }],
  ['/tenants/acme/events', Array.from({ length: 50 }, () => event)],
  ['/api-keys', { name: 'k', scope: 'read' }],
] as const

/** Resolves as soon as the call is in the store's file. */
async function untilStored({ data }: Place, key: string): Promise<void> {
  const database = new DatabaseSync(join(data, 'posthorn.db'), { readOnly: true })
  const statement = database.prepare('select 1 from idempotent_call where call_key = ?')
  while (statement.get(key) === undefined) await new Promise<void>(resolve => setImmediate(resolve))
  database.close()
}

const call = (server: ServerProcess, [path, body]: (typeof CALLS)[number], key: string) =>
  server.call<Made>('POST', path, body, { 'idempotency-key': key })

it(
  'a call with an Idempotency-Key makes one thing, however often the process is killed as soon as it is stored',
  { timeout: 120_000 },
  () =>
    inPlace(async place => {
      let server = running(await serve(place))
      await server.call('PUT', '/tenants/acme', {})
      const rounds = 2
      for (const one of CALLS) {
        for (let round = 0; round < rounds; round++) {
          const key = `${one[0].slice(1)}-${round}`
          const first = call(server, one, key).catch(() => null)
          await untilStored(place, key)
          server.kill('SIGKILL')
          const answer = await first
          await server.ended
          server = running(await serve(place))
          const again = await call(server, one, key)
          expect([again.status < 300, again.headers.get('idempotency-replayed')]).toEqual([true, 'true'])
          // The response may have been sent before the kill.
          if (answer !== null) expect(again.body).toEqual(answer.body)
          if (one[0] === '/api-keys') expect(again.body.key).toMatch(/^phk_/)
        }
      }
      const count = async (path: string) => (await server.call<List>('GET', `${path}?limit=1000`)).body.data.length
      expect(await Promise.all(CALLS.map(([path]) => count(path)))).toEqual([rounds, rounds * 50, rounds])
      server.kill('SIGTERM')
      expect((await server.ended).code).toBe(0)
    }),
)
