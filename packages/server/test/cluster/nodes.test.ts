import { type Postgres, startPostgres } from '@posthorn/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { inPlace, type Place, running, serve } from '../e2e/process.ts'

let server: Postgres
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

type Node = { id: string; state: string; role: string; answered: boolean; pid: number; partitions: number[] }
type Nodes = { data: Node[]; unassigned: { partitions: number[] } }
type Checks = { data: { part: string; level: string; message: string }[] }

const soon = { timeout: 30_000, interval: 200 }

async function startNode(place: Place, url: string, ...flags: string[]) {
  const env = { POSTHORN_DATABASE_URL: url, POSTHORN_ENCRYPTION_KEY: Buffer.alloc(32, 5).toString('base64') }
  return running(await serve(place, { env, flags: ['--lease-ms', '2000', ...flags] }))
}

it(
  'every node is listed with its role and partitions; one that is killed is lost, one that shuts down is gone',
  {
    timeout: 90_000,
  },
  () =>
    inPlace(async place => {
      const url = await server.createDatabase('nodes')
      const api = await startNode(place, url, '--role', 'api', '--retention-days', '7')
      const senders = await Promise.all([startNode(place, url), startNode(place, url, '--role', 'delivery')])
      const nodes = async () => (await api.call<Nodes>('GET', '/nodes')).body
      const shares = async () => (await nodes()).data.map(({ role, partitions }) => [role, partitions.length]).sort()
      await expect.poll(shares, soon).toEqual([
        ['all', 128],
        ['api', 0],
        ['delivery', 128],
      ])
      const { data, unassigned } = await nodes()
      expect(unassigned.partitions).toEqual([])
      expect(data.filter(({ answered }) => answered).map(({ role }) => role)).toEqual(['api'])
      const here = (await senders[0]!.call<Nodes>('GET', '/nodes')).body.data
      expect(here.map(({ id }) => id)).toEqual(data.map(({ id }) => id))
      expect(here.find(({ answered }) => answered)!.role).toBe('all')

      const { body: checks } = await api.call<Checks>('GET', '/checks')
      expect(checks.data.filter(({ part }) => part === 'nodes')).toMatchObject([
        { level: 'warn', message: 'nodes have different values of retentionDays: 7, 30' },
      ])

      senders[1]!.kill('SIGKILL')
      const stateOf = async (role: string) => (await nodes()).data.find(node => node.role === role)?.state
      await expect.poll(() => stateOf('delivery'), soon).toBe('lost')
      await expect.poll(shares, soon).toEqual([
        ['all', 256],
        ['api', 0],
        ['delivery', 0],
      ])
      api.kill('SIGTERM')
      expect((await api.ended).code).toBe(0)
      const left = (await senders[0]!.call<Nodes>('GET', '/nodes')).body.data
      expect(left.map(({ role, state }) => [role, state]).sort()).toEqual([
        ['all', 'running'],
        ['delivery', 'lost'],
      ])
      senders[0]!.kill('SIGTERM')
      await senders[0]!.ended
    }),
)
