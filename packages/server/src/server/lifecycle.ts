/** A running part of the process. All members except the name are optional: most parts need one or two. */
export type Service = {
  readonly name: string
  /** Settles once the part runs. */
  readonly start?: () => unknown
  /** Accepts no new work from here on. */
  readonly refuse?: () => void
  /** Settles once the work in flight has ended, at the latest after `timeoutMs`. */
  readonly drain?: (timeoutMs: number) => Promise<unknown>
  /** Ends the part's own work. */
  readonly stop?: () => unknown
  /** Closes what other parts depend on. */
  readonly close?: () => unknown
}

/**
 * Starts services one after the other, and stops them in four phases. Each phase ends before the next begins:
 *
 * 1. accept no new work (`refuse`, all services at the same time),
 * 2. finish work in flight (`drain`, all together, within one timeout),
 * 3. stop workers (`stop`, in the reverse order of startup),
 * 4. close the store (`close`, in the same reverse order).
 *
 * So a part that still hands work to another finds it running. A part that fails to stop doesn't prevent the others.
 */
export class Lifecycle {
  readonly #services: Service[] = []
  #isReady = false
  #isDraining = false

  /** Whether everything runs, and the shutdown has not begun. */
  get isReady(): boolean {
    return this.#isReady && !this.#isDraining
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /** A service that fails to start is stopped with the others. */
  async start(service: Service): Promise<void> {
    this.#services.push(service)
    await service.start?.()
  }

  /** To be called once everything is started. */
  ready(): void {
    this.#isReady = true
  }

  /**
   * Stops everything that was started. If parts have thrown, throws the first error once all are stopped.
   *
   * @param drainTimeoutMs work still in flight after this time is left to the next startup
   */
  async stop(drainTimeoutMs: number): Promise<void> {
    this.#isDraining = true
    const faults: unknown[] = []
    const attempt = async (work: () => unknown): Promise<void> => {
      try {
        await work()
      } catch (error) {
        faults.push(error)
      }
    }
    const fromTheLast = this.#services.toReversed()
    for (const service of fromTheLast) await attempt(() => service.refuse?.())
    await Promise.all(fromTheLast.map(service => attempt(() => service.drain?.(drainTimeoutMs))))
    for (const service of fromTheLast) await attempt(() => service.stop?.())
    for (const service of fromTheLast) await attempt(() => service.close?.())
    if (faults.length > 0) throw faults[0]
  }
}
