import type { TenantId } from '../base/model.ts'
import type { Lane } from './lane/lane.ts'

export type RoundLimits = {
  /** Requests at once on this node. */
  readonly maxInFlight: number
  /** Requests at once to one receiving host. */
  readonly maxInFlightPerHost: number
}

const TENANT_SHARE = 4
const LANE_SHARE = 4

type Host = {
  inFlight: number
  readonly byTenant: Map<TenantId, number>
  /** Lanes with nothing in flight that wait for room at this host, by tenant. */
  readonly parked: Map<TenantId, Lane[]>
  /** Tenants that were admitted since a request last ended here, and had no room of their own. */
  readonly tried: Set<TenantId>
}

/** A tenant's lanes that wait for their turn. */
type Queue = { readonly tenant: TenantId; readonly lanes: Lane[]; inFlight: number; isInRound: boolean }

/** Tenants of which a lane is admitted for each request that ends at a crowded host. */
const TENANTS_ADMITTED = 4

/**
 * Whose turn it is. Goes round the tenants that have ready lanes, and within a tenant round its lanes, one dispatch a
 * turn, so that a flood of one costs the others a turn and no more.
 *
 * Caps: requests in flight on the node, per receiving host, and two shares of each that shrink as room does (dynamic
 * thresholds, Choudhury and Hahne 1998): a tenant may have up to TENANT_SHARE times what the node, and the host, has
 * left, a lane up to a LANE_SHARE-th of what its tenant has left. So however many hang, somebody new always finds
 * room, and who is alone gets nearly all of it.
 *
 * A lane is idle → queued (at its tenant) → idle, or parked at its host → queued. One that may not go and has something
 * in flight is idle, since the end of its own request queues it again; one without is parked, and admitted as others'
 * requests end. So nobody who can't go is looked at again and again: with two thousand lanes at one dead host that was
 * all that the process did.
 */
export class Rounds {
  readonly #limits: RoundLimits
  readonly #now: () => number
  readonly #hostOf: (lane: Lane) => string
  readonly #dispatch: (lane: Lane, host: string) => void
  readonly #queues = new Map<TenantId, Queue>()
  /** Tenants that have queued lanes, in the order of their turns. */
  #round: Queue[] = []
  /** Lanes that are queued or parked. */
  readonly #waiting = new Set<Lane>()
  readonly #hosts = new Map<string, Host>()
  /** Parked lanes, and where. */
  readonly #parkedAt = new Map<Lane, string>()
  /** Lanes that were admitted and had no turn yet, and by which host. */
  readonly #admittedAt = new Map<Lane, string>()
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
  enqueue(lane: Lane): void {
    if (this.#waiting.has(lane)) return
    this.#waiting.add(lane)
    this.#enqueue(lane)
  }

  /** Its URL may have changed: it needn't wait for room at the host that it had. */
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

  /** A request that `dispatch` began has ended. */
  endRequest(lane: Lane, host: string): void {
    this.#inFlight--
    this.#leaveHost(host, lane.tenant)
    const queue = this.#queueOf(lane.tenant)
    queue.inFlight--
    if (queue.inFlight === 0 && !queue.isInRound) this.#queues.delete(lane.tenant)
  }

  /** Dispatches what may go now, up to so many; answers whether it stopped for that, and more may go. */
  run(most: number): boolean {
    const nowMs = this.#now()
    let dispatched = 0
    // Ends when a whole round brought nothing.
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
        // One that is not in the round any more has made the round shorter: counted too, it would hide the last ones.
      } else if (queue.isInRound) idleTurns++
    }
    return false
  }

  /** One dispatch of a tenant, of the first of its lanes that may. */
  #turn(queue: Queue, nowMs: number): boolean {
    const share = TENANT_SHARE * (this.#limits.maxInFlight - this.#inFlight)
    if (queue.inFlight >= share) return false
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
    // One lane of each: a lane that goes admits the next, so a tenant's ten thousand are not all looked at in vain.
    const tenants = Math.min(TENANTS_ADMITTED, host.parked.size)
    for (let count = 0; count < tenants; count++) this.#admitOne(name, host)
    if (host.inFlight === 0 && host.parked.size === 0) this.#hosts.delete(name)
  }

  /** Only where something is in flight, whose end admits it. */
  #park(lane: Lane, name: string): void {
    const host = this.#hosts.get(name)!
    const { parked, tried } = host
    this.#parkedAt.set(lane, name)
    const lanes = parked.get(lane.tenant)
    if (lanes === undefined) parked.set(lane.tenant, [lane])
    else lanes.push(lane)
    // Its URL has changed: the host that admitted it still has room for another.
    if (this.#admittedAt.get(lane) !== name) {
      this.#admitNext(lane)
      return
    }
    this.#admittedAt.delete(lane)
    // Room there is, but not for this tenant: another may have it, each tried once for a request that ends.
    const isFull = host.inFlight >= this.#limits.maxInFlightPerHost
    if (isFull || tried.has(lane.tenant)) return
    tried.add(lane.tenant)
    this.#admitOne(name, host)
  }

  /** One lane of the tenant that has waited longest, of those not tried since a request last ended. */
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

  /** A lane that was admitted has had its turn, used or not: the next is admitted, or the last would wait for ever. */
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
