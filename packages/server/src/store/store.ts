import type { Clock } from '../base/clock.ts'
import { Changes } from './changes.ts'
import type { Driver, HistoryReport, OperationCall } from './driver.ts'
import { GroupCommit } from './group-commit.ts'
import { Observations } from './observations.ts'
import type { Moved, Settlement } from './operations/deliveries/settlement.ts'
import type { PublishRequest, PublishResult } from './operations/events/publish-request.ts'
import type { Arguments, ReadName, Result, WriteName } from './operations/index.ts'
import type { LaneItem, LaneQuery, OrderedLane, OrderedLaneQuery } from './operations/lanes/lanes.ts'

export { StoreOverloaded } from './publish-queue.ts'

/**
 * The store as the rest of Posthorn sees it: operations by name (store/operations/), each typed by its declaration, and
 * those of the hot path, which are committed together with whatever else is waiting.
 */
export class Store {
  /** What this process tells itself after a commit, and what other nodes tell it. */
  readonly changes = new Changes()
  /** What this process has committed, for whoever counts. */
  readonly observations = new Observations()
  readonly #driver: Driver
  readonly #commits: GroupCommit

  constructor(driver: Driver, clock: Clock) {
    this.#driver = driver
    this.#commits = new GroupCommit(driver, clock, this.changes, this.observations)
  }

  get engine(): 'sqlite' | 'postgres' {
    return this.#driver.dialect.engine
  }

  /** The store's time, milliseconds since 1970: what ids are made from and deliveries fall due by. */
  now(): number {
    return this.#driver.now()
  }

  /** The same at the latest: what a wait is counted from that another node may end. */
  latest(): number {
    return this.#driver.latest()
  }

  /** Outcomes that are not stored yet. */
  get unsettled(): number {
    return this.#commits.unsettled
  }

  read<Name extends ReadName>(name: Name, args: Arguments<Name>): Promise<Result<Name>> {
    return this.#driver.read(name, args)
  }

  /** The earliest due pending deliveries of an endpoint. Throws StoreUnavailable. */
  readLane(query: LaneQuery): Promise<LaneItem[]> {
    return this.read('readLane', query)
  }

  /** The next pending deliveries of an ordered endpoint. Throws StoreUnavailable. */
  readOrderedLane(query: OrderedLaneQuery): Promise<OrderedLane> {
    return this.read('readOrderedLane', query)
  }

  /** Resolves after the commit is durable. */
  write<Name extends WriteName>(name: Name, args: Arguments<Name>): Promise<Result<Name>> {
    return this.#commits.run({ name, args } as OperationCall) as Promise<Result<Name>>
  }

  /**
   * Beside the commit that is in flight, not after it: for what must not wait for a connection that hangs.
   *
   * @param timeoutMs how long each step of it can take
   */
  async writeApart<Name extends WriteName>(
    name: Name,
    args: Arguments<Name>,
    timeoutMs: number,
  ): Promise<Result<Name>> {
    const [result] = await this.#driver.write([{ name, args } as OperationCall], timeoutMs)
    if (!result!.ok) throw result!.error
    return result!.value as Result<Name>
  }

  /** Resolves after the commit is durable. Throws StoreOverloaded, StoreContended, StoreUnavailable. */
  publish(request: PublishRequest): Promise<PublishResult> {
    return this.#commits.publish(request)
  }

  /**
   * Keeps this process's changes of the configuration from being committed until the answer is called: for whoever
   * found the configuration changed each time that what was matched against it came to be stored.
   */
  holdChanges(): () => void {
    return this.#commits.holdChanges()
  }

  /**
   * Resolves with what became of the delivery, however long the store is away: an outcome is not dropped for that.
   * Throws only what the outcome's own data provokes.
   */
  settle(settlement: Settlement): Promise<Moved> {
    return this.#commits.settle(settlement)
  }

  durability(): Promise<Readonly<Record<string, string>>> {
    return this.#driver.durability()
  }

  /** See Driver. */
  makeHistory(fromMs: number, toMs: number): Promise<number> {
    return this.#driver.makeHistory(fromMs, toMs)
  }

  /** See Driver. Apart from the commits: dropping what is old waits for others, and they must not wait for it. */
  keepHistory(retentionDays: number): Promise<HistoryReport> {
    return this.#driver.keepHistory(retentionDays)
  }

  /** See Driver. */
  spanDays(retentionDays: number): number {
    return this.#driver.spanDays(retentionDays)
  }

  /** See Driver. */
  scrub(): Promise<boolean> {
    return this.#driver.scrub()
  }

  /** After everything that was handed in has been committed or refused. */
  async close(): Promise<void> {
    await this.#commits.drained()
    await this.#driver.close()
  }
}
