/** Checks whether a receiver can be reached on the same path as deliveries: guard, name server, proxy, TLS. */
import { type AttemptError, OPERATOR_TENANT } from '../../base/model.ts'
import type { Connections } from './connections.ts'
import { failureOf } from './outcome.ts'

export type Reachability =
  | { readonly ok: true; readonly address: string | null; readonly status: number; readonly date: string | null }
  | { readonly ok: false; readonly address: string | null; readonly error: AttemptError; readonly why: string }

/** Sends `HEAD /`, which does no harm. Never throws: a failure is a value. */
export async function checkReachability(
  origin: string,
  connections: Connections,
  timeoutMs: number,
): Promise<Reachability> {
  const connection = connections.acquire({ origin, tenant: OPERATOR_TENANT, identity: null })
  connection.gate.begin()
  try {
    const signal = AbortSignal.timeout(timeoutMs)
    const { statusCode, headers, body } = await connection.client.request({ method: 'HEAD', path: '/', signal })
    await body.dump()
    const date = typeof headers.date === 'string' ? headers.date : null
    return { ok: true, address: connection.address, status: statusCode, date }
  } catch (error) {
    const failure = failureOf(error, connection.isConnected, connection.isReady)
    return { ok: false, address: connection.address, error: failure, why: (error as Error).message }
  } finally {
    connections.release(connection, false)
  }
}
