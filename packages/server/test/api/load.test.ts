import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { PAYLOAD, TYPE } from '../services/setup.ts'
import { KEY, useApi } from './setup.ts'

const bench = useApi()
const EVENTS = '/v1/tenants/acme/events'
const EVENT = `{"type":"${TYPE}","payload":${PAYLOAD}}`
const HALF_A_MEBIBYTE = 512 * 1024

async function listen(): Promise<number> {
  await bench.api.listen({ port: 0, host: '127.0.0.1' })
  return (bench.api.server.address() as AddressInfo).port
}

const head = (lines: string) =>
  `POST ${EVENTS} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${KEY}\r\nconnection: close\r\n` +
  `content-type: application/json\r\n${lines}\r\n\r\n`

/** Sends the head of a call without its body; resolves when the server has received it. */
async function announce(port: number, lines: string): Promise<Socket> {
  const begun = once(bench.api.server, 'request')
  const socket = connect(port, '127.0.0.1')
  socket.write(head(lines))
  await begun
  return socket
}

const statusOf = (answer: string) => Number(answer.slice(9, 12))

/** One event, padded to the announced length. */
const padded = (length: number) => EVENT.padEnd(length)

describe('bodies', () => {
  const length = `content-length: ${HALF_A_MEBIBYTE}`

  it('that together would take too much memory are refused before they are read, and accepted once there is room', async () => {
    await bench.useServices({}, { bodyMemoryBytes: 2_097_152 })
    const port = await listen()
    const held = [await announce(port, length), await announce(port, length)]
    const refused = await text(await announce(port, length))
    expect(refused).toMatch(/^HTTP\/1.1 503 /)
    expect(refused.toLowerCase()).toContain('retry-after: 1')
    expect(refused).toContain('"code":"overloaded"')
    // Even small ones; but calls without a body still work, and so do calls with a body from other callers.
    expect(statusOf(await text(await announce(port, 'content-length: 100')))).toBe(503)
    expect((await bench.get('/v1/tenants')).status).toBe(200)
    const { secret: key } = await bench.apiKeys.create({ name: 'another', scope: 'publish' })
    await expect.poll(async () => (await bench.post(EVENTS, EVENT, { key })).status).toBe(202)
    const answers = Promise.all(held.map(socket => text(socket)))
    for (const socket of held) socket.write(padded(HALF_A_MEBIBYTE))
    expect((await answers).map(statusOf)).toEqual([202, 202])
    const later = await announce(port, length)
    later.write(padded(HALF_A_MEBIBYTE))
    expect(statusOf(await text(later))).toBe(202)
  })

  it('in chunks count as the largest one allowed, and an aborted one no longer counts', async () => {
    await bench.useServices({}, { bodyMemoryBytes: 1_048_576 })
    const port = await listen()
    const held = await announce(port, 'transfer-encoding: chunked')
    expect(statusOf(await text(await announce(port, length)))).toBe(503)
    held.destroy()
    const status = async () => {
      const socket = await announce(port, length)
      socket.write(padded(HALF_A_MEBIBYTE))
      return statusOf(await text(socket))
    }
    await expect.poll(status, { timeout: 10_000 }).toBe(202)
  })
})

describe('reads', () => {
  it('whose responses would take too much memory together are refused', async () => {
    const release = Promise.withResolvers<void>()
    const { events } = bench
    let waiting = 0
    const list: typeof events.list = async (...args) => {
      waiting++
      await release.promise
      return events.list(...args)
    }
    const select: typeof events.select = (...args) => events.select(...args)
    await bench.useServices({ events: { ...events, get: events.get, select, list } as typeof events })
    const held = Array.from({ length: 16 }, () => bench.get(EVENTS))
    // A few are carried out at a time; all reserve their memory.
    await expect.poll(() => waiting, { timeout: 10_000 }).toBe(4)
    const refused = await bench.get(EVENTS)
    expect([refused.status, refused.body.code, refused.headers['retry-after']]).toEqual([503, 'overloaded', '1'])
    // Publishing is not affected.
    expect((await bench.post(EVENTS, EVENT)).status).toBe(202)
    release.resolve()
    expect((await Promise.all(held)).every(({ status }) => status === 200)).toBe(true)
    expect((await bench.get(EVENTS)).status).toBe(200)
  })
})
