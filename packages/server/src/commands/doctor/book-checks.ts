/** Do the books balance? By the audits of the nodes, or by one that is made now. */

import { BookCheck, parseCheckState } from '../../background/books.ts'
import { DAY_MS } from '../../base/durations.ts'
import type { Config } from '../../config/config.ts'
import type { Mismatch } from '../../store/operations/books.ts'
import { type Finding, fail, ok, warn } from './findings.ts'
import type { LookedAt } from './looked-at.ts'

const SHOWN = 5
/** They are made once a day. */
const LATE_DAYS = 3

const REMEDY =
  'look the ids up in the API and in the log, and keep a backup as it is now: this is a fault of Posthorn or of the store'

export async function checkBooks(looked: LookedAt, config: Config, isFull: boolean): Promise<Finding[]> {
  if (isFull) return auditNow(looked, config)
  const { count, some } = await looked.read('listMismatches', { limit: SHOWN })
  if (count > 0) return broken(count, some)
  const state = parseCheckState(await looked.read('readWorkState', { name: 'books' }))
  if (state === null) return [ok('books', 'not audited yet: serve does it once a day; --full does it now')]
  const ageMs = looked.now() - (state.endedAtMs ?? state.beganAtMs)
  if (ageMs > LATE_DAYS * DAY_MS) {
    const says = `they were not audited for ${Math.floor(ageMs / DAY_MS)} days`
    return [warn('books', says, 'start serve, or audit them now with --full')]
  }
  const when = state.endedAtMs === null ? 'an audit is under way' : `audited ${new Date(state.endedAtMs).toISOString()}`
  return [ok('books', `they balance (${when}, ${state.looked} rows)`)]
}

function broken(count: number, some: readonly Mismatch[]): Finding[] {
  const lines = some.map(({ kind, tenant, id, detail }) =>
    fail('books', `${kind} ${id} of ${tenant}: ${detail}`, REMEDY),
  )
  return [fail('books', `${count} things do not add up; these are some of them`, REMEDY), ...lines]
}

async function auditNow(looked: LookedAt, config: Config): Promise<Finding[]> {
  const found: Mismatch[] = []
  const sink = { found: async (mismatches: readonly Mismatch[]) => void found.push(...mismatches) }
  const audit = new BookCheck(looked, config, { step: work => work() }, sink)
  let rows = 0
  for (let after = ''; ; ) {
    const next = await audit.next(after)
    if (next === null) break
    after = next.tenant
    rows += await audit.tenant(next.tenant, next.retention)
  }
  return found.length > 0
    ? broken(found.length, found.slice(0, SHOWN))
    : [ok('books', `they balance (${rows} rows, now)`)]
}
