import { createAuthority, startReceiver } from '@posthorn/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { makePayload } from '../events.ts'
import { bareHeaders } from '../setting.ts'
import { findRedis } from './redis.ts'
import { createSend, makeJob, type Requester, toJobId } from './sending.ts'

const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0)) await end()
})

async function start(requester: Requester, status: number | 'hang' = 204, deadlineMs = 15_000) {
  const authority = await createAuthority()
  const script = () => (status === 'hang' ? status : { status })
  const receiver = await startReceiver({ authority, minVersion: 'TLSv1.3', script })
  ending.push(() => receiver.close())
  const headers = bareHeaders('secret')
  return { receiver, send: createSend({ requester, caPem: authority.caPem, headers, requests: 64, deadlineMs }) }
}

describe.each(['undici', 'fetch'] as const)('a job with a POST by %s', requester => {
  it('sends the same requests as the bare loop, over keep-alive connections', async () => {
    const { receiver, send } = await start(requester)
    const job = makeJob(`${receiver.url}/hooks`, 7)
    // The stores return the job after a round trip through JSON.
    await send(JSON.parse(JSON.stringify(job)))
    for (let serial = 8; serial < 20; serial++) await send(makeJob(job.url, serial))
    const [first] = receiver.requests
    expect(first).toMatchObject({ method: 'POST', path: '/hooks', tlsVersion: 'TLSv1.3' })
    expect(first!.body.toString()).toBe(makePayload(7))
    expect(first!.headers).toMatchObject({
      authorization: 'Bearer secret',
      'content-type': 'application/json',
      'x-apiversion': '3.0',
      'user-agent': 'Posthorn/0.1.0',
      'webhook-id': toJobId(7),
    })
    expect(receiver.requests).toHaveLength(13)
    expect(new Set(receiver.requests.map(({ remotePort }) => remotePort)).size).toBeLessThan(4)
  })

  it('fails unless the receiver responds with a 2xx', async () => {
    const { receiver, send } = await start(requester, 500)
    await expect(send(makeJob(receiver.url, 1))).rejects.toThrow('responded with 500')
  })

  it('fails at the deadline', async () => {
    const { receiver, send } = await start(requester, 'hang', 1_000)
    await expect(send(makeJob(receiver.url, 1))).rejects.toThrow(/timeout/i)
  })
})

it('gives each job an id as long as an event id', () => {
  expect(toJobId(0)).toHaveLength('evt_01h455vb4pex5vsknk084sn02q'.length)
  expect(toJobId(1)).not.toBe(toJobId(32))
})

it('finds no Redis in a path without one', () => {
  expect(findRedis('')).toBeUndefined()
  expect(findRedis('/nowhere:/proc')).toBeUndefined()
})
