import type { Moved, Settlement, Settling } from '../../store/operations/deliveries/settlement.ts'
import type { LaneItem } from '../../store/operations/lanes/lanes.ts'
import type { Body } from '../bodies.ts'
import type { Lane } from '../lane/lane.ts'
import type { RateWindow } from '../lane/rate.ts'
import { Post } from './deliver.ts'
import type { Destination } from './destinations.ts'
import type { Exchange } from './outcome.ts'
import type { AttemptTrace } from './trace.ts'

/** Of a request; or why there was none: no one listens to the endpoint, or it was not allowed to begin (null). */
export type AttemptResult = Exchange | 'unheard' | null

/** What becomes of attempts is up to one owner, so that none of them needs functions or promises of its own. */
export type AttemptOwner = {
  /** Called right before the request is written. False if it must no longer be sent. */
  mayBegin(attempt: Attempt): boolean
  /** `result` is there. */
  ended(attempt: Attempt): void
  /** `settlement` is stored. */
  settled(attempt: Attempt, moved: Moved): void
  /** `settlement` can't be stored, because of its own data. */
  unsettled(attempt: Attempt, error: Error): void
}

/**
 * One attempt of a delivery, from the lane's turn until its outcome is stored: taken → begun → ended → settled. It can be
 * put back instead of begun or settled. It is the handler of its own request (`Post`).
 */
export class Attempt extends Post implements Settling {
  readonly lane: Lane
  /** The host that its lane had room at. */
  readonly host: string
  readonly item: LaneItem
  /** Where it has a place. Null if the endpoint has no rate limit. */
  readonly rate: RateWindow | null
  readonly #owner: AttemptOwner
  /** For its payload. */
  memory: Body | undefined

  // From `begin` on.

  destination!: Destination
  /** The epoch under which the request is sent. */
  epoch = 0

  // Set by the sender.

  /** Null if it isn't traced. */
  trace: AttemptTrace | null = null
  /** False if there was nothing to send: the secret or a token was missing. */
  isRequest = true
  /** Records a response without the request's secrets. */
  record!: Destination['record']

  /** Until the conclusion, which leaves nothing of it here: an outcome can wait for long to be stored. */
  result: AttemptResult = null
  /** From the conclusion on. */
  settlement!: Settlement

  constructor(owner: AttemptOwner, lane: Lane, host: string, item: LaneItem) {
    super()
    this.#owner = owner
    this.lane = lane
    this.host = host
    this.item = item
    this.rate = lane.rate
  }

  begin(destination: Destination, epoch: number): void {
    this.destination = destination
    this.record = destination.record
    this.epoch = epoch
  }

  mayBegin(): boolean {
    return this.#owner.mayBegin(this)
  }

  over(result: AttemptResult): void {
    this.result = result
    this.trace?.end(result === 'unheard' ? null : result)
    this.#owner.ended(this)
  }

  settled(moved: Moved): void {
    this.#owner.settled(this, moved)
  }

  failed(error: Error): void {
    this.#owner.unsettled(this, error)
  }
}
