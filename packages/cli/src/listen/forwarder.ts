import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { ListenedRequest } from '@posthorn/client'
import { failureOf } from './forward-failure.ts'
import { ownReply, type Reply, repliedWith } from './reply.ts'
import { headersFor } from './request-headers.ts'

/** What is read of a response's body. The rest is not waited for. */
const MAX_BODY_BYTES = 64 * 1024

export type ForwardedRequest = Pick<ListenedRequest, 'method' | 'headers' | 'body'>

export type ForwarderOptions = {
  readonly target: URL
  /** Whether the receiver's certificate is not verified. */
  readonly skipVerify: boolean
}

/** Sends requests to the receiver, each as it would come from Posthorn: the same headers, the same bytes. */
export class Forwarder {
  readonly target: URL
  readonly #agent: HttpAgent
  readonly #request: typeof httpRequest

  constructor({ target, skipVerify }: ForwarderOptions) {
    this.target = target
    const isTls = target.protocol === 'https:'
    this.#request = isTls ? httpsRequest : httpRequest
    this.#agent = isTls
      ? new HttpsAgent({ keepAlive: true, rejectUnauthorized: !skipVerify })
      : new HttpAgent({ keepAlive: true })
  }

  /**
   * The receiver's response, or what takes its place: 502 if the receiver can't be reached or breaks off, 504 if it takes
   * longer than `timeoutMs`. Never throws.
   */
  async send(request: ForwardedRequest, timeoutMs: number): Promise<Reply> {
    const startedMs = performance.now()
    const elapsedMs = () => Math.round(performance.now() - startedMs)
    const first = await this.#try(request, timeoutMs, elapsedMs)
    // The receiver closed a kept connection at the moment at which it was used, as Posthorn itself finds now and then.
    return first.isUnseen ? (await this.#try(request, timeoutMs - elapsedMs(), elapsedMs)).reply : first.reply
  }

  #try(forwarded: ForwardedRequest, timeoutMs: number, elapsedMs: () => number) {
    const { promise, resolve } = Promise.withResolvers<{ reply: Reply; isUnseen: boolean }>()
    const end = (reply: Reply, isUnseen = false) => resolve({ reply, isUnseen })
    let request: ClientRequest
    try {
      request = this.#start(forwarded)
    } catch (error) {
      end(failureOf(error, this.target, elapsedMs()))
      return promise
    }
    const stopWaiting = afterAwake(timeoutMs, () => {
      const seconds = (elapsedMs() / 1_000).toFixed(1)
      end(ownReply('timed_out', 504, `The receiver sent no complete response in ${seconds} seconds.`, elapsedMs()))
      request.destroy()
    })
    let hasStatus = false
    request.once('response', response => {
      hasStatus = true
      readBody(response).then(
        body => end(repliedWith(response.statusCode ?? 0, response.rawHeaders, body, elapsedMs())),
        error => end(failureOf(error, this.target, elapsedMs())),
      )
    })
    request.on('error', error => {
      if (!hasStatus) end(failureOf(error, this.target, elapsedMs()), request.reusedSocket)
    })
    return promise.finally(stopWaiting)
  }

  /** Throws for headers that can't be sent. */
  #start({ method, headers, body }: ForwardedRequest): ClientRequest {
    const bytes = Buffer.from(body)
    const sent = headersFor(this.target, headers, bytes.length)
    const request = this.#request(this.target, { method, agent: this.#agent, headers: sent, setHost: false })
    return request.end(bytes)
  }

  close(): void {
    this.#agent.destroy()
  }
}

async function readBody(response: IncomingMessage): Promise<{ bytes: Uint8Array; isTruncated: boolean }> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    // Leaving the loop closes the connection.
    if (length > MAX_BODY_BYTES) break
  }
  return { bytes: Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES), isTruncated: length > MAX_BODY_BYTES }
}

/** A timer that fires this late was asleep with its process. */
const ASLEEP_MS = 200

/**
 * Calls `fire` after a time. If the process was asleep when it was over, it has the time again: what has arrived in its
 * sleep isn't read yet, and the receiver might have been asleep on the same machine. Returns what stops it.
 */
function afterAwake(ms: number, fire: () => void): () => void {
  const startedMs = performance.now()
  const wantedMs = Math.max(0, ms)
  let timer = setTimeout(() => {
    if (performance.now() - startedMs < wantedMs + ASLEEP_MS) fire()
    else timer = setTimeout(fire, wantedMs)
  }, wantedMs)
  return () => clearTimeout(timer)
}
