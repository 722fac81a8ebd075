/** The POST in the job, as each alternative makes it: the same headers and body as the bare loop's, over kept connections. */
import { setDefaultCACertificates } from 'node:tls'
import { makePayload } from '../events.ts'
import { openPool, type Pool } from '../undici.ts'

/** What lies in the queue. The payload is an object there, so the worker serialises it once more, as people do. */
export type Job = {
  /** As long as an event's id in Posthorn; goes as `webhook-id`. */
  readonly id: string
  readonly url: string
  readonly payload: object
}

/** `undici`: `request` of the undici that Posthorn sends with, by a pool. `fetch`: Node's own, as most write it. */
export type Requester = 'undici' | 'fetch'

export type Sending = {
  readonly requester: Requester
  readonly caPem: string
  /** Name and value in turn, but the id. */
  readonly headers: readonly string[]
  /** At once, to one receiver. */
  readonly requests: number
  /** Then the request fails, and so does the job. */
  readonly deadlineMs: number
}

export type Send = (job: Job) => Promise<void>

export const toJobId = (serial: number) => `evt_${serial.toString(32).padStart(26, '0')}`

export function makeJob(url: string, serial: number): Job {
  return { id: toJobId(serial), url, payload: JSON.parse(makePayload(serial)) as object }
}

/** Rejects unless the receiver answers with success: so the job is tried again. */
export function createSend(sending: Sending): Send {
  return sending.requester === 'fetch' ? sendByFetch(sending) : sendByUndici(sending)
}

function sendByUndici({ caPem, headers, requests, deadlineMs }: Sending): Send {
  const targets = new Map<string, { readonly pool: Pool; readonly path: string }>()
  const targetOf = (url: string) => {
    const known = targets.get(url)
    if (known !== undefined) return known
    const { origin, pathname } = new URL(url)
    const target = { pool: openPool(origin, { ca: caPem, connections: requests, deadlineMs }), path: pathname }
    targets.set(url, target)
    return target
  }
  return async ({ id, url, payload }) => {
    const { pool, path } = targetOf(url)
    const { statusCode, body } = await pool.request({
      method: 'POST',
      path,
      headers: [...headers, 'webhook-id', id],
      body: JSON.stringify(payload),
    })
    await body.dump()
    if (statusCode < 200 || statusCode > 299) throw new Error(`the receiver answered ${statusCode}`)
  }
}

function sendByFetch({ caPem, headers, deadlineMs }: Sending): Send {
  setDefaultCACertificates([caPem])
  const own = Object.fromEntries(
    Array.from({ length: headers.length / 2 }, (_, at) => headers.slice(2 * at, 2 * at + 2)),
  )
  return async ({ id, url, payload }) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...own, 'webhook-id': id },
      body: JSON.stringify(payload),
      signal: AbortSignal.timeout(deadlineMs),
    })
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`the receiver answered ${response.status}`)
  }
}
