import { ApiError, type Endpoint, type Posthorn, PosthornError } from '@posthorn/client'
import type { Forwarder } from './forwarder.ts'
import { RequestHandling } from './handling.ts'
import type { Happening } from './happenings.ts'
import { find, hasOurSecrets, type KeptListener, type ListenerSettings, register } from './listener.ts'
import type { OutcomeLog } from './outcomes.ts'
import { pause } from './pause.ts'
import { ReceiverWatch } from './receiver-watch.ts'
import { Retrying } from './retrying.ts'

/** The server sends something every 15 seconds. A connection that is silent for longer is dead, or was asleep. */
const SILENT_MS = 35_000
const REOPEN_MS = 2_000
/** How long someone who quits waits for a server that doesn't respond. */
const LEAVE_MS = 5_000
/** Within this, the server has stored what it was answered. */
const SETTLED_MS = 2_000

export type SessionNeeds = {
  readonly posthorn: Posthorn
  readonly settings: ListenerSettings
  readonly kept: KeptListener & { readonly outcomes: OutcomeLog }
  /** Null: requests are only shown, and answered with 200. */
  readonly forwarder: Forwarder | null
  /** Resolves when there is room for more. */
  readonly onHappening: (happening: Happening) => void | Promise<void>
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** The listener was deleted by someone else while it was listened to. */
export class ListenerDeleted extends Error {}

/** Another machine listens under the same name now, with secrets of its own. */
export class ListenerTakenOver extends Error {}

/**
 * Listens: registers the listener, reads its requests from the stream, and has each handled.
 *
 * new → `start` → registered → `run` → listening → `stop` → what is in flight ends → over. `abandon` leaves out the wait.
 */
export class ListenSession {
  readonly #needs: SessionNeeds
  readonly #handling: RequestHandling
  readonly #reading = new AbortController()
  #endpoint: Endpoint | undefined
  #isResumed = false
  #isTakenOver = false
  /** Whether another machine could have taken over unseen: the connection was lost for a while. */
  #isDoubtful = false
  #wasOpen = false
  #connection: 'none' | 'open' | 'ended' | 'failed' = 'none'
  #lastOpenMs: number
  #failure: { readonly error: unknown } | undefined

  constructor(needs: SessionNeeds) {
    const { forwarder, kept } = needs
    this.#needs = needs
    this.#lastOpenMs = needs.now()
    const onFailure = (error: unknown) => {
      this.#failure ??= { error }
      this.stop()
    }
    const receiver = forwarder === null ? null : this.#watch(forwarder)
    this.#handling = new RequestHandling({ ...needs, receiver, log: kept.outcomes, onFailure })
  }

  #watch({ target }: Forwarder): ReceiverWatch {
    const { onHappening } = this.#needs
    return new ReceiverWatch({
      target,
      signal: this.#reading.signal,
      onDown: why => onHappening({ kind: 'receiver', isUp: false, why }),
      onUp: failed => {
        onHappening({ kind: 'receiver', isUp: true, failed })
        void this.#retryWaiting()
      },
    })
  }

  /** Twice, because the server might not have stored the last failures yet. Otherwise their schedule retries them. */
  async #retryWaiting(): Promise<void> {
    await this.retrying.retryWaiting().catch(() => {})
    if (await pause(SETTLED_MS, this.#reading.signal)) await this.retrying.retryWaiting().catch(() => {})
  }

  /** Sends deliveries of the listener again. After `start`. */
  get retrying(): Retrying {
    const { posthorn, settings } = this.#needs
    return new Retrying(posthorn, settings.tenant, this.#endpoint!.id, this.#reading.signal)
  }

  /** Whether the stream has ever been open. */
  get wasOpen(): boolean {
    return this.#wasOpen
  }

  /** Whether it takes no more requests. */
  get isStopping(): boolean {
    return this.#reading.signal.aborted
  }

  get inFlight(): number {
    return this.#handling.inFlight
  }

  /** Registers the listener. Returns whether it was there already. Throws what the client throws, and NoListener. */
  async start(): Promise<boolean> {
    const { posthorn, settings, kept } = this.#needs
    // Not ended by `stop`, lest a listener be left of which nothing is known. `run` then ends right away.
    const registered = await register(posthorn, settings, kept, new AbortController().signal)
    const { endpoint, isResumed, isTakenOver } = registered
    this.#endpoint = endpoint
    this.#isResumed = isResumed
    this.#isTakenOver = isTakenOver
    return isResumed
  }

  /**
   * Listens until `stop`, and then until what is in flight has ended. Throws what the client throws that doesn't pass by
   * itself, ListenerDeleted and ListenerTakenOver.
   */
  async run(): Promise<void> {
    const { signal } = this.#reading
    while (!signal.aborted) {
      try {
        await this.#read()
      } catch (error) {
        if (!signal.aborted) await this.#recover(error)
      }
    }
    if (this.inFlight > 0) this.#needs.onHappening({ kind: 'ending', inFlight: this.inFlight })
    await this.#handling.idle()
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** Takes no more requests. */
  stop(): void {
    this.#reading.abort()
  }

  /** Waits for nothing any longer. What is in flight comes again at the next start. */
  abandon(): void {
    this.stop()
    this.#handling.abandon()
  }

  /** Deletes the listener, and so cancels what is pending. */
  async remove(): Promise<void> {
    const { posthorn, settings, kept } = this.#needs
    if (this.#endpoint === undefined) return
    try {
      await posthorn.endpoints.delete(settings.tenant, this.#endpoint.id, { timeoutMs: LEAVE_MS })
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error
    }
    kept.registration = null
  }

  /** Has the server send the listener an example of its first event type. Returns the type. After `start`. */
  async sendTest(): Promise<string> {
    const { posthorn, settings } = this.#needs
    return (await posthorn.endpoints.test(settings.tenant, this.#endpoint!.id)).type
  }

  /** Enables the listener again, after a response with 410 has disabled it. After `start`. */
  async enable(): Promise<void> {
    const { posthorn, settings } = this.#needs
    await posthorn.endpoints.enable(settings.tenant, this.#endpoint!.id)
  }

  async #read(): Promise<void> {
    const { posthorn, settings, onHappening, now, kept } = this.#needs
    const endpoint = this.#endpoint!
    const { id } = endpoint
    const { signal } = this.#reading
    const onConnection = (isOpen: boolean, error?: Error) => {
      if (isOpen) this.#lastOpenMs = now()
      // Not earlier: a key that can register a listener might not be allowed to listen.
      if (isOpen && !this.#wasOpen) {
        this.#wasOpen = true
        const [isResumed, isTakenOver] = [this.#isResumed, this.#isTakenOver]
        onHappening({ kind: 'listening', endpoint, secrets: kept.secrets, isResumed, isTakenOver })
      }
      if (!isOpen) this.#isDoubtful = true
      this.#noteConnection(isOpen, error)
    }
    const query = { listen: id, kind: ['request', 'endpoint'] as const, endpoint: id }
    const records = posthorn.stream.readTenant(settings.tenant, query, { signal, timeoutMs: SILENT_MS, onConnection })
    for await (const record of records) {
      this.#lastOpenMs = now()
      if (this.#isDoubtful) await this.#checkSecrets(signal)
      if (record.kind === 'request') await this.#handling.take(record.data, signal)
      else if (record.kind === 'endpoint') await this.#noteEndpoint(record.data.change, record.data.endpoint)
    }
  }

  /** Shows what has changed: an end, and a failure, once each until the stream is open again. */
  #noteConnection(isOpen: boolean, error?: Error): void {
    const next = isOpen ? 'open' : error === undefined ? 'ended' : 'failed'
    const before = this.#connection
    if (this.isStopping || next === before || (before === 'failed' && next === 'ended')) return
    this.#connection = next
    void this.#needs.onHappening({ kind: 'connection', isOpen, error })
  }

  /** Throws ListenerTakenOver if requests no longer carry the secrets that were shown: the receiver would refuse each. */
  async #checkSecrets(signal: AbortSignal): Promise<void> {
    const { posthorn, settings, kept } = this.#needs
    const endpoint = await find(posthorn, settings.tenant, this.#endpoint!.id, signal)
    if (endpoint === null) throw new ListenerDeleted()
    if (!hasOurSecrets(endpoint, kept)) throw new ListenerTakenOver()
    this.#isDoubtful = false
  }

  async #noteEndpoint(change: 'created' | 'updated' | 'deleted', endpoint: Endpoint | null): Promise<void> {
    if (change === 'deleted' || endpoint === null) throw new ListenerDeleted()
    // Asked for, since the record can be of a change before this machine's own.
    if (!hasOurSecrets(endpoint, this.#needs.kept)) await this.#checkSecrets(this.#reading.signal)
    const { state, disabledReason: reason } = endpoint
    if (state !== this.#endpoint!.state) this.#needs.onHappening({ kind: 'state', state, reason })
    this.#endpoint = endpoint
  }

  /** Throws the error if it doesn't pass by itself. */
  async #recover(error: unknown): Promise<void> {
    if (!(error instanceof PosthornError)) throw error
    const { signal } = this.#reading
    try {
      if (error instanceof ApiError) return await this.#renew(error)
    } catch (other) {
      if (signal.aborted) return
      if (!(other instanceof PosthornError) || other instanceof ApiError) throw other
    }
    // The connection failed, or another than Posthorn has responded: a proxy, or a hotel's page for signing in.
    if (!this.#wasOpen) throw error
    this.#noteConnection(false, error)
    await pause(REOPEN_MS, signal)
  }

  /** Registers the listener again if it was deleted while the server couldn't be reached. Throws any other refusal. */
  async #renew(refusal: ApiError): Promise<void> {
    const { posthorn, settings, kept, onHappening } = this.#needs
    const { signal } = this.#reading
    if (refusal.code !== 'invalid' || !this.#wasOpen) throw refusal
    if ((await find(posthorn, settings.tenant, this.#endpoint!.id, signal)) !== null) throw refusal
    this.#endpoint = (await register(posthorn, settings, kept, signal)).endpoint
    onHappening({ kind: 'renewed', unseenSinceMs: this.#lastOpenMs })
  }
}
