/** Checks whether a receiver can be reached on the same path as deliveries: guard, name server, proxy, TLS. */
import { errorOf, sentenceOf } from '../../base/attempt-details.ts'
import type { Clock } from '../../base/clock.ts'
import type { AttemptError } from '../../base/model.ts'
import { OPERATOR_TENANT } from '../../base/tenant.ts'
import type { RequestHandler } from '../http/client.ts'
import type { Head } from '../http/head.ts'
import type { Connections } from './connections.ts'
import { reasonOf } from './reasons.ts'

export type Reachability =
  | { readonly ok: true; readonly address: string | null; readonly status: number; readonly date: string | null }
  | { readonly ok: false; readonly address: string | null; readonly error: AttemptError; readonly why: string }

const NO_BODY = new Uint8Array(0)

/** Sends `HEAD /`, which does no harm. Never throws: a failure is a value. */
export function checkReachability(
  origin: string,
  connections: Connections,
  clock: Clock,
  timeoutMs: number,
): Promise<Reachability> {
  const { promise, resolve } = Promise.withResolvers<Reachability>()
  const connection = connections.open({ origin, tenant: OPERATOR_TENANT, identity: null })
  const end = (result: Reachability) => {
    timer.cancel()
    connections.release(connection, false)
    resolve(result)
  }
  const fail = (error: AttemptError, why: string) => end({ ok: false, address: connection.client.address, error, why })
  const timer = clock.after(timeoutMs, () => fail('response_timeout', 'no status arrived in time'))
  const handler: RequestHandler = {
    onBegin: () => true,
    onHead: ({ status, headers }: Head) => {
      const date = headers.findIndex((name, at) => at % 2 === 0 && name.toLowerCase() === 'date')
      end({ ok: true, address: connection.client.address, status, date: date < 0 ? null : headers[date + 1]! })
      return false
    },
    onBody: () => false,
    onEnd: () => {},
    onFailed: failure => {
      const detail = reasonOf(failure, false)
      fail(errorOf(detail.code), sentenceOf(detail))
    },
  }
  connection.client.send({ method: 'HEAD', path: '/', headers: [], body: NO_BODY }, handler)
  return promise
}
