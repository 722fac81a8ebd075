import type { Dialect, Transaction } from '../transaction.ts'
import { type By, record } from './audit.ts'
import { bumpCatalogue, lockConfiguration } from './versions.ts'

/** Archives a type, or takes it back into use; what is so already stays as it is. False: there is no such type. */
export function* setArchived(
  args: { name: string; archived: boolean; nowMs: number } & By,
  dialect: Dialect,
): Transaction<boolean> {
  yield* lockConfiguration(dialect)
  const there = yield { text: 'select archived_ms from event_type where name = $1', params: [args.name] }
  if (there.length === 0) return false
  if ((there[0]!.archived_ms !== null) === args.archived) return true
  yield {
    text: 'update event_type set archived_ms = $2 where name = $1',
    params: [args.name, args.archived ? args.nowMs : null],
  }
  yield* bumpCatalogue()
  const action = args.archived ? 'archived' : 'unarchived'
  yield* record(args, { action, target: 'event_type', targetId: args.name, tenant: null }, args.nowMs)
  return true
}
