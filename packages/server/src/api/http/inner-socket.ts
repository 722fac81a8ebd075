/**
 * A connection within this process: two ends of a byte stream, which HTTP is spoken over as if they were sockets. Unlike
 * the ends that `duplexPair` of `node:stream` makes, it has what the API uses of a socket: `destroySoon`, the number of
 * bytes written, and an end that breaks off if the other one does.
 */
import { Duplex } from 'node:stream'

type Done = (error?: Error | null) => void

export class InnerSocket extends Duplex {
  /** The address of the client, as the program around Posthorn knows it. Undefined: it is unknown. */
  readonly remoteAddress: string | undefined
  #other: InnerSocket | undefined
  /** What the other end has not asked beyond yet. */
  #pending: { readonly bytes: number; readonly done: Done } | undefined
  #delivered = 0
  /** The other end has ended in good order: it reads nothing more, but what it has sent can still be read here. */
  #isDiscarding = false

  /** @param allowHalfOpen false: this end closes as soon as the other one has ended, like a client's socket */
  private constructor(allowHalfOpen: boolean, remoteAddress: string | undefined) {
    super({ allowHalfOpen })
    this.remoteAddress = remoteAddress
  }

  /** @param clientAddress what the server's end reports as its peer's address */
  static pair(clientAddress: string | undefined): { readonly client: InnerSocket; readonly server: InnerSocket } {
    const client = new InnerSocket(false, undefined)
    const server = new InnerSocket(true, clientAddress)
    client.#other = server
    server.#other = client
    return { client, server }
  }

  /** Like that of a socket, it includes what is still waiting. */
  get bytesWritten(): number {
    return this.#delivered + this.writableLength
  }

  /** Closes the connection once everything written has been handed over. */
  destroySoon(): void {
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy())
  }

  override _read(): void {
    const other = this.#other
    if (other !== undefined) other.#settle()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    const other = this.#other
    if (other === undefined || other.destroyed) {
      // An error would also end what is being read: the response to a request that was refused before it was complete.
      done(this.#isDiscarding ? null : closedByPeer())
      return
    }
    this.#pending = { bytes: chunk.length, done }
    // False: the other end is full, and asks for more by reading.
    if (other.push(chunk)) this.#settle()
  }

  override _final(done: Done): void {
    if (this.#other?.destroyed === false) this.#other.push(null)
    done()
  }

  override _destroy(error: Error | null, done: Done): void {
    const other = this.#other
    this.#other = undefined
    const hasEnded = this.writableFinished
    if (other?.destroyed === false) {
      process.nextTick(() => {
        if (!hasEnded) {
          other.destroy(closedByPeer())
          return
        }
        other.#isDiscarding = true
        other.#settle()
      })
    }
    done(error)
  }

  #settle(): void {
    const pending = this.#pending
    if (pending === undefined) return
    this.#pending = undefined
    this.#delivered += pending.bytes
    pending.done()
  }
}

const closedByPeer = (): Error => Object.assign(new Error('The connection was closed'), { code: 'ECONNRESET' })
