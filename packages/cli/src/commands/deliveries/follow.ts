/**
 * `posthorn deliveries --follow`: each change of a delivery, as it happens, until Ctrl-C.
 *
 * The stream continues by itself after a lost connection, where it was. If it can't, since the server doesn't remember
 * that position any longer, it begins with a `reset`: what happened in between is then read from the list. So nothing is
 * missing, and `Shown` sees to it that nothing is shown twice.
 */
import type { Delivery, PosthornError, StreamRecord } from '@posthorn/client'
import type { ServerRun } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { Problem } from '../../problem.ts'
import { formatDuration } from '../../terminal/index.ts'
import { readPeriod } from '../../times/period.ts'
import { hintAtTenant } from '../scope.ts'
import { counted } from '../values.ts'
import { createMatch, type FilterFlags } from './filters.ts'
import { lineOf } from './line.ts'
import { OpenDeliveries } from './open.ts'
import { Shown } from './shown.ts'

type Flags = FilterFlags & { readonly after?: string }

/** A change that took place before the connection was noticed to be lost can come this much later. */
const SLACK_MS = 60_000
/** A change that took place before the beginning can be committed this much later. */
const COMMIT_MS = 1_000
const PAGE = 500
/** Held deliveries that are looked at for the oldest one. There is no other way to find it. */
const MOST_HELD = 10_000

export async function follow(run: ServerRun, flags: Flags, tenant: string | null): Promise<void> {
  const { out, terminal, posthorn } = run
  const matches = createMatch(flags)
  const period = readPeriod(flags, terminal)
  if (period.to !== undefined) throw new Problem('--follow has no end. Leave out --until, or --follow.', EXIT.usage)
  if (period.from !== undefined && flags.after !== undefined) {
    throw new Problem('Use either --since or --after: both say where to begin.', EXIT.usage)
  }
  const follower = new Follower(run, tenant, flags, matches)
  let isLeft = false
  const leave = new AbortController()
  const release = terminal.onInterrupt(() => {
    isLeft = true
    leave.abort()
  })
  try {
    // The stream tries for ever. A server or a key that can't be used is noticed here.
    await follower.prepare()
    if (period.words !== null) out.note(`Deliveries ${period.words}, then as they change. Ctrl-C ends it.`)
    else if (terminal.isTty) out.note('Each change of a delivery, from now on. Ctrl-C ends it.')
    const query = { kind: 'delivery', type: flags.type, endpoint: flags.endpoint } as const
    const options = { after: flags.after, signal: leave.signal, onConnection: follower.onConnection }
    const records =
      tenant === null ? posthorn.stream.read(query, options) : posthorn.stream.readTenant(tenant, query, options)
    await follower.follow(records, period.from, leave)
  } catch (error) {
    if (!isLeft) throw tenant === null ? hintAtTenant(error) : error
  } finally {
    release()
  }
  run.exitCode = EXIT.signal + 2
  if (follower.position !== undefined) {
    out.note(`Continue within two minutes, without a gap, with the same command and: --after ${follower.position}`)
  }
}

class Follower {
  /** Where to continue. Undefined before the first record. */
  position: string | undefined
  readonly #run: ServerRun
  readonly #tenant: string | null
  readonly #flags: Flags
  readonly #matches: (delivery: Delivery) => boolean
  readonly #shown = new Shown()
  readonly #open: OpenDeliveries
  /** Since when there has been no connection, by the wall clock. Null while there is one. */
  #lostAtMs: number | null = null
  #opened = Promise.withResolvers<void>()
  #connections = 0
  /** When the oldest delivery that could still change was created, as of the beginning. Undefined: it isn't known. */
  #oldest: Date | undefined
  /** When it began, by the server's clock. */
  #startedMs = 0

  constructor(run: ServerRun, tenant: string | null, flags: Flags, matches: (delivery: Delivery) => boolean) {
    this.#run = run
    this.#tenant = tenant
    this.#flags = flags
    this.#matches = matches
    this.#open = new OpenDeliveries(run.posthorn, tenant, { type: flags.type, endpoint: flags.endpoint })
  }

  /** Says once that the connection is lost, however often opening it fails. */
  readonly onConnection = (isOpen: boolean, error?: PosthornError): void => {
    const { out, terminal, url } = this.#run
    const nowMs = terminal.clock.now()
    if (isOpen) {
      this.#connections++
      this.#opened.resolve()
      if (this.#lostAtMs !== null)
        out.note(`Connected to ${url} again, after ${formatDuration(nowMs - this.#lostAtMs)}.`)
      this.#lostAtMs = null
    } else if (this.#lostAtMs === null) {
      // A server ends a stream in good order at its shutdown, and is asked again immediately.
      this.#lostAtMs = nowMs
      if (error !== undefined) out.note(`There is no connection to ${url}. Trying until there is one.`)
    }
  }

  /** @param since when given, what the list has from then on comes first */
  async follow(
    records: AsyncGenerator<StreamRecord, void>,
    since: Date | undefined,
    stop: AbortController,
  ): Promise<void> {
    // Read on while the list is read: the server cuts off readers that don't.
    const waiting: StreamRecord[] = []
    let isCatchingUp = true
    const catchUp = this.#begin(since, stop.signal).then(async () => {
      for (let record = waiting.shift(); record !== undefined; record = waiting.shift()) await this.#take(record)
      isCatchingUp = false
    })
    // Ends the stream with this error, as the next record can be far away.
    catchUp.catch(error => stop.abort(error))
    for await (const record of records) {
      if (isCatchingUp && record.kind !== 'reset') {
        waiting.push(record)
      } else {
        await catchUp
        await this.#take(record)
      }
    }
  }

  async #begin(since: Date | undefined, signal: AbortSignal): Promise<void> {
    await Promise.race([this.#opened.promise, aborted(signal)])
    if (signal.aborted) return
    // After the stream is open, lest something that is created in between is missing.
    await this.#open.read()
    if (since !== undefined) await this.#showAll(await this.#list(since))
  }

  async #take(record: StreamRecord): Promise<void> {
    this.position = record.position
    if (record.kind === 'delivery') {
      this.#open.note(record.data)
      await this.#show(record.data)
    }
    if (record.kind === 'reset') await this.#fillGap(record.data.reason)
  }

  /** Shows what changed since the last record, by the list. */
  async #fillGap(reason: string): Promise<void> {
    const { out } = this.#run
    if (this.#flags.after !== undefined && this.#shown.latestMs === undefined) {
      out.note(
        `The position ${this.#flags.after} cannot be continued (${reason}), so this begins now. For what was before, use ` +
          '--since instead of --after.',
      )
      // There is no gap yet.
      if (this.#connections === 1) return
    }
    const since = Math.max(this.#startedMs - COMMIT_MS, (this.#shown.latestMs ?? 0) - SLACK_MS)
    // A delivery that was held has no time of it. Those that were shown are compared with what was shown.
    const changed = ({ id, createdAt, endedAt, lastAttempt }: Delivery) =>
      this.#shown.has(id) ||
      [createdAt, endedAt, lastAttempt?.at].some(at => at !== null && at !== undefined && Date.parse(at) >= since)
    const count = await this.#showAll((await this.#readSince(new Date(since))).filter(changed))
    out.note(
      `The stream could not be continued where it was (${reason}), so ${counted(count, 'change')} in between ` +
        `${count === 1 ? 'was' : 'were'} read from the list.`,
    )
  }

  /** The deliveries that were created or could have changed since then, the oldest first. */
  async #readSince(since: Date): Promise<Delivery[]> {
    if (!this.#open.isComplete) {
      return this.#list(new Date(Math.min(since.getTime(), this.#oldest?.getTime() ?? since.getTime())))
    }
    const older = await this.#open.before(since)
    older.sort((a, b) => a.createdAt.localeCompare(b.createdAt))
    return [...older, ...(await this.#list(since))]
  }

  /** Deliveries of the list, the oldest first. */
  async #list(from: Date): Promise<Delivery[]> {
    const { deliveries } = this.#run.posthorn
    const query = { type: this.#flags.type, endpoint: this.#flags.endpoint, from, limit: PAGE }
    const list = this.#tenant === null ? deliveries.listAll(query) : deliveries.list(this.#tenant, query)
    const found: Delivery[] = []
    for await (const delivery of list) found.push(delivery)
    return found.reverse()
  }

  /** Returns how many were shown. */
  async #showAll(found: readonly Delivery[]): Promise<number> {
    let count = 0
    for (const delivery of found) {
      this.#open.note(delivery)
      if (await this.#show(delivery)) count++
    }
    return count
  }

  /** Finds the oldest delivery that can change: what is pending or held now was created then or later. */
  async prepare(): Promise<void> {
    const { posthorn } = this.#run
    const overview = await (this.#tenant === null ? posthorn.overview.getAll() : posthorn.overview.get(this.#tenant))
    this.#startedMs = Date.parse(overview.at)
    const times = [overview.backlog?.oldestCreatedAt ?? null]
    if (overview.held !== 0) {
      const query = { state: 'held', limit: 1_000 } as const
      const { deliveries } = posthorn
      const list = this.#tenant === null ? deliveries.listAll(query) : deliveries.list(this.#tenant, query)
      let count = 0
      for await (const { createdAt } of list) {
        times[1] = createdAt
        if (++count === MOST_HELD) break
      }
    }
    const known = times.flatMap(at => (at === null || at === undefined ? [] : [Date.parse(at)]))
    this.#oldest = known.length === 0 ? undefined : new Date(Math.min(...known))
  }

  /** Whether it was shown: not if it was before, or isn't asked for. */
  async #show(delivery: Delivery): Promise<boolean> {
    if (!this.#shown.isNew(delivery) || !this.#matches(delivery)) return false
    const { out, terminal } = this.#run
    if (out.isJson) await out.json(delivery)
    else
      await out.say(
        lineOf(delivery, this.#run, {
          nowMs: terminal.clock.now(),
          isUtc: this.#flags.utc === true,
          tenant: this.#tenant,
        }),
      )
    return true
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
