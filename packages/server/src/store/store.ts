import type { Clock } from '../base/clock.ts'
import type { TenantId } from '../base/model.ts'
import { Changes } from './changes.ts'
import type { Driver, HistoryReport, OperationCall } from './driver.ts'
import { GroupCommit } from './group-commit.ts'
import { Observations } from './observations.ts'
import type { Moved, Settlement, Settling } from './operations/deliveries/settlement.ts'
import type { PublishRequest, PublishResult } from './operations/events/publish-request.ts'
import type { Arguments, ReadName, Result, WriteName } from './operations/index.ts'
import type { LaneItem, LaneQuery, OrderedLane, OrderedLaneQuery } from './operations/lanes/lanes.ts'

export { StoreOverloaded } from './publish-queue.ts'

/**
 * The store as the rest of Posthorn sees it: operations by name (store/operations/), each typed by its declaration, and
 * hot-path operations, which are committed together with whatever else is waiting.
 */
export class Store {
  /** What this process reports to itself after a commit, and what other nodes report to it. */
  readonly changes = new Changes()
  /** What this process has committed, for metrics and statistics. */
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

  /** The store's time, in milliseconds since 1970. It is used for ids and for when deliveries become due. */
  now(): number {
    return this.#driver.now()
  }

  /** The latest that the store's time can be. A wait that another node might end is counted from it. */
  latest(): number {
    return this.#driver.latest()
  }

  /** The number of outcomes not stored yet. */
  get unsettled(): number {
    return this.#commits.unsettled
  }

  /** Whether one more outcome of the tenant can wait to be stored. If not, nothing is sent for it. */
  hasRoomToSettle(tenant: TenantId): boolean {
    return this.#commits.hasRoomToSettle(tenant)
  }

  /** Whether several tenants have published or been sent to lately, so that a large commit would delay others. */
  get isShared(): boolean {
    return this.#commits.isShared
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
   * Runs alongside the commit that is in flight, not after it: for calls that must not wait for a hanging connection.
   *
   * @param timeoutMs how long each step can take
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
   * Keeps this process's configuration changes from being committed until the returned function is called: for callers
   * that repeatedly found the configuration changed between matching events against it and storing them.
   */
  holdChanges(): () => void {
    return this.#commits.holdChanges()
  }

  /**
   * Stores outcomes, and reports each as soon as it is stored, even if the store is unavailable for long: none is dropped
   * for that reason. Fails only those whose own data is at fault.
   */
  settleMany(settling: readonly Settling[]): void {
    this.#commits.settleMany(settling)
  }

  /** Stores one outcome; see `settleMany`. */
  settle(settlement: Settlement): Promise<Moved> {
    return new Promise((settled, failed) => this.settleMany([{ settlement, settled, failed }]))
  }

  durability(): Promise<Readonly<Record<string, string>>> {
    return this.#driver.durability()
  }

  /** See Driver. */
  makeHistory(fromMs: number, toMs: number): Promise<number> {
    return this.#driver.makeHistory(fromMs, toMs)
  }

  /** See Driver. Separate from the commits, which must not wait while dropping old history waits for others. */
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

  /** Closes the store once everything handed in has been committed or refused. */
  async close(): Promise<void> {
    await this.#commits.drained()
    await this.#driver.close()
  }
}
