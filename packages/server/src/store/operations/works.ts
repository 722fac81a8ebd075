/** Work that one node at a time does for all: which node is doing it, when it is due next, and how far it has got. */
import { reads, writes } from '../operation.ts'
import { type Dialect, type Transaction, text } from '../transaction.ts'

export type WorkClaim = {
  readonly name: string
  /** 16 bytes, generated each time a process starts. */
  readonly node: Uint8Array
  /** How long other nodes leave the work alone unless the claim is renewed, in milliseconds. */
  readonly claimMs: number
}

/** Whether the work is due and unclaimed. Asked before claiming, because asking writes nothing. */
export function* isWorkDue(args: { readonly name: string }, dialect: Dialect): Transaction<boolean> {
  const rows = yield {
    text: `select 1 from upkeep where name = $1 and (due_ms > ${dialect.nowMs} or until_ms > ${dialect.nowMs})`,
    params: [args.name],
  }
  return rows.length === 0
}

/** Claims the work. Returns the state it was left in, empty if never done; null if it is not due or is claimed. */
export function* claimWork({ name, node, claimMs }: WorkClaim, dialect: Dialect): Transaction<string | null> {
  const now = dialect.nowMs
  const rows = yield {
    text: `insert into upkeep (name, owner, until_ms, due_ms, state) values ($1, $2, ${now} + $3, 0, '')
           on conflict (name) do update set owner = excluded.owner, until_ms = excluded.until_ms
           where upkeep.due_ms <= ${now} and (upkeep.until_ms <= ${now} or upkeep.owner = excluded.owner)
           returning state`,
    params: [name, node, claimMs],
  }
  return rows.length === 0 ? null : text(rows[0]!.state)
}

/** Renews the claim. Returns false if another node has taken over. Without `state`, the state is kept. */
export function* renewWork(args: WorkClaim & { readonly state?: string }, dialect: Dialect): Transaction<boolean> {
  const rows = yield {
    text: `update upkeep set until_ms = ${dialect.nowMs} + $3, state = coalesce($4, state)
           where name = $1 and owner = $2 returning name`,
    params: [args.name, args.node, args.claimMs, args.state ?? null],
  }
  return rows.length > 0
}

/** Ends the work for now; it is due again in `afterMs` milliseconds. With `state` null, the state is kept. */
export function* endWork(
  args: Omit<WorkClaim, 'claimMs'> & { readonly state: string | null; readonly afterMs: number },
  dialect: Dialect,
): Transaction<void> {
  yield {
    text: `update upkeep set owner = null, until_ms = 0, due_ms = ${dialect.nowMs} + $3, state = coalesce($4, state)
           where name = $1 and owner = $2`,
    params: [args.name, args.node, args.afterMs, args.state],
  }
}

/** Makes the work due now, however long it had been postponed. */
export function* hastenWork(args: { readonly name: string }): Transaction<void> {
  yield { text: 'update upkeep set due_ms = 0 where name = $1', params: [args.name] }
}

/** Releases all claims of a process that shuts down. */
export function* leaveWorks(args: { readonly node: Uint8Array }): Transaction<void> {
  yield { text: 'update upkeep set owner = null, until_ms = 0 where owner = $1', params: [args.node] }
}

/** The state in which the work was left; null if it was never done. */
export function* readWorkState(args: { readonly name: string }): Transaction<string | null> {
  const rows = yield { text: 'select state from upkeep where name = $1', params: [args.name] }
  return rows.length === 0 ? null : text(rows[0]!.state)
}

export const workOperations = {
  isWorkDue: reads({ run: isWorkDue, waitedForBy: 'engine' }),
  readWorkState: reads({ run: readWorkState, waitedForBy: 'engine' }),
  claimWork: writes({ run: claimWork, configuration: 'ignores' }),
  renewWork: writes({ run: renewWork, configuration: 'ignores' }),
  endWork: writes({ run: endWork, configuration: 'ignores' }),
  hastenWork: writes({ run: hastenWork, configuration: 'ignores' }),
  leaveWorks: writes({ run: leaveWorks, configuration: 'ignores' }),
}
