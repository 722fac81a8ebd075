/** A real server with the built dashboard, its store in a folder of its own, and real receivers over TLS. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Posthorn } from '@posthorn/client'
import {
  type Authority,
  createAuthority,
  findFreePort,
  type Receiver,
  type ReceiverOptions,
  type RunningNode,
  startNode,
  startReceiver,
} from '@posthorn/testkit'

export type InstallationOptions = {
  /** Waits between attempts, in seconds. Default: 1 second, twice. */
  readonly scheduleSeconds?: readonly number[]
  /** Further flags of `posthorn serve`. Default: none. */
  readonly flags?: readonly string[]
  /**
   * Settings of the configuration file, for those that have no flag. Default: none.
   *
   * @param url where the server will listen, without a slash at the end
   */
  readonly settings?: (url: string) => object | Promise<object>
  /** Called for each log line. Default: none is read. */
  readonly onLog?: (line: Readonly<Record<string, unknown>>) => void
}

export class Installation {
  /** Where the server listens, without a slash at the end. It stays the same when the server is restarted. */
  readonly url: string
  readonly apiKey = randomBytes(24).toString('base64url')
  /** The API with the root key. */
  readonly api: Posthorn
  readonly #port: number
  readonly #folder = mkdtempSync(join(tmpdir(), 'posthorn-browser-'))
  readonly #encryptionKey = randomBytes(32).toString('base64')
  readonly #authority: Authority
  readonly #options: InstallationOptions
  readonly #receivers: Receiver[] = []
  #node: RunningNode | undefined

  private constructor(port: number, authority: Authority, options: InstallationOptions) {
    this.#port = port
    this.#authority = authority
    this.#options = options
    this.url = `http://127.0.0.1:${port}`
    this.api = new Posthorn({ url: this.url, apiKey: this.apiKey })
    mkdirSync(join(this.#folder, 'data'), { mode: 0o700 })
    writeFileSync(join(this.#folder, 'ca.pem'), authority.caPem)
  }

  static async start(options: InstallationOptions = {}): Promise<Installation> {
    const [port, authority] = await Promise.all([findFreePort(), createAuthority()])
    const installation = new Installation(port, authority, options)
    const settings = await options.settings?.(installation.url)
    writeFileSync(join(installation.#folder, 'settings.json'), JSON.stringify(settings ?? {}))
    await installation.startServer()
    return installation
  }

  /** Starts the server again after `stopServer` or `killServer`, on the same port with the same store. */
  async startServer(): Promise<void> {
    const { scheduleSeconds = [1, 1], flags = [], onLog } = this.#options
    this.#node = await startNode({
      apiKey: this.apiKey,
      encryptionKey: this.#encryptionKey,
      port: this.#port,
      flags: [
        ...['--data', join(this.#folder, 'data'), '--extra-ca', join(this.#folder, 'ca.pem')],
        ...['--config', join(this.#folder, 'settings.json')],
        ...['--retry-schedule', scheduleSeconds.join(','), ...flags],
      ],
      ...(onLog === undefined ? {} : { onLog }),
    })
  }

  /** Shuts the server down as an operator does. */
  async stopServer(): Promise<void> {
    await this.#node?.end()
    this.#node = undefined
  }

  /** Ends the server as a crash does. */
  async killServer(): Promise<void> {
    this.#node?.kill('SIGKILL')
    await this.#node?.ended
    this.#node = undefined
  }

  /** Starts a receiver whose certificate the server trusts. It is closed with the installation. */
  async receiver(options: Omit<ReceiverOptions, 'authority'> = {}): Promise<Receiver> {
    const receiver = await startReceiver({ ...options, authority: this.#authority })
    this.#receivers.push(receiver)
    return receiver
  }

  async end(): Promise<void> {
    await this.stopServer()
    await Promise.all(this.#receivers.map(receiver => receiver.close()))
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
