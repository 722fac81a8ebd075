import { afterPoll } from './after-poll.ts'
import { Answer, type AnswerFault, type AnswerSink } from './answer.ts'
import type { Dialer } from './dialer.ts'
import { readLastWords } from './last-words.ts'
import type { DialTarget, Link } from './opening.ts'
import { encodeRequest, type HttpRequest } from './request.ts'

/** Why a request has no complete response. */
export type RequestFailure = {
  readonly error: Error
  /** TCP was connected. */
  readonly isConnected: boolean
  /** TLS: the receiver has presented its certificate. */
  readonly isIdentified: boolean
  /** TLS: the receiver has asked for a client certificate. */
  readonly isCertificateAsked: boolean
  /** TLS: the receiver might have closed the connection because of the client certificate (`Link`). */
  readonly canBeRefusal: boolean
  /** TCP and TLS were ready, and the address was allowed. */
  readonly isReady: boolean
  /** The request was written, in whole or in part. */
  readonly isWritten: boolean
  /** Length of what arrived of the response's head. 0: not a byte of a response. */
  readonly headBytes: number
  /** No request was answered on this connection before. */
  readonly isFirst: boolean
}

/** Follows a request. It ends with `onEnd`, with `onFailed`, or because the client was destroyed. */
export type RequestHandler = AnswerSink & {
  /** The connection is ready and the request is about to be written. False if it must not be. */
  onBegin(): boolean
  /** The response is complete. */
  onEnd(isReusable: boolean): void
  onFailed(failure: RequestFailure): void
}

/** A response that can't be read. */
export class AnswerRefused extends Error {
  readonly code = 'POSTHORN_ANSWER_REFUSED'
  readonly fault: AnswerFault

  constructor(fault: AnswerFault) {
    super(`The response can't be read: ${fault.reason} at byte ${fault.at}`)
    this.fault = fault
  }
}

/** Data arrived although no request had been written. */
export class SpokeFirst extends Error {
  readonly code = 'POSTHORN_SPOKE_FIRST'
}

/** The receiver ended the connection. */
export class ConnectionClosed extends Error {
  readonly code = 'POSTHORN_CLOSED'
}

/** The end of the body can't be found. */
class BodyBroken extends Error {
  readonly code = 'POSTHORN_BODY_BROKEN'
}

/**
 * One connection with at most one request at a time (HTTP/1.1, RFC 9112).
 *
 * It is new → connecting → ready → in use (written) → ready, and so on, or closed from any of them. Whatever arrives
 * while no request is written is no response: it closes the connection. So it does while a request waits to be written,
 * which it does for a turn of the event loop, so that what is readable by then is read first.
 */
export class HttpClient {
  readonly #target: DialTarget
  readonly #hostHeader: string
  readonly #dialer: Dialer
  #giveUp: (() => void) | undefined
  #link: Link | undefined
  #request: HttpRequest | undefined
  #handler: RequestHandler | undefined
  /** Of the request that was written. */
  #answer: Answer | undefined
  #isDestroyed = false
  #hasAnswered = false
  #keepAliveSeconds: number | null = null
  #onClose: (() => void) | undefined
  #address: string | null = null
  /** One for all requests of this connection. The request can have ended by the time that it is called. */
  readonly #writeNow = (): void => {
    if (this.#handler !== undefined && this.#answer === undefined) this.#write(this.#handler)
  }

  constructor(target: DialTarget, hostHeader: string, dialer: Dialer) {
    this.#target = target
    this.#hostHeader = hostHeader
    this.#dialer = dialer
  }

  get destroyed(): boolean {
    return this.#isDestroyed
  }

  /** `address:port` that the connection goes to. Null if there is none, or was none. */
  get address(): string | null {
    return this.#address
  }

  /** How long the receiver keeps the connection idle, in seconds. Null if it doesn't say. */
  get keepAliveSeconds(): number | null {
    return this.#keepAliveSeconds
  }

  /** Called once when the connection is closed, by whichever side. */
  set onClose(listener: () => void) {
    this.#onClose = listener
  }

  /** Sends a request, after connecting if this is the first. Calls the handler later, never from within this call. */
  send(request: HttpRequest, handler: RequestHandler): void {
    this.#request = request
    this.#handler = handler
    if (this.#link === undefined) this.#dial()
    else afterPoll(this.#writeNow)
  }

  /** Closes the connection. The handler is no longer called. */
  destroy(): void {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    this.#handler = undefined
    this.#answer = undefined
    this.#giveUp?.()
    this.#link?.socket.destroy()
    this.#onClose?.()
  }

  #dial(): void {
    this.#giveUp = this.#dialer.dial(this.#target, {
      ready: link => this.#attach(link),
      failed: ({ error, address, isIdentified, isCertificateAsked }) => {
        this.#giveUp = undefined
        this.#address = address
        this.#fail(error, { isIdentified, isCertificateAsked })
      },
    })
  }

  #attach(link: Link): void {
    this.#giveUp = undefined
    this.#link = link
    this.#address = link.address
    link.receive = bytes => this.#receive(bytes)
    const { socket } = link
    readLastWords(socket)
    socket.on('error', error => this.#fail(error))
    socket.on('end', () => this.#finish())
    socket.on('close', () => this.#fail(new ConnectionClosed('The connection was closed')))
    afterPoll(this.#writeNow)
  }

  #write(handler: RequestHandler): void {
    const { socket } = this.#link!
    // The receiver responded to the last request before it had read it, and perhaps never reads the rest.
    if (socket.writableLength > 0) {
      this.#fail(new ConnectionClosed('The last request is still being written'))
      return
    }
    if (!handler.onBegin()) {
      if (this.#handler === handler) this.#handler = undefined
      return
    }
    try {
      const parts = encodeRequest(this.#hostHeader, this.#request!)
      this.#answer = new Answer(handler)
      if (parts.length > 1) socket.cork()
      for (const part of parts) socket.write(part)
      if (parts.length > 1) socket.uncork()
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  #receive(bytes: Buffer): void {
    const answer = this.#answer
    if (answer === undefined) this.#fail(new SpokeFirst('Data arrived before a request was written'))
    else {
      answer.read(bytes)
      this.#follow(answer)
    }
  }

  /** The receiver ended its side. */
  #finish(): void {
    this.#answer?.finish()
    if (this.#answer !== undefined) this.#follow(this.#answer)
    this.#fail(new ConnectionClosed('The receiver closed the connection'))
  }

  #follow(answer: Answer): void {
    // The handler has ended the request.
    if (this.#answer !== answer) return
    if (answer.state === 'complete') this.#complete(answer)
    else if (answer.state === 'refused') this.#fail(new AnswerRefused(answer.fault!))
    else if (answer.state === 'broken') this.#fail(new BodyBroken('The end of the body was not found'))
  }

  #complete(answer: Answer): void {
    const handler = this.#handler!
    const isReusable = answer.isReusable && this.#link!.socket.readable
    this.#answer = undefined
    this.#handler = undefined
    this.#hasAnswered = true
    this.#keepAliveSeconds = answer.keepAliveSeconds
    handler.onEnd(isReusable)
  }

  #fail(error: Error, failed?: Pick<RequestFailure, 'isIdentified' | 'isCertificateAsked'>): void {
    if (this.#isDestroyed) return
    const handler = this.#handler
    const answer = this.#answer
    this.destroy()
    handler?.onFailed({
      error,
      isConnected: this.#address !== null,
      isIdentified: failed?.isIdentified ?? this.#target.isSecure,
      isCertificateAsked: failed?.isCertificateAsked ?? this.#link?.isCertificateAsked ?? false,
      canBeRefusal: answer === undefined || this.#link!.canRefuseCertificate(),
      isReady: this.#link !== undefined,
      isWritten: answer !== undefined,
      headBytes: answer === undefined ? 0 : answer.headBytes,
      isFirst: !this.#hasAnswered,
    })
  }
}
