import type { Cluster, Slot } from './cluster.ts'

export const TROUBLES = ['kill', 'stop', 'pause', 'database'] as const
/** SIGKILL · SIGTERM · SIGSTOP for longer than a lease, then SIGCONT · SIGKILL for PostgreSQL itself. */
export type Trouble = (typeof TROUBLES)[number]

export type TroubleOptions = {
  readonly troubles: readonly Trouble[]
  readonly everyMs: number
  readonly leaseMs: number
  readonly random: () => number
}

/** A period, by `performance.now()`, in which requests that were in flight can be repeated. */
export type Window = { readonly fromMs: number; toMs: number }

/** After a kill, requests in flight are repeated once the lease has expired and its partitions have been read. */
const AFTERMATH_MS = 6_000
const SHORTEST_ABSENCE_MS = 300
const LONGEST_ABSENCE_MS = 1_500

/** Injects faults into the cluster while events are published, one after another, chosen at random from a seed. */
export class Troubles {
  readonly counts: Record<Trouble, number> = { kill: 0, stop: 0, pause: 0, database: 0 }
  readonly windows: Window[] = []
  readonly #cluster: Cluster
  readonly #options: TroubleOptions
  readonly #say: (line: string) => void
  #isRunning = true
  #wake = () => {}
  #running: Promise<void> | undefined

  constructor(cluster: Cluster, options: TroubleOptions, say: (line: string) => void) {
    this.#cluster = cluster
    this.#options = options
    this.#say = say
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Injects no further faults, and waits until everything runs again. */
  async stop(): Promise<void> {
    this.#isRunning = false
    this.#wake()
    await this.#running
  }

  isWithin(atMs: number): boolean {
    return this.windows.some(({ fromMs, toMs }) => atMs >= fromMs && atMs <= toMs)
  }

  async #run(): Promise<void> {
    while (this.#isRunning) {
      await this.#pause(this.#options.everyMs)
      if (!this.#isRunning) return
      const trouble = this.#pick(this.#options.troubles)
      const slot = this.#pick(this.#cluster.slots)
      this.counts[trouble]++
      if (trouble === 'database') await this.#killDatabase()
      else await this.#trouble(trouble, slot)
    }
  }

  async #trouble(trouble: Exclude<Trouble, 'database'>, slot: Slot): Promise<void> {
    const { leaseMs, random } = this.#options
    const node = slot.node!
    this.#say(`node ${slot.number}: ${trouble}`)
    if (trouble === 'pause') {
      const window = this.#open()
      node.kill('SIGSTOP')
      await new Promise(resolve => setTimeout(resolve, leaseMs * (1.2 + random())))
      node.kill('SIGCONT')
      return this.#close(window)
    }
    const window = trouble === 'kill' ? this.#open() : undefined
    node.kill(trouble === 'kill' ? 'SIGKILL' : 'SIGTERM')
    await node.ended
    slot.node = undefined
    if (window !== undefined) this.#close(window)
    await this.#pause(SHORTEST_ABSENCE_MS + random() * (LONGEST_ABSENCE_MS - SHORTEST_ABSENCE_MS))
    await this.#cluster.startIn(slot)
  }

  async #killDatabase(): Promise<void> {
    this.#say('PostgreSQL: kill')
    const window = this.#open()
    await this.#cluster.postgres.kill()
    await this.#cluster.postgres.restart()
    this.#close(window)
  }

  #open(): Window {
    const window = { fromMs: performance.now(), toMs: Number.POSITIVE_INFINITY }
    this.windows.push(window)
    return window
  }

  #close(window: Window): void {
    window.toMs = performance.now() + this.#options.leaseMs + AFTERMATH_MS
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.#options.random() * items.length)]!
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, delayMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
