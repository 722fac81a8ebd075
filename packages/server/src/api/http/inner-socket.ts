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
  bytesWritten = 0
  #other: InnerSocket | undefined
  /** Called when the other end wants more. */
  #written: Done | undefined

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

  /** Closes the connection once everything written has been handed over. */
  destroySoon(): void {
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy())
  }

  override _read(): void {
    const other = this.#other
    if (other !== undefined) other.#proceed()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    const other = this.#other
    if (other === undefined || other.destroyed) {
      done(closedByPeer())
      return
    }
    this.bytesWritten += chunk.length
    this.#written = done
    // False: the other end is full, and asks for more by reading.
    if (other.push(chunk)) this.#proceed()
  }

  override _final(done: Done): void {
    if (this.#other?.destroyed === false) this.#other.push(null)
    done()
  }

  override _destroy(error: Error | null, done: Done): void {
    const other = this.#other
    this.#other = undefined
    const hasEnded = this.writableFinished
    // What was written before a regular end stays readable; anything else breaks off, as a reset does.
    if (other?.destroyed === false)
      process.nextTick(() => (hasEnded ? other.#proceed(closedByPeer()) : other.destroy(closedByPeer())))
    done(error)
  }

  #proceed(error?: Error): void {
    const done = this.#written
    this.#written = undefined
    done?.(error)
  }
}

const closedByPeer = (): Error => Object.assign(new Error('The connection was closed'), { code: 'ECONNRESET' })
