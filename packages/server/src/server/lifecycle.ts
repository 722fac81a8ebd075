/** A part of the process that runs. All members but the name are optional: most parts need one or two. */
export type Service = {
  readonly name: string
  /** Settles when it runs. */
  readonly start?: () => unknown
  /** Takes nothing new from here on. */
  readonly refuse?: () => void
  /** Settles when what is in flight has ended, at the latest after so many milliseconds. */
  readonly drain?: (timeoutMs: number) => Promise<unknown>
  /** Ends its own work. */
  readonly stop?: () => unknown
  /** Closes what the others stand on. */
  readonly close?: () => unknown
}

/**
 * Starts services one after the other, and stops them in four phases, each over before the next begins:
 *
 * 1. no new work (`refuse`, all at once),
 * 2. what is in flight (`drain`, all together, within one time-out),
 * 3. workers (`stop`, the one that was started last first),
 * 4. the store (`close`, in the same order).
 *
 * So whatever a part still hands to another finds that running. A part that fails to stop keeps no other from it.
 */
export class Lifecycle {
  readonly #services: Service[] = []
  #isReady = false
  #isDraining = false

  /** From when everything runs until the stop begins. */
  get isReady(): boolean {
    return this.#isReady && !this.#isDraining
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /** One that fails here is stopped with the others. */
  async start(service: Service): Promise<void> {
    this.#services.push(service)
    await service.start?.()
  }

  /** Everything was started. */
  ready(): void {
    this.#isReady = true
  }

  /**
   * Stops what was started. Throws the first thing that a part threw, when all is over.
   *
   * @param drainTimeoutMs what is in flight then is left to the next start
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
