/** Whether an endpoint has failed for so long that it is warned of, or disabled (C11); and whose secrets expire (C9). */
import { DAY_MS } from '../../base/durations.ts'
import { idBytes, idText } from '../../base/ids.ts'
import {
  type EndpointId,
  FAILING_RECENTLY_MS,
  FAILING_STAGES,
  failingStepMs,
  SYSTEM,
  type TenantId,
} from '../../base/model.ts'
import { bytes, type Dialect, int, type Transaction, text } from '../transaction.ts'
import { record } from './audit.ts'
import { getEndpoint } from './configuration.ts'
import { type ExpiringFact, noteDisabled, noteExpiring, noteFailing } from './notices.ts'
import { bumpTenant, lockConfiguration } from './versions.ts'

export type FailingClaim = {
  readonly tenant: TenantId
  readonly endpoint: EndpointId
  /** When the last failure that is known ended. */
  readonly lastFailureMs: number
  readonly nowMs: number
  /** After so long without a success it is disabled, milliseconds; 0: never. */
  readonly disableAfterMs: number
}

/** `failing`: it goes on; since when, and how many warnings were given. `well`: the store knows of no run. */
export type FailingJudgement =
  | { readonly kind: 'well' | 'disabled' }
  | { readonly kind: 'failing'; readonly sinceMs: number; readonly stage: number; readonly isWarned: boolean }

/** Warns, or disables. What it finds in the store decides, so that two who ask do it once. */
export function* judgeFailing(args: FailingClaim, dialect: Dialect): Transaction<FailingJudgement> {
  yield* lockConfiguration(dialect)
  const { tenant, nowMs, lastFailureMs, disableAfterMs } = args
  const endpoint = yield* getEndpoint({ tenant, id: args.endpoint })
  const sinceMs = endpoint?.health.failingSinceMs ?? null
  if (endpoint === null || endpoint.state === 'disabled' || sinceMs === null) return { kind: 'well' }
  const { stage } = endpoint.health
  const ageMs = nowMs - sinceMs
  const isRecent = nowMs - lastFailureMs <= FAILING_RECENTLY_MS
  if (isRecent && disableAfterMs > 0 && ageMs >= disableAfterMs) {
    yield {
      text: `update endpoint set state = 'disabled', disabled_reason = 'failing',
               updated_ms = case when updated_ms < $2 then $2 else updated_ms + 1 end
             where id = $1`,
      params: [idBytes(endpoint.id), nowMs],
    }
    yield* bumpTenant(tenant, idBytes(endpoint.id))
    yield* record({ by: SYSTEM }, { action: 'disabled', target: 'endpoint', targetId: endpoint.id, tenant }, nowMs)
    yield* noteDisabled(endpoint, nowMs, 'failing')
    return { kind: 'disabled' }
  }
  const reached = FAILING_STAGES.filter((_, index) => ageMs >= failingStepMs(index, disableAfterMs)).length
  if (!isRecent || reached <= stage) return { kind: 'failing', sinceMs, stage, isWarned: false }
  yield {
    text: 'update endpoint set failing_stage = $2 where id = $1',
    params: [idBytes(endpoint.id), reached],
  }
  const days = failingStepMs(reached - 1, disableAfterMs) / DAY_MS
  const disablesAtMs = disableAfterMs === 0 ? null : sinceMs + disableAfterMs
  yield* noteFailing(endpoint, { sinceMs, lastFailureMs, stage: reached, days, disablesAtMs }, nowMs)
  return { kind: 'failing', sinceMs, stage: reached, isWarned: true }
}

// Secrets that expire

/** Days before the end at which a tenant is warned, the last first (C9). */
const EXPIRY_DAYS = [1, 7, 30] as const
const MAX_WARNED = 200

const KINDS = [
  { secret: 'clientSecret', expires: 'secret_expires_ms', warned: 'secret_warned' },
  { secret: 'clientCertificate', expires: 'certificate_expires_ms', warned: 'certificate_warned' },
] as const satisfies readonly { secret: ExpiringFact['secret']; expires: string; warned: string }[]

/**
 * Warns of secrets that expire within 30, 7 and 1 days, each time once; who is late is told the nearest alone. Answers
 * how many were warned of: more may be left if any were.
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
