/** The consistency check: the result of the nodes' last one, or of one that runs now. */

import { BookCheck, parseCheckState } from '../../background/books.ts'
import { DAY_MS } from '../../base/durations.ts'
import { type Finding, fail, ok, warn } from '../../base/findings.ts'
import type { Config } from '../../config/config.ts'
import type { Mismatch } from '../../store/operations/books.ts'
import { copyOf, onStore } from './commands.ts'
import type { CheckedStore, Installation } from './installation.ts'

const SHOWN = 5
/** The check runs once a day. */
const LATE_DAYS = 3

const REMEDY =
  'make a backup now, look up the ids in the API and the log, and report it: this is a fault in Posthorn or in the store'

export async function checkBooks({ store, config, isFull }: Installation): Promise<Finding[]> {
  if (isFull) return auditNow(store, config)
  const { count, some } = await store.read('listMismatches', { limit: SHOWN })
  if (count > 0) return broken(count, some, config)
  const state = parseCheckState(await store.read('readWorkState', { name: 'books' }))
  if (state === null) return [ok('consistency', 'not checked yet: serve checks once a day, doctor --full checks now')]
  const ageMs = store.now() - (state.endedAtMs ?? state.beganAtMs)
  if (ageMs > LATE_DAYS * DAY_MS) {
    const says = `not checked for ${Math.floor(ageMs / DAY_MS)} days`
    const remedy = 'start serve, or check now with posthorn doctor --full'
    return [warn('consistency', says, remedy, onStore(['doctor', '--full'], config))]
  }
  const when = state.endedAtMs === null ? 'check in progress' : `checked ${new Date(state.endedAtMs).toISOString()}`
  return [ok('consistency', `no mismatches (${when}, ${state.looked} rows)`)]
}

function broken(count: number, some: readonly Mismatch[], config: Config): Finding[] {
  const lines = some.map(({ kind, tenant, id, detail }) =>
    fail('consistency', `${kind} ${id} of ${tenant}: ${detail}`, REMEDY, copyOf(config)),
  )
  return [fail('consistency', `${count} mismatches; some of them follow`, REMEDY, copyOf(config)), ...lines]
}

async function auditNow(store: CheckedStore, config: Config): Promise<Finding[]> {
  const found: Mismatch[] = []
  const sink = { found: async (mismatches: readonly Mismatch[]) => void found.push(...mismatches) }
  const audit = new BookCheck(store, config, { step: work => work() }, sink)
  let rows = 0
  for (let after = ''; ; ) {
    const next = await audit.next(after)
    if (next === null) break
    after = next.tenant
    rows += await audit.tenant(next.tenant, next.retention)
  }
  return found.length > 0
    ? broken(found.length, found.slice(0, SHOWN), config)
    : [ok('consistency', `no mismatches (checked now, ${rows} rows)`)]
}
