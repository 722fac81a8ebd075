/** Listeners across nodes: the one that sends, the one whose stream has the request, and the one that is answered. */
import { type Authority, createAuthority, type Postgres, startPostgres } from '@posthorn/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Node as ListenerNode, untilRequests } from '../listeners/setup.ts'
import { hurried } from '../services/streaming.ts'
import { type ClusterNode, startNode } from './node.ts'

let server: Postgres
let authority: Authority
let count = 0
beforeAll(async () => {
  ;[server, authority] = await Promise.all([startPostgres(), createAuthority()])
})
afterAll(() => server.stop())

/** Two nodes that share the partitions, each with what listeners need of it. */
async function startTwo(hasBus = true) {
  const url = await server.createDatabase(`listeners_${++count}`)
  const options = { hasBus, engine: { responseTimeoutMs: 20_000 } }
  const nodes = [await startNode(url, authority, options), await startNode(url, authority, options)] as const
  await nodes[0].tenants.put('acme', {})
  await expect.poll(() => nodes.map(node => node.shareOf()), { timeout: 20_000 }).toEqual([128, 128])
  const heard = nodes.map(node => new ListenerNode(node, hurried(20)))
  return { nodes, heard: [heard[0]!, heard[1]!] as const }
}

/** A listener whose partition a node owns. */
async function registerAt(owner: ClusterNode, heard: ListenerNode) {
  for (;;) {
    const listener = await heard.register()
    if (owner.owns(listener.partition)) return listener
    await owner.endpoints.remove('acme', listener.id)
  }
}

describe('a listener on two nodes', () => {
  it.each([true, false])(
    'listens at the node that does not send, and is answered for at the one that does (messages: %s)',
    { timeout: 60_000 },
    async hasBus => {
      const { nodes, heard } = await startTwo(hasBus)
      const listener = await registerAt(nodes[0], heard[0])
      const reading = await heard[1].listen(listener)
      await heard[1].publish(2)
      const [one, two] = await untilRequests(reading, 2)
      await heard[0].answer(one!, { status: 201 })
      await heard[1].answer(two!, { status: 202 })
      const ended = await heard[0].untilAll('delivered', 2)
      expect(ended.map(({ lastAttempt }) => lastAttempt?.status).sort()).toEqual([201, 202])
      expect(nodes[0].attempts().length).toBe(2)
      for (const each of heard) await each.stop()
      for (const node of nodes) await node.stop()
    },
  )

  it('wakes what waits at the node that sends when it begins to listen at the other', { timeout: 60_000 }, async () => {
    const { nodes, heard } = await startTwo()
    const listener = await registerAt(nodes[0], heard[0])
    await heard[0].publish(3)
    await expect.poll(() => nodes[0].engine.inFlight).toBe(0)
    await heard[1].receive(listener)
    // Long before the engine would have asked again.
    await heard[1].untilAll('delivered', 3)
    for (const each of heard) await each.stop()
    for (const node of nodes) await node.stop()
  })

  it('is answered once when the node that sends dies: the other takes the request over as it is', {
    timeout: 120_000,
  }, async () => {
    const { nodes, heard } = await startTwo()
    const listener = await registerAt(nodes[0], heard[0])
    const reading = await heard[1].listen(listener)
    await heard[1].publish(1)
    const [request] = await untilRequests(reading, 1)
    await nodes[0].crash()
    await heard[1].answer(request!, { status: 203 })
    await expect.poll(() => nodes[1].owns(listener.partition), { timeout: 30_000 }).toBe(true)
    const [delivery] = await heard[1].untilAll('delivered', 1)
    const attempts = await heard[1].attemptsOf(delivery!.id)
    expect(attempts).toMatchObject([{ number: 1, status: 203, startedAtMs: request!.startedAtMs }])
    expect(reading.records.length).toBe(1)
    await heard[1].stop()
    await nodes[1].stop()
  })

  it('gets open requests at the other node when its own dies, and they are answered there', {
    timeout: 120_000,
  }, async () => {
    const { nodes, heard } = await startTwo()
    const listener = await registerAt(nodes[1], heard[1])
    const lost = await heard[0].listen(listener)
    await heard[1].publish(4)
    const open = await untilRequests(lost, 4)
    await nodes[0].crash()
    lost.close()
    const { seen } = await heard[1].receive(listener)
    const ended = await heard[1].untilAll('delivered', 4)
    expect([...seen.values()].map(({ delivery }) => delivery).sort()).toEqual(
      open.map(({ delivery }) => delivery).sort(),
    )
    expect(ended.every(({ attempts }) => attempts === 1)).toBe(true)
    await heard[1].stop()
    await nodes[1].stop()
  })
})
