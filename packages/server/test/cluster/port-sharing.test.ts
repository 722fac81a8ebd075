import { type Postgres, startPostgres, startReceiver } from '@posthorn/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inPlace, type Place, refused, running, SECRET, type ServerProcess, serve } from '../e2e/process.ts'

let server: Postgres
let count = 0
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

const ENCRYPTION_KEY = Buffer.alloc(32, 5).toString('base64')

async function startMany(place: Place, processes: number) {
  const env = {
    POSTHORN_DATABASE_URL: await server.createDatabase(`sharing_${++count}`),
    POSTHORN_ENCRYPTION_KEY: ENCRYPTION_KEY,
  }
  return running(await serve(place, { env, flags: ['--lease-ms', '2000', '--processes', String(processes)] }))
}

/** The pids of the processes that logged that they listen, in that order. */
const pidsOf = (node: ServerProcess): number[] =>
  [...node.output().matchAll(/^\{.*"pid":(\d+),.*"msg":"listening"\}$/gm)].map(([, pid]) => Number(pid))

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const soon = { timeout: 20_000, interval: 50 }

describe('posthorn serve --processes', () => {
  it(
    'shares one port, announces it once, sends from every process, replaces a killed one, and drains all',
    { timeout: 90_000 },
    () =>
      inPlace(async place => {
        const node = await startMany(place, 3)
        await expect.poll(() => pidsOf(node).length, soon).toBe(3)
        const receiver = await startReceiver({ authority: place.authority, names: ['localhost'], record: false })
        await node.call('PUT', '/tenants/acme', {})
        for (let at = 0; at < 12; at++) {
          await node.call('POST', '/tenants/acme/endpoints', { url: `${receiver.url}/${at}`, clientSecret: SECRET })
        }
        let published = 0
        const publish = async () => {
          const CoverId = `564200aa-7128-4a26-83a8-${(++published).toString(16).padStart(12, '0')}`
          const body = { type: 'COVER_REFERENCE', key: `key-${published}`, payload: { CoverId } }
          // Repeated while its process is being killed: the id makes that safe.
          const send = () =>
            node.call('POST', '/tenants/acme/events', body).then(
              ({ status }) => status,
              () => 0,
            )
          await expect.poll(send, soon).toBe(202)
        }
        for (let at = 0; at < 20; at++) await publish()
        process.kill(pidsOf(node)[1]!, 'SIGKILL')
        for (let at = 0; at < 20; at++) await publish()
        await expect.poll(() => pidsOf(node).length, soon).toBe(4)
        await receiver.waitFor(({ distinct }) => distinct.size >= published * 12, { timeoutMs: 30_000 })
        expect(node.output().match(/Posthorn is listening on/g)?.length).toBe(1)
        expect(node.output()).toContain('process ended; starting a new one after a pause')
        node.kill('SIGTERM')
        const { code, stdout } = await node.ended
        expect(code).toBe(0)
        // Complete lines, whichever process wrote them.
        const lines = stdout.trim().split('\n')
        expect(lines.map(line => JSON.parse(line).msg).filter(msg => msg === 'stopped').length).toBe(3)
        expect(pidsOf(node).filter(isAlive)).toEqual([])
        await receiver.close()
      }),
  )

  it('no process outlives its parent, even if the parent is killed outright', { timeout: 60_000 }, () =>
    inPlace(async place => {
      const node = await startMany(place, 2)
      await expect.poll(() => pidsOf(node).length, soon).toBe(2)
      const pids = pidsOf(node)
      node.kill('SIGKILL')
      await expect.poll(() => pids.filter(isAlive), soon).toEqual([])
      const { stdout } = await node.ended
      // They drained, so their leases are free immediately.
      expect(stdout.match(/"msg":"stopped"/g)?.length).toBe(2)
    }),
  )

  it('an error is reported once, with the same exit code as for one process', { timeout: 60_000 }, () =>
    inPlace(async place => {
      const embedded = refused(await serve(place, { flags: ['--processes', '2'] }))
      expect([embedded.code, embedded.stderr]).toEqual([
        1,
        expect.stringContaining('embedded store allows only one process'),
      ])
      const flags = ['--processes', '4']
      // A database that doesn't exist: an unavailable server would be waited for.
      const wrong = {
        POSTHORN_DATABASE_URL: server.url('nowhere'),
        POSTHORN_ENCRYPTION_KEY: ENCRYPTION_KEY,
      }
      const many = refused(await serve(place, { flags, env: wrong }))
      const one = refused(await serve(place, { env: wrong }))
      expect([many.code, many.stderr]).toEqual([1, one.stderr])
      const bad = refused(await serve(place, { flags: ['--processes', '0'] }))
      expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining('a whole number from 1 to 256')])
    }),
  )
})
