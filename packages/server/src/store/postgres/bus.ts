/**
 * Messages between nodes by LISTEN and NOTIFY, on a connection of its own: they only make things sooner, and may get
 * lost. Notifying takes a lock across the whole database at its commit, so it is done apart from all other work.
 */
import pg from 'pg'
import type { Clock, Timer } from '../../clock.ts'
import type { Bus } from '../bus.ts'

const CHANNEL = 'posthorn'
/** Between two tries to connect again. */
const PAUSE_MS = 500

export function openPostgresBus(url: string, clock: Clock): Bus {
  let handle: (message: string) => void = () => {}
  let client: pg.Client | undefined
  let again: Timer | undefined
  let isClosed = false

  const lose = (lost: pg.Client) => {
    if (client === lost) client = undefined
    lost.removeAllListeners('notification')
    lost.end().catch(() => {})
    if (isClosed) return
    again?.cancel()
    again = clock.after(PAUSE_MS, () => void connect())
  }

  async function connect(): Promise<void> {
    const next = new pg.Client({ connectionString: url, application_name: 'posthorn bus' })
    next.on('error', () => lose(next))
    next.on('end', () => client === next && lose(next))
    next.on('notification', ({ payload }) => handle(payload ?? ''))
    try {
      await next.connect()
      await next.query(`listen ${CHANNEL}`)
      if (isClosed) await next.end()
      else client = next
    } catch {
      lose(next)
    }
  }

  return {
    async open(handler) {
      handle = handler
      await connect()
    },
    async send(message) {
      await client?.query('select pg_notify($1, $2)', [CHANNEL, message]).catch(() => {})
    },
    async close() {
      isClosed = true
      again?.cancel()
      await client?.end().catch(() => {})
    },
  }
}
