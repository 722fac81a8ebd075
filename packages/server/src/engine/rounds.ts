import type { TenantId } from '../model.ts'
import type { Lane } from './lane.ts'

/**
 * Whose turn it is. Goes round the tenants that have ready lanes, and within a tenant round its lanes, one dispatch a
 * turn, so that a flood of one costs the others a turn and no more.
 *
 * Caps: requests in flight on the node, per receiving host, and two shares that shrink as room does (dynamic
 * thresholds, Choudhury and Hahne 1998): a tenant may have up to TENANT_SHARE times what the node has left, a lane
 * up to a LANE_SHARE-th of what its tenant has left. So however many hang, somebody new always finds room, and who is
 * alone gets nearly all of it.
 */
export type RoundLimits = {
  readonly maxInFlight: number
  readonly maxInFlightPerHost: number
}

const TENANT_SHARE = 4
const LANE_SHARE = 4

type Queue = { readonly tenant: TenantId; readonly lanes: Lane[]; inFlight: number; isListed: boolean }

export class Rounds {
  readonly #limits: RoundLimits
  readonly #now: () => number
  readonly #hostOf: (lane: Lane) => string
  readonly #dispatch: (lane: Lane, host: string) => void
  readonly #queues = new Map<TenantId, Queue>()
  /** Tenants that have lanes waiting for a turn. */
  #listed: Queue[] = []
  readonly #waiting = new Set<Lane>()
  readonly #hostInFlight = new Map<string, number>()
  #inFlight = 0

  constructor(
    limits: RoundLimits,
    now: () => number,
    hostOf: (lane: Lane) => string,
    dispatch: (lane: Lane, host: string) => void,
  ) {
    this.#limits = limits
    this.#now = now
    this.#hostOf = hostOf
    this.#dispatch = dispatch
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /** The lane is ready, and gets its turns until it isn't. */
  enlist(lane: Lane): void {
    if (this.#waiting.has(lane)) return
    this.#waiting.add(lane)
    const queue = this.#queueOf(lane.tenant)
    queue.lanes.push(lane)
    if (!queue.isListed) {
      queue.isListed = true
      this.#listed.push(queue)
    }
  }

  /** A request that `dispatch` began has ended. */
  land(lane: Lane, host: string): void {
    this.#inFlight--
    const left = (this.#hostInFlight.get(host) ?? 1) - 1
    if (left > 0) this.#hostInFlight.set(host, left)
    else this.#hostInFlight.delete(host)
    const queue = this.#queueOf(lane.tenant)
    queue.inFlight--
    if (queue.inFlight === 0 && !queue.isListed) this.#queues.delete(lane.tenant)
  }

  /** Dispatches whatever may go now. */
  run(): void {
    // Ends when a whole round brought nothing.
    let idleTurns = 0
    while (idleTurns < this.#listed.length && this.#inFlight < this.#limits.maxInFlight) {
      const queue = this.#listed.shift()!
      const dispatched = this.#turn(queue)
      if (queue.lanes.length > 0) this.#listed.push(queue)
      else {
        queue.isListed = false
        if (queue.inFlight === 0) this.#queues.delete(queue.tenant)
      }
      idleTurns = dispatched ? 0 : idleTurns + 1
    }
  }

  /** One dispatch of a tenant, of the first of its lanes that may. */
  #turn(queue: Queue): boolean {
    const share = TENANT_SHARE * (this.#limits.maxInFlight - this.#inFlight)
    if (queue.inFlight >= share) return false
    const laneShare = Math.ceil((share - queue.inFlight) / LANE_SHARE)
    for (let looked = queue.lanes.length; looked > 0; looked--) {
      const lane = queue.lanes.shift()!
      if (!lane.isReady(this.#now())) {
        this.#waiting.delete(lane)
        continue
      }
      const host = this.#hostOf(lane)
      const hostInFlight = this.#hostInFlight.get(host) ?? 0
      queue.lanes.push(lane)
      if (hostInFlight >= this.#limits.maxInFlightPerHost || lane.inFlight >= laneShare) continue
      this.#inFlight++
      queue.inFlight++
      this.#hostInFlight.set(host, hostInFlight + 1)
      this.#dispatch(lane, host)
      return true
    }
    return false
  }

  #queueOf(tenant: TenantId): Queue {
    let queue = this.#queues.get(tenant)
    if (queue === undefined) {
      queue = { tenant, lanes: [], inFlight: 0, isListed: false }
      this.#queues.set(tenant, queue)
    }
    return queue
  }
}
