import type { Clock } from '../base/clock.ts'
import { Loop } from '../base/loop.ts'
import type { NodeReport } from '../store/operations/nodes.ts'
import type { Store } from '../store/store.ts'

/** Reports per period in which the node counts as alive, as for leases. */
const REPORTS_A_PERIOD = 3

export type NodeReporterOptions = {
  readonly node: Uint8Array
  /** How long the node counts as alive without another report, in milliseconds. */
  readonly aliveMs: number
  readonly report: () => NodeReport
}

/** Reports a node that holds no leases. The others report with each tick of theirs (engine/ownership/partitions.ts). */
export class NodeReporter {
  readonly #store: Pick<Store, 'writeApart'>
  readonly #options: NodeReporterOptions
  readonly #timeoutMs: number
  readonly #loop: Loop

  constructor(store: Pick<Store, 'writeApart'>, clock: Clock, options: NodeReporterOptions) {
    this.#store = store
    this.#options = options
    this.#timeoutMs = options.aliveMs / REPORTS_A_PERIOD
    this.#loop = new Loop({ clock, everyMs: this.#timeoutMs, run: () => this.#report() })
  }

  start(): void {
    this.#loop.start()
  }

  /** Never rejects: a report that stays counts as that of a node that died. */
  async stop(): Promise<void> {
    await this.#loop.stop()
    await this.#store.writeApart('forgetNode', { node: this.#options.node }, this.#timeoutMs).catch(() => {})
  }

  async #report(): Promise<void> {
    const { node, aliveMs, report } = this.#options
    await this.#store.writeApart('reportNode', { node, aliveMs, report: report() }, this.#timeoutMs)
  }
}
