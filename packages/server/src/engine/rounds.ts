import type { TenantId } from '../model.ts'
import type { Lane } from './lane.ts'

/**
 * Whose turn it is. Goes round the tenants that have ready lanes, and within a tenant round its lanes, one dispatch a
 * turn, so that a flood of one costs the others a turn and no more.
 *
 * Caps: requests in flight on the node, per receiving host, and two shares of each that shrink as room does (dynamic
 * thresholds, Choudhury and Hahne 1998): a tenant may have up to TENANT_SHARE times what the node, and the host, has
 * left, a lane up to a LANE_SHARE-th of what its tenant has left. So however many hang, somebody new always finds
 * room, and who is alone gets nearly all of it.
 */
export type RoundLimits = {
  readonly maxInFlight: number
  readonly maxInFlightPerHost: number
}

const TENANT_SHARE = 4
const LANE_SHARE = 4

/** Requests in flight to a host, in all and by tenant. */
type Host = { inFlight: number; readonly byTenant: Map<TenantId, number> }

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
  readonly #hosts = new Map<string, Host>()
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
    this.#leaveHost(host, lane.tenant)
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
      queue.lanes.push(lane)
      const room = Math.min(laneShare, this.#laneShareAt(host, queue.tenant))
      if (lane.inFlight >= room) continue
      this.#inFlight++
      queue.inFlight++
      this.#enterHost(host, queue.tenant)
      this.#dispatch(lane, host)
      return true
    }
    return false
  }

  /** What a lane of a tenant may have in flight to a host. */
  #laneShareAt(name: string, tenant: TenantId): number {
    const host = this.#hosts.get(name)
    const left = this.#limits.maxInFlightPerHost - (host?.inFlight ?? 0)
    if (left <= 0) return 0
    const share = TENANT_SHARE * left - (host?.byTenant.get(tenant) ?? 0)
    return Math.ceil(share / LANE_SHARE)
  }

  #enterHost(name: string, tenant: TenantId): void {
    let host = this.#hosts.get(name)
    if (host === undefined) {
      host = { inFlight: 0, byTenant: new Map() }
      this.#hosts.set(name, host)
    }
    host.inFlight++
    host.byTenant.set(tenant, (host.byTenant.get(tenant) ?? 0) + 1)
  }

  #leaveHost(name: string, tenant: TenantId): void {
    const host = this.#hosts.get(name)!
    if (--host.inFlight === 0) this.#hosts.delete(name)
    const left = host.byTenant.get(tenant)! - 1
    if (left > 0) host.byTenant.set(tenant, left)
    else host.byTenant.delete(tenant)
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
