import type { Clock } from '../base/clock.ts'
import type { TenantId } from '../base/model.ts'
import type { OperationCall } from './driver.ts'
import { type CommitLimits, FairQueue } from './fair-queue.ts'
import { operationOf } from './operations/index.ts'
import { Rests } from './rests.ts'
import { changesConfiguration } from './run-operation.ts'
import type { TenantCall } from './tenant-call.ts'
import type { Waiting } from './waiting.ts'

/** Of what a tenant's own calls write, in a commit while several tenants have work: two changes of the configuration. */
const RESTING_IN_COMPANY = 32
/** Rows of a call that changes the configuration, if it doesn't say. */
const ROWS_OF_A_CHANGE = 16
/** Calls of no tenant take turns with those of tenants. */
export const NO_TENANT = ''

export type OtherCall = { readonly tenant: TenantId; readonly call: OperationCall; readonly isResting: boolean }

export type WaitingCall = Waiting<OtherCall, unknown>

/** Those of one kind, by what they wait for. */
type Queues = {
  readonly calls: FairQueue<OtherCall, unknown>
  /** Calls that change the configuration. */
  readonly configuring: FairQueue<OtherCall, unknown>
}

/**
 * Calls other than publishing and settling that wait for a commit.
 *
 * Each can take many statements. So those that a tenant's own calls of the API make rest while several tenants have work:
 * only a few of a tenant are in a commit, and none is for three times as long as that commit took. Other tenants' events
 * find the store free in the meantime, whatever the tenant changes in a loop.
 */
export class OtherCalls {
  readonly #isSeveral: () => boolean
  readonly #rests: Rests
  readonly #usual: Queues = { calls: new FairQueue(), configuring: new FairQueue() }
  readonly #resting: Queues
  /** While it isn't 0, calls that change the configuration wait. */
  #holds = 0

  /** @param isSeveral whether several tenants have work */
  constructor(clock: Clock, isSeveral: () => boolean) {
    this.#isSeveral = isSeveral
    this.#rests = new Rests(clock)
    const mustRest = (tenant: TenantId) => isSeveral() && this.#rests.mustRest(tenant)
    this.#resting = { calls: new FairQueue(mustRest), configuring: new FairQueue(mustRest) }
  }

  get length(): number {
    return this.#all.reduce((sum, queue) => sum + queue.length, 0)
  }

  /** Whether any can be taken now. */
  get isReady(): boolean {
    return this.#taken.some(queue => queue.hasReady)
  }

  /** How long until one can be taken, in milliseconds. Undefined: none is waiting, or what is waiting is held. */
  get readyInMs(): number | undefined {
    if (this.#taken.every(queue => queue.length === 0)) return undefined
    // A rest can have ended since it was looked whether any is ready.
    return this.isReady ? 0 : (this.#rests.nextMs() ?? 0)
  }

  /** @param of the call of the API that makes it, if that is one whose writes rest */
  add(tenant: TenantId, call: OperationCall, of: TenantCall | undefined): Promise<unknown> {
    const { calls, configuring } = of === undefined ? this.#usual : this.#resting
    const queue = changesConfiguration(call.name) ? configuring : calls
    return queue.add({ tenant, call, isResting: of !== undefined }, rowsOf(call))
  }

  /** Takes those for a commit. */
  take(limits: CommitLimits): WaitingCall[] {
    const resting = { ...limits, each: this.#isSeveral() ? RESTING_IN_COMPANY : limits.each }
    return this.#taken.flatMap(queue => queue.take(this.#isResting(queue) ? resting : limits))
  }

  /** Lets tenants rest for a commit with these. */
  charge(taken: readonly WaitingCall[], commitMs: number): void {
    if (!this.#isSeveral()) return
    this.#rests.charge(new Set(taken.filter(({ input }) => input.isResting).map(({ input }) => input.tenant)), commitMs)
  }

  /** Keeps those that change the configuration from being taken until the returned function is called. */
  hold(): () => void {
    this.#holds++
    return () => {
      this.#holds--
    }
  }

  get #all(): FairQueue<OtherCall, unknown>[] {
    return [this.#usual.calls, this.#resting.calls, this.#usual.configuring, this.#resting.configuring]
  }

  /** Those that a commit takes from, in its order. */
  get #taken(): FairQueue<OtherCall, unknown>[] {
    return this.#holds > 0 ? this.#all.slice(0, 2) : this.#all
  }

  #isResting(queue: FairQueue<OtherCall, unknown>): boolean {
    return queue === this.#resting.calls || queue === this.#resting.configuring
  }
}

/** The tenant whose work a call is. */
export function tenantOf({ args }: OperationCall): TenantId {
  const { tenant, endpoint } = args as {
    readonly tenant?: TenantId
    readonly endpoint?: { readonly tenant?: TenantId }
  }
  return tenant ?? endpoint?.tenant ?? NO_TENANT
}

function rowsOf({ name, args }: OperationCall): number {
  const operation = operationOf(name)
  if (operation.kind === 'read') return 1
  return Math.max(1, operation.rows?.(args as never) ?? (operation.configuration === 'changes' ? ROWS_OF_A_CHANGE : 1))
}
