/** Requests like Posthorn's, made by hand, so that each can be wrong in one way. */
import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'

export type HandMade = {
  /** Default: POST. */
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

/** Sends a request on a connection of its own, and returns the status. The certificate is not what is tested. */
export async function send(url: string, { method = 'POST', headers = {}, body = '' }: HandMade): Promise<number> {
  const options = { method, agent: false, timeout: 20_000 }
  const request = url.startsWith('https:')
    ? requestHttps(url, { ...options, rejectUnauthorized: false })
    : requestHttp(url, options)
  for (const [name, value] of Object.entries(headers)) request.setHeader(name, value)
  request.on('timeout', () => request.destroy(new Error(`No response from ${url}.`)))
  const responding = once(request, 'response')
  // A receiver can refuse a request before it has read it, and end the connection.
  responding.then(() => request.on('error', () => {})).catch(() => {})
  if (method === 'GET') request.end()
  else request.setHeader('content-length', Buffer.byteLength(body)).end(body)
  const [response] = (await responding) as [IncomingMessage]
  response.on('error', () => {}).resume()
  return response.statusCode!
}

export type Genuine = {
  /** Default: a new one. */
  readonly id?: string
  readonly body: string | Buffer
  readonly token: string
  /** `whsec_…`, or several. */
  readonly signedWith: string | readonly string[]
  /** Seconds from now. Default: 0. */
  readonly away?: number
  /** Further headers, or others. */
  readonly headers?: Readonly<Record<string, string>>
}

export function newId(): string {
  return `evt_${randomBytes(13).toString('hex')}`
}

/** A request as Posthorn makes it. */
export function genuine({ id = newId(), body, token, signedWith, away = 0, headers }: Genuine): Required<HandMade> {
  const timestamp = String(Math.floor(Date.now() / 1_000) + away)
  const signatures = [signedWith].flat().map(secret => {
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`
  })
  return {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      'x-apiversion': '3.0',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signatures.join(' '),
      ...headers,
    },
    body,
  }
}

export function newSigningSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`
}
