import type pg from 'pg'

/** The first version with `transaction_timeout`. */
const VERSION = 17

const known = new WeakSet<pg.ClientBase>()

/** The driver's own connection, which names each message of the server. */
type Messages = { on(event: 'parameterStatus', listener: (status: Status) => void): unknown }
type Status = { readonly parameterName: string; readonly parameterValue: string }

/**
 * Notes whether the server knows `transaction_timeout`, from the version that it tells each new connection: a setting
 * that a server doesn't know can't be set, and to ask first can take longer than the timeout. Call it before connecting.
 */
export function noteVersion(client: pg.ClientBase): void {
  const { connection } = client as unknown as { readonly connection: Messages }
  connection.on('parameterStatus', ({ parameterName, parameterValue }) => {
    if (parameterName === 'server_version' && Number.parseInt(parameterValue, 10) >= VERSION) known.add(client)
  })
}

/**
 * Goes right after each begin, in the same message: the steps of a transaction have timeouts of their own. A role's
 * timeout for whole transactions can be over by the next round trip.
 */
export const noWholeTimeout = (client: pg.ClientBase): string =>
  known.has(client) ? 'set local transaction_timeout = 0;' : ''

/** The same for all that a session does afterwards. */
export const sessionWithoutWholeTimeout = (client: pg.ClientBase): string =>
  known.has(client) ? 'set transaction_timeout = 0' : ''
