/** Work that one node does for all, once in a while: who is at it, when it is due again, and how far it has come. */
import { reads, writes } from '../operation.ts'
import { type Dialect, type Transaction, text } from '../transaction.ts'

export type WorkClaim = {
  readonly name: string
  /** 16 bytes, made at each start of a process. */
  readonly node: Uint8Array
  /** How long nobody else takes it up unless it is renewed, milliseconds. */
  readonly claimMs: number
}

/** Whether it is due and nobody is at it: asked before it is claimed, since asking writes nothing. */
export function* isWorkDue(args: { readonly name: string }, dialect: Dialect): Transaction<boolean> {
  const rows = yield {
    text: `select 1 from upkeep where name = $1 and (due_ms > ${dialect.nowMs} or until_ms > ${dialect.nowMs})`,
    params: [args.name],
  }
  return rows.length === 0
}

/** What it was left with, if it is due and nobody is at it; empty: it was never done. null: not now. */
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

/** Goes on; false: it took so long that somebody else is at it. `state` left out: as it was. */
export function* renewWork(args: WorkClaim & { readonly state?: string }, dialect: Dialect): Transaction<boolean> {
  const rows = yield {
    text: `update upkeep set until_ms = ${dialect.nowMs} + $3, state = coalesce($4, state)
           where name = $1 and owner = $2 returning name`,
    params: [args.name, args.node, args.claimMs, args.state ?? null],
  }
  return rows.length > 0
}

/** It is over for now, and due again in so many milliseconds. `state` null: as it was. */
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

/** Whatever it was put off to, it is due now. */
export function* hastenWork(args: { readonly name: string }): Transaction<void> {
  yield { text: 'update upkeep set due_ms = 0 where name = $1', params: [args.name] }
}

/** Nothing is claimed by a process that has ended on its own. */
export function* leaveWorks(args: { readonly node: Uint8Array }): Transaction<void> {
  yield { text: 'update upkeep set owner = null, until_ms = 0 where owner = $1', params: [args.node] }
}

/** What a kind of work was left with; null: it was never done. */
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
