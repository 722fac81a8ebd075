import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { KEY, useApi } from './setup.ts'

const bench = useApi()
const EVENTS = '/v1/tenants/acme/events'

const call = (path: string, key: string, rest = '') =>
  `GET ${path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${key}\r\n${rest}\r\n`

describe('reads', () => {
  /** Lists of events wait until `release` is called with how many of them are let go. */
  async function hold() {
    const { events } = bench
    const started: string[] = []
    const waiting: (() => void)[] = []
    const list: typeof events.list = async (selected, ...rest) => {
      started.push(selected.query.tenant ?? '')
      await new Promise<void>(resolve => waiting.push(resolve))
      return events.list(selected, ...rest)
    }
    await bench.put('/v1/tenants/globex', {})
    const others = { select: events.select.bind(events), count: events.count.bind(events) }
    await bench.useServices({ events: { ...others, list } as unknown as typeof events })
    const release = () => {
      for (const resolve of waiting.splice(0)) resolve()
    }
    return { started, release }
  }

  it('of one tenant are carried out a few at a time, pipelined or not, and those of another at the same time', async () => {
    const { started, release } = await hold()
    const keyOf = async (tenant: string) => (await bench.apiKeys.create({ name: 'a', scope: 'all', tenant })).secret
    const [acme, globex] = [await keyOf('acme'), await keyOf('globex')]
    const socket = connect(await bench.listen(), '127.0.0.1')
    const count = 12
    socket.write(call(EVENTS, acme).repeat(count - 1) + call(EVENTS, acme, 'connection: close\r\n'))
    const answers = text(socket)
    await expect.poll(() => started.length, { timeout: 10_000 }).toBe(4)
    const other = bench.get('/v1/tenants/globex/events', { key: globex })
    await expect.poll(() => started.length, { timeout: 10_000 }).toBe(5)
    expect(started.at(-1)).toBe('globex')
    // Reads of one's own that are cheap wait too; calls that change something don't.
    expect((await bench.put('/v1/tenants/others', {})).status).toBe(201)
    while (started.length < count + 1) {
      const before = started.length
      release()
      await expect.poll(() => started.length, { timeout: 10_000 }).toBeGreaterThan(before)
      expect(started.length - before).toBeLessThanOrEqual(4)
    }
    release()
    expect((await other).status).toBe(200)
    expect((await answers).match(/HTTP\/1.1 200 /g)).toHaveLength(count)
  })

  it('whose client has gone are not carried out, and make room for others', async () => {
    const { started, release } = await hold()
    const port = await bench.listen()
    const socket = connect(port, '127.0.0.1')
    socket.write(call(EVENTS, KEY).repeat(8))
    await expect.poll(() => started.length, { timeout: 10_000 }).toBe(4)
    socket.destroy()
    await expect.poll(() => bench.created.connections(), { timeout: 10_000 }).toBe(0)
    release()
    const answer = bench.get(EVENTS)
    await expect.poll(() => started.length, { timeout: 10_000 }).toBe(5)
    release()
    expect((await answer).status).toBe(200)
  })

  it('as a stream take no place, and an export is one', async () => {
    const { started, release } = await hold()
    const held = Array.from({ length: 4 }, () => bench.get(EVENTS))
    await expect.poll(() => started.length, { timeout: 10_000 }).toBe(4)
    expect((await bench.get('/v1/tenants/acme/export')).status).toBe(200)
    release()
    await Promise.all(held)
  })
})
