import { type Clock, systemClock } from '../../base/clock.ts'
import type { FieldError } from '../../base/errors.ts'
import type { TenantId } from '../../base/model.ts'
import { type Resolution, type Resolver, resolveTarget } from '../../guard/lookup.ts'
import type { Target, TargetPolicy } from '../../guard/target.ts'
import type { Warning } from './authentication.ts'

export type LookupOptions = {
  /** Resolves host names. Default: the system's resolver. */
  readonly resolver?: Resolver
  /** Bounds the wait for a name server. Default: the system clock. */
  readonly clock?: Clock
}

/** A name that takes longer to resolve is treated as one that doesn't resolve. */
const LOOKUP_TIMEOUT_MS = 3_000

/** C3: resolves the host name as of now, in the tenant's turn. It is resolved and checked again for each connection. */
export async function resolveHost(
  { host }: Target,
  tenant: TenantId,
  policy: TargetPolicy,
  { resolver, clock = systemClock }: LookupOptions,
): Promise<Resolution> {
  const { promise: tooLate, resolve } = Promise.withResolvers<Resolution>()
  const ending = new AbortController()
  const timer = clock.after(LOOKUP_TIMEOUT_MS, () => {
    resolve({ unresolved: true, code: 'ETIMEOUT' })
    ending.abort()
  })
  try {
    return await Promise.race([resolveTarget(host, policy, resolver, { tenant, signal: ending.signal }), tooLate])
  } finally {
    timer.cancel()
  }
}

/** The detail doesn't name the address: it could reveal something about the internal network. */
export function checkResolution(resolution: Resolution | undefined, faults: FieldError[]): void {
  if (resolution === undefined || !('refused' in resolution)) return
  const detail = `The host resolves to an address that is not public (${resolution.refused}). Use a public host.`
  faults.push({ field: '/url', detail, reason: 'address_not_public' })
}

/** A host name that doesn't resolve is accepted with a warning: it might be set up later. */
export function adviseOnHost(resolution: Resolution | undefined): Warning[] {
  if (resolution === undefined || !('unresolved' in resolution)) return []
  const detail = 'The host name does not resolve at the moment. Attempts will fail until it does.'
  return [{ code: 'host_unresolved', detail }]
}
