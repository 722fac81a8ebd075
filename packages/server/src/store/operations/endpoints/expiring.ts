/** Warnings about secrets that expire (C9). */

import { DAY_MS } from '../../../base/durations.ts'
import { idText } from '../../../base/ids.ts'
import { bytes, type Dialect, int, type Transaction, text } from '../../transaction.ts'
import { type ExpiringFact, noteExpiring } from '../notices.ts'

/** Days before the expiry at which a tenant is warned, the last warning first (C9). */
const EXPIRY_DAYS = [1, 7, 30] as const

const MAX_WARNED = 200

const KINDS = [
  { secret: 'clientSecret', expires: 'secret_expires_ms', warned: 'secret_warned' },
  { secret: 'clientCertificate', expires: 'certificate_expires_ms', warned: 'certificate_warned' },
] as const satisfies readonly { secret: ExpiringFact['secret']; expires: string; warned: string }[]

/**
 * Warns of secrets that expire within 30, 7 and 1 days, once for each. If several warnings are due, only the one
 * nearest to the expiry is sent. Returns how many secrets were warned of: unless it was none, there might be more.
 */
export function* warnExpiring(args: { nowMs: number }, dialect: Dialect): Transaction<number> {
  let count = 0
  for (const { secret, expires, warned } of KINDS) {
    const { nowMs } = args
    const due = EXPIRY_DAYS.map(
      days => `(${expires} <= ${nowMs + days * DAY_MS} and (${warned} = 0 or ${warned} > ${days}))`,
    ).join(' or ')
    const rows = yield {
      text: `select e.id, e.tenant, e.${expires} as expires_ms from endpoint e
             where ${expires} > ${nowMs} and ${expires} <= ${nowMs + 30 * DAY_MS} and deleted_ms is null and (${due})
             order by e.id limit ${MAX_WARNED} ${dialect.lockEndpointRows}`,
    }
    for (const row of rows) {
      const expiresAtMs = int(row.expires_ms)
      const days = EXPIRY_DAYS.find(each => expiresAtMs <= nowMs + each * DAY_MS)!
      yield { text: `update endpoint set ${warned} = $2 where id = $1`, params: [bytes(row.id), days] }
      const of = { id: idText('ep', bytes(row.id)), tenant: text(row.tenant) }
      yield* noteExpiring(of, { secret, expiresAtMs, days }, nowMs)
    }
    count += rows.length
  }
  return count
}
