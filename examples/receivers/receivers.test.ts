import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const KEY = Buffer.alloc(32, 1)
const env = {
  ...process.env,
  PORT: '0',
  CLIENT_SECRET: 'secret-token',
  SIGNING_SECRET: `whsec_${KEY.toString('base64')}`,
}

function headersFor(id: string, body: string, token: string): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1_000))
  const signature = createHmac('sha256', KEY).update(`${id}.${timestamp}.${body}`).digest('base64')
  return {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
  }
}

describe('example receivers', () => {
  it.each(['node', 'express', 'fastify', 'hono'])('%s accepts genuine webhooks once, forged ones never', async name => {
    const receiver = spawn(process.execPath, [fileURLToPath(new URL(`${name}.ts`, import.meta.url))], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const lines = createInterface({ input: receiver.stdout })[Symbol.asyncIterator]()
      const url = String((await lines.next()).value).replace('listening on ', '')
      const send = async (id: string, body: string, { sent = body, token = 'secret-token' } = {}) =>
        (await fetch(url, { method: 'POST', headers: headersFor(id, body, token), body: sent })).status
      expect(await send('evt_1', '{"CoverId":"a"}')).toBe(204)
      expect(await send('evt_1', '{"CoverId":"a"}')).toBe(204)
      expect(await send('evt_2', '{"CoverId":"b"}', { token: 'another' })).toBe(401)
      expect(await send('evt_3', '{"CoverId":"c"}', { sent: '{"CoverId":"d"}' })).toBe(401)
      expect(await send('evt_4', '{"CoverId":"e"}')).toBe(204)
      const told = [(await lines.next()).value, (await lines.next()).value]
      expect(told).toEqual(['evt_1 {"CoverId":"a"}', 'evt_4 {"CoverId":"e"}'])
    } finally {
      receiver.kill()
      await once(receiver, 'exit')
    }
  })
})
