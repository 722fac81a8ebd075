/**
 * Combines the metrics of all processes of `serve --processes N`. They share a port, so a scrape reaches any one of
 * them. That process asks the parent, and the parent collects the metrics of all processes for it.
 *
 * A process that has ended stays in the sums with its last report: if a counter fell, it would look as if all processes
 * had restarted.
 */
import type { Clock, Timer } from '../base/clock.ts'
import { addUp, type Snapshot } from './metrics.ts'

/** How long the parent waits for a process, before it uses that process's last report. */
const PATIENCE_MS = 2_000
/** How long a process waits for the parent, before it reports only itself. */
const PARENT_PATIENCE_MS = 5_000

/** Messages between parent and process. */
type Message =
  /** process → parent: ready to be asked. */
  | { readonly posthorn: 'metrics_ready' }
  /** process → parent: asks for the metrics of all processes. */
  | { readonly posthorn: 'metrics_wanted'; readonly id: number }
  /** parent → process */
  | { readonly posthorn: 'metrics_asked'; readonly id: number }
  /** process → parent */
  | { readonly posthorn: 'metrics_told'; readonly id: number; readonly snapshot: Snapshot }
  /** parent → process */
  | { readonly posthorn: 'metrics_gathered'; readonly id: number; readonly snapshots: readonly Snapshot[] }

/** The connection between a process and its parent. */
export type Channel = {
  /** Returns false if the other side has disconnected. */
  send(message: object): boolean
  onMessage(react: (message: unknown) => void): void
}

function toMessage(message: unknown): Message | undefined {
  const isOurs = typeof message === 'object' && message !== null && 'posthorn' in message
  return isOurs ? (message as Message) : undefined
}

/** Keeps counters and histograms. The gauges of a process that has ended mean nothing. */
const lasting = (snapshot: Snapshot): Snapshot =>
  snapshot.filter(({ type }) => ['counter', 'histogram'].includes(String(type)))

type Round = { readonly waiting: Set<Channel>; readonly done: () => void }

/** The parent's side. */
export class Gathering {
  readonly #clock: Clock
  /** Processes that can be asked, each with its last report. */
  readonly #known = new Map<Channel, Snapshot>()
  readonly #rounds = new Map<number, Round>()
  #departed: Promise<Snapshot> = Promise.resolve([])
  #lastId = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(process: Channel): void {
    process.onMessage(sent => {
      const message = toMessage(sent)
      if (message?.posthorn === 'metrics_ready') this.#known.set(process, [])
      else if (message?.posthorn === 'metrics_wanted') void this.#answer(process, message.id)
      else if (message?.posthorn === 'metrics_told') this.#take(process, message.id, message.snapshot)
    })
  }

  /** Removes a process that has ended, but keeps its counts. */
  remove(process: Channel): void {
    const last = this.#known.get(process)
    if (last === undefined) return
    this.#known.delete(process)
    for (const id of this.#rounds.keys()) this.#end(process, id)
    this.#departed = this.#departed.then(departed => addUp([departed, lasting(last)]).getMetricsAsJSON())
  }

  async #answer(asker: Channel, id: number): Promise<void> {
    await this.#ask()
    const snapshots = [...this.#known.values(), await this.#departed]
    asker.send({ posthorn: 'metrics_gathered', id, snapshots } satisfies Message)
  }

  async #ask(): Promise<void> {
    const id = ++this.#lastId
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#clock.after(PATIENCE_MS, resolve)
    this.#rounds.set(id, { waiting: new Set(this.#known.keys()), done: resolve })
    for (const process of this.#known.keys()) {
      if (!process.send({ posthorn: 'metrics_asked', id } satisfies Message)) this.#end(process, id)
    }
    await promise
    timer.cancel()
    this.#rounds.delete(id)
  }

  #take(process: Channel, id: number, snapshot: Snapshot): void {
    if (this.#known.has(process)) this.#known.set(process, snapshot)
    this.#end(process, id)
  }

  #end(process: Channel, id: number): void {
    const round = this.#rounds.get(id)
    round?.waiting.delete(process)
    if (round?.waiting.size === 0) round.done()
  }
}

/** A process's side. */
export class Sibling {
  readonly #channel: Channel
  readonly #clock: Clock
  readonly #snapshot: () => Promise<Snapshot>
  readonly #waiting = new Map<number, { resolve: (snapshots: readonly Snapshot[]) => void; timer: Timer }>()
  #lastId = 0

  constructor(channel: Channel, clock: Clock, snapshot: () => Promise<Snapshot>) {
    this.#channel = channel
    this.#clock = clock
    this.#snapshot = snapshot
    channel.onMessage(sent => {
      const message = toMessage(sent)
      if (message?.posthorn === 'metrics_asked') void this.#tell(message.id)
      else if (message?.posthorn === 'metrics_gathered') this.#resolve(message.id, message.snapshots)
    })
    channel.send({ posthorn: 'metrics_ready' } satisfies Message)
  }

  /** The metrics of all processes, or only this one's if the parent doesn't respond. */
  async gather(): Promise<readonly Snapshot[]> {
    const id = ++this.#lastId
    const { promise, resolve } = Promise.withResolvers<readonly Snapshot[]>()
    const timer = this.#clock.after(PARENT_PATIENCE_MS, () => this.#resolve(id, []))
    this.#waiting.set(id, { resolve, timer })
    if (!this.#channel.send({ posthorn: 'metrics_wanted', id } satisfies Message)) this.#resolve(id, [])
    const snapshots = await promise
    return snapshots.length === 0 ? [await this.#snapshot()] : snapshots
  }

  #resolve(id: number, snapshots: readonly Snapshot[]): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    waiting?.timer.cancel()
    waiting?.resolve(snapshots)
  }

  async #tell(id: number): Promise<void> {
    this.#channel.send({ posthorn: 'metrics_told', id, snapshot: await this.#snapshot() } satisfies Message)
  }
}
