/**
 * Positions in a stream (decision 47). A snapshot is what was committed at a moment: all transactions before `next`,
 * except those in `open`. On SQLite it is the number of the next row of the log.
 */

export type Snapshot = { readonly next: number; readonly open: readonly number[] }

/** A position within the difference of two snapshots: how far the log was read. */
export type Within = {
  readonly to: Snapshot
  /** The last row of the log that was begun. */
  readonly row: number
  /** The items of this row that were read. */
  readonly items: number
}

export type Position = {
  /** See stream-state.ts. Positions of another epoch can't be continued. */
  readonly epoch: string
  readonly from: Snapshot
  /** Null: everything up to `from` was read, and nothing else. */
  readonly within: Within | null
}

/** Longer than any position: PostgreSQL can have some thousand open transactions. */
const MAX_CHARACTERS = 16_384
const SNAPSHOT = /^(\d{1,16})(?::(\d{1,16}(?:,\d{1,16})*))?$/
const NUMBER = /^\d{1,15}$/
const EPOCH = /^[0-9a-z]{1,32}$/

export const toSnapshot = (text: string): Snapshot => {
  const snapshot = parseSnapshot(text)
  if (snapshot === undefined) throw new Error(`not a snapshot: ${text}`)
  return snapshot
}

export function parseSnapshot(text: string): Snapshot | undefined {
  const match = SNAPSHOT.exec(text)
  if (match === null) return undefined
  const next = Number(match[1])
  const open = match[2] === undefined ? [] : match[2].split(',').map(Number)
  const isSound = [next, ...open].every(Number.isSafeInteger) && open.every(txid => txid < next)
  return isSound ? { next, open } : undefined
}

export const writeSnapshot = ({ next, open }: Snapshot): string =>
  open.length === 0 ? `${next}` : `${next}:${open.join(',')}`

export function writePosition({ epoch, from, within }: Position): string {
  const begin = `${epoch}.${writeSnapshot(from)}`
  return within === null ? begin : `${begin}.${writeSnapshot(within.to)}.${within.row}.${within.items}`
}

/** Undefined for anything that `writePosition` doesn't write. */
export function parsePosition(text: string): Position | undefined {
  if (text.length > MAX_CHARACTERS) return undefined
  const parts = text.split('.')
  const [epoch, first, second, row, items] = parts
  if (epoch === undefined || first === undefined || !EPOCH.test(epoch)) return undefined
  const from = parseSnapshot(first)
  if (from === undefined) return undefined
  if (parts.length === 2) return { epoch, from, within: null }
  if (parts.length !== 5 || !NUMBER.test(row!) || !NUMBER.test(items!)) return undefined
  const to = parseSnapshot(second!)
  return to === undefined ? undefined : { epoch, from, within: { to, row: Number(row), items: Number(items) } }
}

/** Whether everything that is in `earlier` is in `later` too. */
export const includes = (later: Snapshot, earlier: Snapshot): boolean =>
  later.next >= earlier.next && later.open.every(txid => txid >= earlier.next || earlier.open.includes(txid))

export const isSameSnapshot = (a: Snapshot, b: Snapshot): boolean =>
  a.next === b.next && a.open.length === b.open.length && a.open.every(txid => b.open.includes(txid))
