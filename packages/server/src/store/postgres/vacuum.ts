import pg from 'pg'
import { StoreUnavailable } from '../transaction.ts'
import { connectionOptions } from './connection.ts'
import type { ConnectionPool } from './connection-pool.ts'
import { ask } from './query.ts'
import { noteVersion, sessionWithoutWholeTimeout } from './whole-timeout.ts'

const TIMEOUT_MS = 600_000

/** Tables whose rows are deleted for good. */
const SCRUBBED = [
  'event',
  'delivery',
  'attempt',
  'live_delivery',
  'inbox',
  'idempotency',
  'idempotent_call',
  'endpoint',
  'endpoint_request',
  'tenant',
  'api_key',
]

const STATEMENT = `vacuum (skip_locked) ${SCRUBBED.map(table => `posthorn.${table}`).join(', ')}`

/** What it relies on. It can't be set in a transaction, because a vacuum can't run in one. */
const SETTINGS = { statement_timeout: String(TIMEOUT_MS), lock_timeout: '0' }

/**
 * Vacuums, so that deleted rows don't stay in the files until the server's own vacuum, and skips tables that are locked
 * at the time. Runs on a connection of its own, so that a timeout of the role doesn't end it each time it is tried. A
 * pooler that refuses startup parameters leaves the role's settings in effect. Throws StoreUnavailable.
 */
export async function vacuum(url: string, pool: ConnectionPool): Promise<boolean> {
  try {
    const client = new pg.Client(connectionOptions(url, SETTINGS))
    noteVersion(client)
    client.on('error', () => {})
    const isOwn = await client.connect().then(
      () => true,
      () => false,
    )
    try {
      const settings = sessionWithoutWholeTimeout(client)
      if (isOwn && settings !== '') await ask(client, { text: settings }, TIMEOUT_MS)
      if (isOwn) await ask(client, { text: STATEMENT }, TIMEOUT_MS)
    } finally {
      await client.end().catch(() => {})
    }
    if (!isOwn) await vacuumOn(pool)
    return true
  } catch (error) {
    throw new StoreUnavailable('The database could not be vacuumed', { cause: error })
  }
}

async function vacuumOn(pool: ConnectionPool): Promise<void> {
  const client = await pool.connect()
  let isSound = false
  try {
    await ask(client, { text: STATEMENT }, TIMEOUT_MS)
    isSound = true
  } finally {
    client.giveBack(isSound)
  }
}
