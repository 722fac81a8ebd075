import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { readLastWords } from './last-words.ts'

/**
 * A connection for TLS to run on whose bytes arrive through `feed` until the handshake is over: in steps, each of which
 * TLS has dealt with when it returns.
 */
export class FedStream extends Duplex {
  readonly #socket: Socket
  #feed: ((step: () => void) => void) | null

  /** @param feed calls its step once, now or later */
  constructor(socket: Socket, feed: (step: () => void) => void) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    this.#feed = feed
    readLastWords(socket)
    socket.on('data', (bytes: Buffer) => this.#receive(bytes))
    socket.on('end', () => this.push(null))
    socket.on('error', error => this.destroy(error))
    socket.on('close', () => this.destroy())
    socket.pause()
  }

  /** The handshake is over: what arrives from now on is passed on as it is. */
  finishHandshake(): void {
    this.#feed = null
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    // After a failure the socket says so itself, once it has read what had arrived by then.
    this.#socket.write(bytes, error => {
      if (error === undefined || error === null) done()
    })
  }

  override _final(done: () => void): void {
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#feed = null
    this.#socket.destroy()
    done(error)
  }

  #receive(bytes: Buffer): void {
    if (this.#feed === null) this.#pass(bytes)
    else {
      // Nothing further arrives before TLS has had this.
      this.#socket.pause()
      this.#feed(() => {
        if (this.destroyed) return
        this.#socket.resume()
        this.#pass(bytes)
      })
    }
  }

  #pass(bytes: Buffer): void {
    if (!this.push(bytes)) this.#socket.pause()
  }
}
