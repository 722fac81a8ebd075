/** Where an export that was cut off can be continued: found in its file. */
import { createReadStream } from 'node:fs'
import { headOf, linesOf } from './lines.ts'

/** Number of lines, by kind. */
export type Counts = Record<string, number>

/** A tenant's part of a file that isn't complete. */
export type OpenSection = {
  readonly tenant: string
  /** As of when it is. What was created later is in none of its lines. */
  readonly at: string
  /** Where it begins in the file, for when all of it is to be left out. */
  readonly start: { readonly offset: number; readonly lines: number }
  /** The last event or delivery before `offset`. Null: the section has to begin again. */
  readonly after: string | null
  /** Of the lines before `offset`. */
  readonly counts: Counts
}

export type Position = {
  /** The bytes of the file that stay, in front of what is still missing. */
  readonly offset: number
  /** The tenants whose part is complete. */
  readonly complete: ReadonlySet<string>
  readonly open: OpenSection | null
  /** Whether the whole file is complete. */
  readonly isComplete: boolean
  /** Number of lines before `offset`. */
  readonly lines: number
}

/** The kinds of lines that are in no tenant's part. */
const OUTSIDE: readonly string[] = ['event_type', 'export', 'end_of_export']

const START: Position = { offset: 0, complete: new Set(), open: null, isComplete: false, lines: 0 }

/**
 * Reads a file as `posthorn export` writes it. Its lines come in the order of the API: the tenant, its endpoints and
 * notifications, its events, then pages of deliveries, each page followed by its attempts. So it can be continued behind
 * any event, and behind the last delivery of a page, which is one that an attempt and then another delivery follow.
 *
 * @param isOfAll whether it is to be of all tenants: one that is complete for one tenant isn't complete then
 * @throws NotAnExport if it is no such file
 */
export async function findPosition(file: string, isOfAll: boolean): Promise<Position> {
  const complete = new Set<string>()
  let section: Pick<OpenSection, 'tenant' | 'at' | 'start'> | null = null
  let safe = START
  let [offset, lines, isComplete] = [0, 0, false]
  let counts: Counts = {}
  let lastDelivery: string | null = null
  let isBehindAttempt = false
  for await (const line of linesOf(createReadStream(file))) {
    const head = headOf(line)
    if (head === null) throw new NotAnExport(offset)
    const { kind, id } = head
    // A later version can have other kinds within a part. Other files can have lines with a kind, too.
    const isOutside = lines === 0 ? kind === 'event_type' || kind === 'export' : OUTSIDE.includes(kind)
    if (section === null && !isOutside) throw new NotAnExport(offset)
    if (kind === 'export') {
      const { tenant, at } = parse(line, offset)
      if (typeof tenant !== 'string' || typeof at !== 'string') throw new NotAnExport(offset)
      section = { tenant, at, start: { offset, lines } }
      safe = { offset, complete, open: null, isComplete: false, lines }
      ;[counts, lastDelivery, isBehindAttempt] = [{}, null, false]
    } else if (kind === 'end_of_export') {
      isComplete = parse(line, offset).allTenants === true || !isOfAll
    } else if (section !== null) {
      if (kind === 'delivery' && isBehindAttempt) {
        const open = { ...section, after: lastDelivery, counts: { ...counts } }
        safe = { offset, complete, open, isComplete: false, lines }
      }
      if (kind !== 'end') counts[kind] = (counts[kind] ?? 0) + 1
      if (kind === 'delivery') lastDelivery = id
      isBehindAttempt = kind === 'attempt'
    }
    offset += line.length
    lines++
    if (kind === 'event' && section !== null) {
      const open = { ...section, after: id, counts: { ...counts } }
      safe = { offset, complete, open, isComplete: false, lines }
    } else if (kind === 'end' && section !== null) {
      complete.add(section.tenant)
      section = null
      safe = { offset, complete, open: null, isComplete: false, lines }
    }
  }
  return isComplete ? { offset, complete, open: null, isComplete, lines } : safe
}

function parse(line: Buffer, offset: number): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(line.toString('utf8')) as Record<string, unknown>
  } catch {
    throw new NotAnExport(offset)
  }
}

/** The file is something else, and must not be written to. */
export class NotAnExport extends Error {
  constructor(offset: number) {
    super(`No line of an export at byte ${offset}.`)
  }
}
