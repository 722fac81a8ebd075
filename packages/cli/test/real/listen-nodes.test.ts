/** Listening to several nodes behind one address: the stream at one, answers at another, one that dies. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Fetch, Posthorn } from '@posthorn/client'
import { type Postgres, type RunningNode, startNode, startPostgres, startReceiver } from '@posthorn/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Forwarder } from '../../src/listen/forwarder.ts'
import type { Happening } from '../../src/listen/happenings.ts'
import { ListenSession } from '../../src/listen/session.ts'
import { ListenerState } from '../../src/listen/state.ts'

const KEY = 'a-root-key-of-the-tests-of-listen'
let postgres: Postgres
beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(() => postgres.stop())

it('gets each event once through any node, also when one is killed', { timeout: 120_000 }, async () => {
  const encryptionKey = randomBytes(32).toString('base64')
  const databaseUrl = await postgres.createDatabase('listen_nodes')
  const flags = ['--lease-ms', '2000']
  const start = () => startNode({ apiKey: KEY, encryptionKey, databaseUrl, flags })
  const nodes: RunningNode[] = [await start(), await start()]
  let calls = 0
  // As a load balancer does: in turn, and only to those that live.
  const balanced: Fetch = (target, init) =>
    fetch(target.replace('http://posthorn.invalid', nodes[calls++ % nodes.length]!.url), init)
  const posthorn = new Posthorn({ url: 'http://posthorn.invalid', apiKey: KEY, fetch: balanced })
  await posthorn.tenants.put('acme')
  const receiver = await startReceiver({ http: true })
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-listen-'))
  const name = { url: 'http://posthorn.invalid', tenant: 'acme', uid: 'listen:nodes' }
  const state = ListenerState.open(folder, name)
  const happenings: Happening[] = []
  const session = new ListenSession({
    posthorn,
    settings: { tenant: 'acme', uid: name.uid, name: 'nodes', types: null, timeoutMs: null },
    kept: state,
    forwarder: new Forwarder({ target: new URL(receiver.url), skipVerify: false }),
    onHappening: happening => void happenings.push(happening),
    now: () => Date.now(),
  })
  await session.start()
  const done = session.run()
  await expect.poll(() => happenings.some(({ kind }) => kind === 'connection')).toBe(true)
  const publish = async (from: number, to: number) => {
    for (let at = from; at < to; at++) {
      const payload = { CoverId: `564200aa-7128-4a26-83a8-${at.toString(16).padStart(12, '0')}` }
      await posthorn.events.publish('acme', { type: 'COVER_REFERENCE', payload, key: `event-${at}` })
    }
  }
  await publish(0, 50)
  await receiver.waitFor(() => receiver.total === 50, { timeoutMs: 30_000 })
  const [killed] = nodes.splice(0, 1)
  killed!.kill('SIGKILL')
  await publish(50, 100)
  await receiver.waitFor(() => receiver.distinct.size === 100, { timeoutMs: 60_000 })
  const counts = async () => (await posthorn.deliveries.list('acme', { counts: true, limit: 1 })).counts
  await expect.poll(counts, { timeout: 30_000 }).toMatchObject({ total: 100, delivered: 100 })
  // What the node that died had in flight is the other's: it waits for the same answer.
  expect(receiver.total).toBe(100)
  session.stop()
  await done
  state.close()
  await nodes[0]!.end()
  await receiver.close()
  rmSync(folder, { recursive: true, force: true })
})
