import type { Clock } from '../../src/base/clock.ts'
import { systemClock } from '../../src/base/clock.ts'
import { idBytes, newId } from '../../src/base/ids.ts'
import { createLogger } from '../../src/base/logger.ts'
import type { Checker } from '../../src/publish/checking/checker.ts'
import { Inbox, type InboxOptions } from '../../src/publish/inbox.ts'
import type { Store } from '../../src/store/store.ts'
import type { Bench } from '../services/setup.ts'
import { bytes } from '../store/builders.ts'

export type Arriving = readonly [tenant: string, type: string, payload: string, key?: string]

/** Puts an event into the inbox as publishing from SQL does. Returns its id. */
export async function arrive(
  bench: Bench,
  [tenant, type, payload, key = 'k']: Arriving,
  id = newId('evt', Date.now()),
) {
  await bench.run(
    'insert into inbox (tenant, id, type, event_key, payload, created_ms) values ($1, $2, $3, $4, $5, $6)',
    [tenant, idBytes(id), type, key, bytes(payload), 1_000],
  )
  return id
}

/** Whether the inbox has no rows, claimed ones included: a peek doesn't see those, and some can come back. */
export async function isInboxEmpty(store: Pick<Store, 'read'>): Promise<boolean> {
  const { count } = await store.read('countRows', { table: 'inbox', key: ['tenant', 'id'], limit: 1, after: null })
  return count === 0
}

export function anInbox(
  { store, publisher }: Bench,
  options: Partial<InboxOptions> = {},
  clock: Clock = systemClock,
  over: { readonly maxBodyBytes?: number; readonly checker?: Checker } = {},
) {
  const lines: Record<string, unknown>[] = []
  const { logger } = createLogger({ level: 'info', stdout: { write: line => lines.push(JSON.parse(line)) } })
  const limits = { maxDepth: 64, maxBodyBytes: 1_000, ...publisher.means, ...over }
  const inbox = new Inbox(store, publisher.configuration, clock, logger, limits, {
    lookMs: 1_000,
    maxDeliveriesAtOnce: 10,
    ...options,
  })
  return { inbox, lines }
}
