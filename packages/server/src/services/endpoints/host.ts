import { type Clock, systemClock } from '../../base/clock.ts'
import type { FieldError } from '../../base/errors.ts'
import { type Resolution, type Resolver, resolveTarget } from '../../guard/lookup.ts'
import type { Target, TargetPolicy } from '../../guard/target.ts'
import type { Warning } from './authentication.ts'

export type LookupOptions = {
  /** Looks names up; the system's by default. */
  readonly resolver?: Resolver
  /** Bounds the wait for a name server; the system's by default. */
  readonly clock?: Clock
}

/** A name server that takes longer counts as one that knows no answer. */
const LOOKUP_TIMEOUT_MS = 3_000

/** C3: where the name leads now. It is asked again at each connection. */
export async function resolveHost(
  { host }: Target,
  policy: TargetPolicy,
  { resolver, clock = systemClock }: LookupOptions,
): Promise<Resolution> {
  const { promise: tooLate, resolve } = Promise.withResolvers<Resolution>()
  const timer = clock.after(LOOKUP_TIMEOUT_MS, () => resolve({ unresolved: true, code: 'ETIMEOUT' }))
  try {
    return await Promise.race([resolveTarget(host, policy, resolver), tooLate])
  } finally {
    timer.cancel()
  }
}

/** Which address it was is the business of whoever runs the name server: it may tell of the network inside. */
export function checkResolution(resolution: Resolution | undefined, faults: FieldError[]): void {
  if (resolution === undefined || !('refused' in resolution)) return
  const detail = `Use a host with a public address; this one leads to an address that is not (${resolution.refused}).`
  faults.push({ field: '/url', detail, reason: 'address_not_public' })
}

/** A name that leads nowhere is accepted: it may be about to be set up. */
export function adviseOnHost(resolution: Resolution | undefined): Warning[] {
  if (resolution === undefined || !('unresolved' in resolution)) return []
  const detail = 'The name of the host leads nowhere now; attempts will fail until it does.'
  return [{ code: 'host_unresolved', detail }]
}
