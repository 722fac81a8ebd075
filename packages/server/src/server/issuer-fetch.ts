/** Calls to issuers of single sign-on: by TLS with the operator's authorities, bounded in size, without redirects. */
import { Buffer } from 'node:buffer'
import { request as requestPlain } from 'node:http'
import { request as requestSecure } from 'node:https'
import { getCACertificates } from 'node:tls'
import { type IssuerParts, IssuerUnreachable } from '../services/single-sign-on/issuer.ts'

type Fetch = IssuerParts['fetch']

/** Metadata and key sets have a few kilobytes. */
const MAX_BYTES = 1_048_576
/** How long a call can take, body included, if the caller sets no time of its own. */
const TIMEOUT_MS = 10_000

/** @param extraCa certificates of authorities to trust in addition to the default ones, as PEM */
export function createIssuerFetch(extraCa: readonly string[]): Fetch {
  const trust = extraCa.length === 0 ? {} : { ca: [...getCACertificates('default'), ...extraCa] }
  return (url, { method, headers, body, signal }) =>
    new Promise((resolve, refuse) => {
      const reject = (cause: Error) => refuse(new IssuerUnreachable(cause.message, { cause }))
      const request = url.startsWith('https:') ? requestSecure : requestPlain
      const bytes = body === null || body === undefined ? undefined : Buffer.from(String(body))
      const length = bytes === undefined ? {} : { 'content-length': bytes.length }
      const options = {
        method,
        headers: { ...headers, ...length },
        agent: false,
        minVersion: 'TLSv1.2',
        ...trust,
      } as const
      const sent = request(url, { ...options, signal: signal ?? AbortSignal.timeout(TIMEOUT_MS) }, response => {
        const chunks: Buffer[] = []
        let size = 0
        response.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size > MAX_BYTES) response.destroy(new Error('The response of the issuer is too large'))
          else chunks.push(chunk)
        })
        response.on('error', reject)
        response.on('end', () => {
          const status = response.statusCode ?? 0
          const fields = Object.entries(response.headersDistinct).flatMap(([name, values = []]) =>
            values.map((value): [string, string] => [name, value]),
          )
          const isEmpty = status === 204 || status === 205 || status === 304
          // Others, such as 101, can't be the status of a Response.
          if (status < 200 || status > 599) return reject(new Error('The issuer sent an unknown status'))
          resolve(new Response(isEmpty ? null : Buffer.concat(chunks), { status, headers: fields }))
        })
      })
      sent.on('error', reject)
      sent.end(bytes)
    })
}
