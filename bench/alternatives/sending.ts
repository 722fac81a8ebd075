/** The POST that each alternative makes in its job: the bare loop's headers and body, over keep-alive connections. */
import { setDefaultCACertificates } from 'node:tls'
import { makePayload } from '../events.ts'
import { openPool, type Pool } from '../undici.ts'

/** A job in the queue. Its payload is an object, so the worker serialises it again, as most applications do. */
export type Job = {
  /** Sent as `webhook-id`; as long as an event's id in Posthorn. */
  readonly id: string
  readonly url: string
  readonly payload: object
}

/** `undici`: `request` on a pool of the undici that Posthorn uses. `fetch`: Node's own, which most people would use. */
export type Requester = 'undici' | 'fetch'

export type Sending = {
  readonly requester: Requester
  readonly caPem: string
  /** Alternating names and values, without `webhook-id`. */
  readonly headers: readonly string[]
  /** Maximum requests in flight to one receiver. */
  readonly requests: number
  /** After this time the request fails, and the job with it. */
  readonly deadlineMs: number
}

export type Send = (job: Job) => Promise<void>

export const toJobId = (serial: number) => `evt_${serial.toString(32).padStart(26, '0')}`

export function makeJob(url: string, serial: number): Job {
  return { id: toJobId(serial), url, payload: JSON.parse(makePayload(serial)) as object }
}

/** Rejects unless the receiver responds with a 2xx, so that the job is retried. */
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
    if (statusCode < 200 || statusCode > 299) throw new Error(`the receiver responded with ${statusCode}`)
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
    if (!response.ok) throw new Error(`the receiver responded with ${response.status}`)
  }
}
