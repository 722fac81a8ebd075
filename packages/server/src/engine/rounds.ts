import type { TenantId } from '../base/model.ts'
import { TENANT_SHARE } from '../base/shared-budget.ts'
import type { Lane } from './lane/lane.ts'

export type RoundLimits = {
  /** Maximum number of requests in flight on this node. */
  readonly maxInFlight: number
  /** Maximum number of requests in flight to a receiving host, at least 1. Can change at any time. */
  readonly maxInFlightAt: (host: string) => number
}

const LANE_SHARE = 4

type Host = {
  inFlight: number
  readonly byTenant: Map<TenantId, number>
  /** Lanes that have nothing in flight and wait for room at this host, by tenant. */
  readonly parked: Map<TenantId, Lane[]>
  /** Tenants that were admitted since a request last ended here, but whose own share had no room. */
  readonly tried: Set<TenantId>
}

/** A tenant's lanes that are waiting for their turn. */
type Queue = { readonly tenant: TenantId; readonly lanes: Lane[]; inFlight: number; isInRound: boolean }

/** When a request ends at a crowded host, one lane each of this many tenants is admitted. */
const TENANTS_ADMITTED = 4

/**
 * Decides whose turn it is. Goes round the tenants that have ready lanes, and within a tenant round its lanes, with one
 * dispatch per turn, so that a flood from one tenant costs the others no more than a turn.
 *
 * Limits: requests in flight on the node and per receiving host, and two shares of each that shrink with the room that
 * is left (dynamic thresholds, Choudhury and Hahne 1998). A tenant can have up to TENANT_SHARE times what the node and
 * the host have left, and a lane up to 1/LANE_SHARE of what its tenant has left. So however many requests hang, a new
 * tenant always finds room, and a tenant that is alone gets nearly all of it.
 *
 * A lane is idle → queued (at its tenant) → idle, or parked at its host → queued. A lane that can't go is idle if it
 * has requests in flight, since the end of one queues it again. Otherwise it is parked, and admitted as other lanes'
 * requests end. This keeps blocked lanes from being examined over and over: with two thousand lanes at one dead host,
 * the process did nothing else.
 */
export class Rounds {
  readonly #limits: RoundLimits
  readonly #now: () => number
  readonly #hostOf: (lane: Lane) => string
  readonly #dispatch: (lane: Lane, host: string) => void
  readonly #maySend: (tenant: TenantId) => boolean
  readonly #queues = new Map<TenantId, Queue>()
  /** Tenants that have queued lanes, in the order of their turns. */
  #round: Queue[] = []
  /** Lanes that are queued or parked. */
  readonly #waiting = new Set<Lane>()
  readonly #hosts = new Map<string, Host>()
  /** Parked lanes, each with its host. */
  readonly #parkedAt = new Map<Lane, string>()
  /** Lanes that were admitted and have not had their turn yet, each with the host that admitted it. */
  readonly #admittedAt = new Map<Lane, string>()
  #inFlight = 0

  /** @param maySend whether the tenant's outcomes can still be stored; call `run` when that changes. Default: always */
  constructor(
    limits: RoundLimits,
    now: () => number,
    hostOf: (lane: Lane) => string,
    dispatch: (lane: Lane, host: string) => void,
    maySend: (tenant: TenantId) => boolean = () => true,
  ) {
    this.#limits = limits
    this.#now = now
    this.#hostOf = hostOf
    this.#dispatch = dispatch
    this.#maySend = maySend
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /** Adds a lane that is ready. It gets turns until it no longer is. */
  enqueue(lane: Lane): void {
    if (this.#waiting.has(lane)) return
    this.#waiting.add(lane)
    this.#enqueue(lane)
  }

  /** Queues a parked lane again. Its URL might have changed, so that it needn't wait for room at its former host. */
  unpark(lane: Lane): void {
    const name = this.#parkedAt.get(lane)
    if (name === undefined) return
    this.#parkedAt.delete(lane)
    const { parked } = this.#hosts.get(name)!
    const lanes = parked.get(lane.tenant)!
    lanes.splice(lanes.indexOf(lane), 1)
    if (lanes.length === 0) parked.delete(lane.tenant)
    this.#enqueue(lane)
  }

  /** Call this when a request that `dispatch` started has ended. */
  endRequest(lane: Lane, host: string): void {
    this.#inFlight--
    this.#leaveHost(host, lane.tenant)
    const queue = this.#queueOf(lane.tenant)
    queue.inFlight--
    if (queue.inFlight === 0 && !queue.isInRound) this.#queues.delete(lane.tenant)
  }

  /** Dispatches what can go now, up to `most`. Returns whether it stopped at that limit, so that more might follow. */
  run(most: number): boolean {
    const nowMs = this.#now()
    let dispatched = 0
    // The loop ends after a whole round without a dispatch.
    let idleTurns = 0
    while (idleTurns < this.#round.length && this.#inFlight < this.#limits.maxInFlight) {
      if (dispatched === most) return true
      const queue = this.#round.shift()!
      const isDispatched = this.#turn(queue, nowMs)
      if (queue.lanes.length > 0) this.#round.push(queue)
      else {
        queue.isInRound = false
        if (queue.inFlight === 0) this.#queues.delete(queue.tenant)
      }
      if (isDispatched) {
        idleTurns = 0
        dispatched++
        // A tenant that has left the round made it shorter: counting it as well would skip the last tenants.
      } else if (queue.isInRound) idleTurns++
    }
    return false
  }

  /** Makes one dispatch for a tenant, from the first of its lanes that can go. */
  #turn(queue: Queue, nowMs: number): boolean {
    const share = TENANT_SHARE * (this.#limits.maxInFlight - this.#inFlight)
    if (queue.inFlight >= share || !this.#maySend(queue.tenant)) return false
    const laneShare = Math.ceil((share - queue.inFlight) / LANE_SHARE)
    for (let lane = queue.lanes.shift(); lane !== undefined; lane = queue.lanes.shift()) {
      const isReady = lane.isReady(nowMs)
      const host = isReady ? this.#hostOf(lane) : ''
      const roomAtHost = isReady ? this.#laneShareAt(host, queue.tenant) : 0
      if (isReady && lane.inFlight < Math.min(laneShare, roomAtHost)) {
        queue.lanes.push(lane)
        this.#inFlight++
        queue.inFlight++
        this.#enterHost(host, queue.tenant)
        this.#admitNext(lane)
        this.#dispatch(lane, host)
        return true
      }
      if (isReady && lane.inFlight === 0) this.#park(lane, host)
      else {
        this.#waiting.delete(lane)
        this.#admitNext(lane)
      }
    }
    return false
  }

  #enqueue(lane: Lane): void {
    const queue = this.#queueOf(lane.tenant)
    queue.lanes.push(lane)
    if (queue.isInRound) return
    queue.isInRound = true
    this.#round.push(queue)
  }

  // Hosts

  /** How many requests one of the tenant's lanes can have in flight to the host. */
  #laneShareAt(name: string, tenant: TenantId): number {
    const host = this.#hosts.get(name)
    const left = this.#limits.maxInFlightAt(name) - (host?.inFlight ?? 0)
    if (left <= 0) return 0
    const share = TENANT_SHARE * left - (host?.byTenant.get(tenant) ?? 0)
    return Math.ceil(share / LANE_SHARE)
  }

  #enterHost(name: string, tenant: TenantId): void {
    let host = this.#hosts.get(name)
    if (host === undefined) {
      host = { inFlight: 0, byTenant: new Map(), parked: new Map(), tried: new Set() }
      this.#hosts.set(name, host)
    }
    host.inFlight++
    host.byTenant.set(tenant, (host.byTenant.get(tenant) ?? 0) + 1)
  }

  #leaveHost(name: string, tenant: TenantId): void {
    const host = this.#hosts.get(name)!
    host.inFlight--
    const left = host.byTenant.get(tenant)! - 1
    if (left > 0) host.byTenant.set(tenant, left)
    else host.byTenant.delete(tenant)
    host.tried.clear()
    // One lane per tenant, since each lane that goes admits the next: a tenant's ten thousand are not examined in vain.
    const tenants = Math.min(TENANTS_ADMITTED, host.parked.size)
    for (let count = 0; count < tenants; count++) this.#admitOne(name, host)
    if (host.inFlight === 0 && host.parked.size === 0) this.#hosts.delete(name)
  }

  /** Only for a host with requests in flight, since the end of one admits the lane. */
  #park(lane: Lane, name: string): void {
    const host = this.#hosts.get(name)!
    const { parked, tried } = host
    this.#parkedAt.set(lane, name)
    const lanes = parked.get(lane.tenant)
    if (lanes === undefined) parked.set(lane.tenant, [lane])
    else lanes.push(lane)
    // The lane's URL has changed, so the host that admitted it still has room for another lane.
    if (this.#admittedAt.get(lane) !== name) {
      this.#admitNext(lane)
      return
    }
    this.#admittedAt.delete(lane)
    // The host has room, but not for this tenant: offer it to the others, each once per request that ends.
    const isFull = host.inFlight >= this.#limits.maxInFlightAt(name)
    if (isFull || tried.has(lane.tenant)) return
    tried.add(lane.tenant)
    this.#admitOne(name, host)
  }

  /** Admits one lane of the tenant that has waited longest and was not tried since a request last ended. */
  #admitOne(name: string, { parked, tried }: Host): void {
    for (const [tenant, lanes] of parked) {
      if (tried.has(tenant)) continue
      const lane = lanes.shift()!
      this.#parkedAt.delete(lane)
      parked.delete(tenant)
      if (lanes.length > 0) parked.set(tenant, lanes)
      this.#admittedAt.set(lane, name)
      this.#enqueue(lane)
      return
    }
  }

  /** Admits the next lane once an admitted one has had its turn, used or not. Otherwise the last would wait forever. */
  #admitNext(lane: Lane): void {
    const name = this.#admittedAt.get(lane)
    if (name === undefined) return
    this.#admittedAt.delete(lane)
    const host = this.#hosts.get(name)
    if (host === undefined) return
    if (host.parked.size > 0) this.#admitOne(name, host)
    if (host.inFlight === 0 && host.parked.size === 0) this.#hosts.delete(name)
  }

  #queueOf(tenant: TenantId): Queue {
    let queue = this.#queues.get(tenant)
    if (queue === undefined) {
      queue = { tenant, lanes: [], inFlight: 0, isInRound: false }
      this.#queues.set(tenant, queue)
    }
    return queue
  }
}
