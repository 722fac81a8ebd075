import type { Clock } from '../base/clock.ts'
import { DAY_MS, HOUR_MS } from '../base/durations.ts'
import { newId } from '../base/ids.ts'
import type { Logger } from '../base/logger.ts'
import { Loop } from '../base/loop.ts'
import type { DeliveryId, EndpointId, TenantId } from '../base/model.ts'
import type { Configuration } from '../catalogue/configuration-cache.ts'
import { type Matchable, toMatchable } from '../catalogue/contents.ts'
import type { TenantMatcher } from '../catalogue/tenant-memory.ts'
import { SharedTurns } from '../publish/turns.ts'
import { cancelSome, mendParts } from '../store/in-steps.ts'
import type { PartLook, Replayed, ReplayPart } from '../store/operations/replays/parts.ts'
import type { Replayable } from '../store/operations/replays/scan.ts'
import type { Store } from '../store/store.ts'
import { StoreContended, StoreUnavailable } from '../store/transaction.ts'
import { FIRST_RATE, type ReplayRate, rateAfter, roomOf } from './rate.ts'
import { Sieve, type Wanting, wantsOf } from './sieve.ts'
import { wantingOf } from './wanting.ts'

/** Settings, under their own names. */
export type ReplayerSettings = {
  readonly replayPerSecond: number
  /** How many days a replay is kept after it has ended. 0 keeps it forever. */
  readonly retentionDays: number
}

/** How often to look for replays that another node created, or left unfinished when it died. */
const LOOK_MS = 1_000

/** Time between two looks at the endpoints. */
const TICK_MS = 100
/** How long a claim keeps other nodes away. If a node dies, its claimed parts wait this long. */
const CLAIM_MS = 5_000
/** Length of a round. Its parts are then released, and those looked at longest ago are claimed. */
const ROUND_MS = 2_000
const PARTS_A_ROUND = 64
/** A failing endpoint gets one more delivery after this many looks. */
const TICKS_WHILE_FAILING = 10
/** Rows scanned for a part in one step, and steps in one tick. */
const MIN_ROWS = 64
const MAX_ROWS = 1_000
const MAX_STEPS = 8
/** Work of a part on filters in one tick, in milliseconds. Many parts have to share a tick's time. */
const SIFT_MS = 2
/** Cancelled replays that are worked on in one round. */
const CANCELLED_A_ROUND = 4
/** Pause after a failure of the store, before the next try. */
const PAUSE_MS = 1_000
/** Maximum number of remembered rates. Beyond that all are forgotten, and every part starts with the first rate. */
const MAX_RATES = 10_000
/** How often old replays are removed, and how many in one commit. */
const CLEANUP_MS = HOUR_MS
const DROPPED_A_COMMIT = 1_000

/** A part in progress. */
type Work = {
  readonly part: ReplayPart
  /** The position saved in the store, and the position up to which rows were scanned. */
  stored: string | null
  after: string | null
  rate: ReplayRate
  /** The first delivery of those created last. */
  since: DeliveryId | null
  idleTicks: number
  isOver: boolean
  /** What the endpoint wants at a version of the tenant's configuration. Undefined while it was not needed. */
  known: { readonly version: number; readonly wanting: Wanting } | undefined
}

type Known = Pick<Work, 'rate' | 'since' | 'idleTicks'>

type Found = {
  readonly work: Work
  readonly chosen: readonly Replayable[]
  readonly skipped: number
  readonly isLast: boolean
  /** The version of the configuration by which they were chosen. Null if it does not matter. */
  readonly tenantVersion: number | null
}

const keyOf = ({ replay, endpoint }: Pick<ReplayPart, 'replay' | 'endpoint'>) => `${replay} ${endpoint}`

/**
 * Creates the deliveries of replays, on every node that sends. It claims parts (store/operations/replays/parts.ts),
 * looks at them ten times a second for a while, creates as many deliveries of each as its endpoint can take (rate.ts),
 * within a common rate limit, and releases the parts, so that others get their turn. After a crash, replays resume from
 * the store.
 */
export class Replayer {
  readonly #store: Store
  readonly #configuration: Pick<Configuration, 'tenants'>
  readonly #clock: Clock
  readonly #turns: SharedTurns
  readonly #log: Logger
  readonly #settings: ReplayerSettings
  /** What is known about the endpoints of released parts, for the next round. */
  #rates = new Map<string, Known>()
  /** The tenant whose parts were claimed last: the next claim begins after it. */
  #claimedUpTo: TenantId = ''
  #credit = 0
  #earnedAtMs = Number.NEGATIVE_INFINITY
  readonly #loop: Loop
  #cleanedAtMs = Number.NEGATIVE_INFINITY

  /** @param lookMs how often to look for parts without a notification; default: one second */
  constructor(
    store: Store,
    configuration: Pick<Configuration, 'tenants'>,
    clock: Clock,
    log: Logger,
    settings: ReplayerSettings,
    lookMs = LOOK_MS,
  ) {
    this.#store = store
    this.#configuration = configuration
    this.#clock = clock
    this.#turns = new SharedTurns(clock)
    this.#log = log
    this.#settings = settings
    this.#loop = new Loop({
      clock,
      everyMs: lookMs,
      retryMs: PAUSE_MS,
      run: () => this.#work(),
      onFailure: error => log.warn({ err: error }, 'processing replays failed; retrying'),
    }).wakeOn(store.changes, ({ kind }) => kind === 'replays')
  }

  /** Starts processing the replays in the store and those that are created later. */
  start(): void {
    this.#loop.start()
  }

  /** Resolves when nothing is in progress. */
  stop(): Promise<void> {
    return this.#loop.stop()
  }

  async #work(): Promise<void> {
    while (!this.#loop.isStopped) {
      await this.#cleanUp()
      const cancelled = await this.#store.read('findUncancelledReplays', {})
      // A step of a few, so that other replays get their turn.
      for (const of of cancelled.slice(0, CANCELLED_A_ROUND)) await cancelSome(this.#store, of)
      if (!(await this.#store.read('peekReplayParts', {}))) {
        if (cancelled.length === 0) return
        continue
      }
      const claim = { limit: PARTS_A_ROUND, claimMs: CLAIM_MS, after: this.#claimedUpTo }
      const parts = await this.#store.write('claimReplayParts', claim)
      this.#claimedUpTo = parts.at(-1)?.tenant ?? ''
      // Another node has them, or they are of a replay that is being paused: others might follow.
      if (parts.length === 0) await this.#loop.rest(TICK_MS)
      else await this.#round(parts.map(part => this.#take(part)))
    }
  }

  #take(part: ReplayPart): Work {
    const known: Known = this.#rates.get(keyOf(part)) ?? { rate: FIRST_RATE, since: null, idleTicks: 0 }
    return { part, stored: part.after, after: part.after, ...known, isOver: false, known: undefined }
  }

  async #round(works: Work[]): Promise<void> {
    const untilMs = this.#clock.monotonicMs() + ROUND_MS
    let left = works
    try {
      while (!this.#loop.isStopped && left.length > 0 && this.#clock.monotonicMs() < untilMs) {
        this.#earn()
        await this.#tick(left)
        left = left.filter(({ isOver }) => !isOver)
        if (left.length > 0) await this.#loop.rest(TICK_MS)
      }
    } finally {
      for (const { part } of works) this.#rates.delete(keyOf(part))
      for (const { part, rate, since, idleTicks } of left) this.#rates.set(keyOf(part), { rate, since, idleTicks })
      if (this.#rates.size > MAX_RATES) this.#rates = new Map()
      await this.#store.write('releaseReplayParts', { parts: left.map(({ part }) => part), claimMs: CLAIM_MS })
    }
  }

  /** Earns credit for two ticks at most: a process that was stalled must not catch up in one burst. */
  #earn(): void {
    const nowMs = this.#clock.monotonicMs()
    const perMs = this.#settings.replayPerSecond / 1_000
    const most = Math.max(1, 2 * TICK_MS * perMs)
    this.#credit = Math.min(this.#credit + perMs * (nowMs - this.#earnedAtMs), most)
    this.#earnedAtMs = nowMs
  }

  /**
   * Shares the credit equally among the tenants, and a tenant's among its parts that have room. Each time a different
   * part comes first.
   */
  async #tick(works: Work[]): Promise<void> {
    const parts = works.map(({ part, since }) => ({ replay: part.replay, endpoint: part.endpoint, since }))
    const looks = await this.#store.read('lookAtReplayParts', { parts })
    const rooms = works.map((work, index) => this.#roomFor(work, looks[index]))
    const waiting = works.map((work, index) => ({ work, room: rooms[index]! })).filter(({ room }) => room > 0)
    const wanted = this.#share(waiting).filter(({ share }) => share > 0)
    const answers = await Promise.all(
      wanted.map(({ work, share }) => this.#orPutOff(work, () => this.#find(work, share))),
    )
    const found = answers.filter(answer => answer !== undefined)
    // Together, so that they share a commit; in the same order on all nodes, so that two such commits can't deadlock.
    found.sort((a, b) => (keyOf(a.work.part) < keyOf(b.work.part) ? -1 : 1))
    await Promise.all(found.map(each => this.#orPutOff(each.work, () => this.#make(each))))
    const [first] = works.splice(0, 1)
    works.push(first!)
  }

  #share(waiting: readonly { readonly work: Work; readonly room: number }[]): { work: Work; share: number }[] {
    const tenants = [...Map.groupBy(waiting, ({ work }) => work.part.tenant).values()]
    return tenants.flatMap((own, nth) => {
      let credit = Math.min(Math.ceil(this.#credit / (tenants.length - nth)), Math.floor(this.#credit))
      return own.map(({ work, room }, index) => {
        const share = Math.min(room, Math.ceil(credit / (own.length - index)))
        credit -= share
        this.#credit -= share
        return { work, share }
      })
    })
  }

  #roomFor(work: Work, look: PartLook | undefined): number {
    // The endpoint was deleted: the next write ends the part.
    if (look === undefined) return 1
    // Enough for two ticks: a tick can take longer than planned, and the configured rate has to be reached anyway.
    work.rate = rateAfter(work.rate, look, Math.ceil((2 * this.#settings.replayPerSecond * TICK_MS) / 1_000))
    if (work.rate.isFailing && ++work.idleTicks % TICKS_WHILE_FAILING !== 0) return 0
    return roomOf(work.rate)
  }

  /** Finds the next deliveries to create for a part, up to `room`. */
  async #find(work: Work, room: number): Promise<Found> {
    const { tenant, selection, asOfMs, endpoint } = work.part
    const configuration = selection.missing ? await this.#configuration.tenants.get(tenant) : null
    const wanting = configuration === null ? null : await this.#wantingOf(work, configuration)
    const wants = wanting === null ? () => true : wantsOf(selection, wanting)
    const filterOf = async (id: EndpointId) => wanting?.filterOf(id) ?? null
    const sieve = new Sieve(this.#store, this.#clock, tenant, { wants, filterOf, turns: this.#turns })
    const tenantVersion = configuration?.version ?? null
    let limit = Math.min(MAX_ROWS, Math.max(MIN_ROWS, room * 2))
    let skipped = 0
    for (let step = 1; ; step++) {
      const scan = { tenant, selection, asOfMs, endpoints: [endpoint], after: work.after, limit }
      const chunk = await this.#store.read('scanReplay', scan)
      const { kept, decided } = await sieve.sift(chunk.found, room, SIFT_MS)
      const chosen = kept.filter(({ isOvertaken }) => !isOvertaken)
      skipped += kept.length - chosen.length
      const isCut = decided < chunk.found.length
      work.after = isCut ? chunk.found[decided - 1]!.at : (chunk.after ?? work.after)
      const isLast = !isCut && chunk.after === null
      if (isLast || chosen.length > 0 || step === MAX_STEPS) return { work, chosen, skipped, isLast, tenantVersion }
      limit = MAX_ROWS
    }
  }

  /** What the part's endpoint wants. Kept for the round, so that its filter is compiled once. */
  async #wantingOf(work: Work, { version, index }: TenantMatcher): Promise<Wanting> {
    if (work.known?.version === version) return work.known.wanting
    const { tenant, endpoint: id } = work.part
    const wanting = wantingOf(index === null ? await this.#readMatchable(tenant, id) : (index.find(id) ?? null))
    work.known = { version, wanting }
    return wanting
  }

  async #readMatchable(tenant: TenantId, only: EndpointId): Promise<Matchable | null> {
    const read = await this.#store.read('readTenantConfiguration', { tenant, only, limit: 1 })
    const [endpoint] = read?.endpoints ?? []
    return endpoint === undefined ? null : toMatchable(endpoint)
  }

  /** A failing part must not hold up the others: it is retried when its claim expires. */
  async #orPutOff<Result>(work: Work, run: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await run()
    } catch (error) {
      work.after = work.stored
      if (error instanceof StoreUnavailable) throw error
      if (error instanceof StoreContended) return undefined
      work.isOver = true
      const { replay, endpoint } = work.part
      this.#log.error({ err: error, replay, endpoint }, 'replay failed; retrying')
      return undefined
    }
  }

  async #make({ work, chosen, skipped, isLast, tenantVersion }: Found): Promise<void> {
    const { tenant, replay, endpoint, partition } = work.part
    const nowMs = this.#store.now()
    const deliveries = chosen.map(({ event, type, test, replayOf }, index): Replayed => {
      const dueAtMs = nowMs + Math.floor((index * TICK_MS) / chosen.length)
      return { id: newId('dlv', nowMs), event, type, test, replayOf, dueAtMs }
    })
    const of = { tenant, replay, endpoint, partition, tenantVersion, nowMs }
    const to = { before: work.stored, after: work.after, isLast, deliveries, skipped }
    const result = await this.#store.write('makeReplayed', { ...of, ...to })
    if (result.kind === 'stale') {
      this.#forget(work)
      return
    }
    work.isOver = isLast || result.kind !== 'made'
    work.stored = work.after
    if (result.kind === 'endpoint_gone')
      this.#log.info({ replay, endpoint }, 'replay skips the deliveries of a deleted endpoint')
    if (result.kind !== 'made') return
    const made = new Set(result.deliveries)
    if (made.size > 0) work.since = deliveries[0]!.id
    if (result.isHeld) return
    work.rate = { ...work.rate, untried: work.rate.untried + made.size }
    const fresh = deliveries.filter(({ id }) => made.has(id))
    const items = fresh.map(({ id, event, type, test, dueAtMs }) => {
      const delivery = { tenant, delivery: id, endpoint, partition, event, type, test, replay: true }
      return { ...delivery, dueAtMs, attempts: 0, payload: null }
    })
    if (items.length > 0) this.#store.changes.emit({ kind: 'fresh', items })
  }

  /** The configuration changed: scans again from the saved position, with a new copy. */
  #forget(work: Work): void {
    work.after = work.stored
    const { tenant } = work.part
    const stale = this.#configuration.tenants.get(tenant)
    if (stale !== null && !(stale instanceof Promise)) this.#configuration.tenants.drop(tenant, stale)
  }

  async #cleanUp(): Promise<void> {
    const { retentionDays } = this.#settings
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#cleanedAtMs < CLEANUP_MS) return
    this.#cleanedAtMs = nowMs
    await mendParts(this.#store)
    if (retentionDays === 0) return
    const endedBeforeMs = this.#store.now() - retentionDays * DAY_MS
    const args = { endedBeforeMs, limit: DROPPED_A_COMMIT }
    while ((await this.#store.write('dropReplays', args)) === DROPPED_A_COMMIT);
    while ((await this.#store.write('dropReplayBatches', args)) === DROPPED_A_COMMIT);
  }
}
