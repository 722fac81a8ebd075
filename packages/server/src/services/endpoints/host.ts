import { type Clock, systemClock } from '../../base/clock.ts'
import type { FieldError } from '../../base/errors.ts'
import type { TenantId } from '../../base/model.ts'
import { type Resolution, type Resolver, resolveTarget } from '../../guard/lookup.ts'
import type { Target, TargetPolicy } from '../../guard/target.ts'
import type { Warning } from '../checks/warnings.ts'

export type LookupOptions = {
  /** Resolves host names. Default: the system's resolver. */
  readonly resolver?: Resolver
  /** Bounds the wait for a name server. Default: the system clock. */
  readonly clock?: Clock
}

/** A name that takes longer to resolve is treated as one that doesn't resolve. */
const LOOKUP_TIMEOUT_MS = 3_000

/** A host that a member of the endpoint names, and what its name resolves to. */
export type LookedUp = { readonly field: string; readonly resolution: Resolution }

/**
 * C3: resolves host names as of now, all at the same time, in the tenant's turns. They are resolved and checked again
 * for each connection.
 */
export function resolveHosts(
  targets: readonly { readonly field: string; readonly target: Target }[],
  tenant: TenantId,
  policy: TargetPolicy,
  options: LookupOptions,
): Promise<LookedUp[]> {
  return Promise.all(
    targets.map(async ({ field, target }) => ({
      field,
      resolution: await resolveHost(target, tenant, policy, options),
    })),
  )
}

async function resolveHost(
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
export function checkResolutions(lookedUp: readonly LookedUp[], faults: FieldError[]): void {
  for (const { field, resolution } of lookedUp) {
    if (!('refused' in resolution)) continue
    const detail = `The host resolves to an address that is not public (${resolution.refused}). Use a public host.`
    faults.push({ field, detail, reason: 'address_not_public' })
  }
}

/** A host name that doesn't resolve is accepted with a warning: it might be set up later. */
export function adviseOnHosts(lookedUp: readonly LookedUp[]): Warning[] {
  const unresolved = lookedUp.filter(({ resolution }) => 'unresolved' in resolution)
  const detail = 'The host name does not resolve at the moment. Attempts will fail until it does.'
  return unresolved.map(({ field }) => ({ code: 'host_unresolved', detail, field }))
}
