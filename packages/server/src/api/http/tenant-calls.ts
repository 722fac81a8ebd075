import type { FastifyRequest, preHandlerHookHandler } from 'fastify'
import type { TenantId } from '../../base/model.ts'
import { asPosthorn, TenantCall } from '../../store/tenant-call.ts'
import type { ApiOptions } from '../options.ts'
import { AT_ONCE, CostlyCalls } from './costly-calls.ts'
import { partyOf } from './party.ts'

/**
 * Begins calls with a tenant's key that change something as such (store/tenant-call.ts): what they write rests while other
 * tenants have something to store. Only a few of a tenant are in progress then, the others wait.
 *
 * @param disconnected the refusal of a call whose client has gone
 */
export function beginAsTenant({ clock, isShared }: ApiOptions, disconnected: () => Error): preHandlerHookHandler {
  const changing = new CostlyCalls(() => (isShared() ? AT_ONCE : Number.POSITIVE_INFINITY))
  return (request, reply, done) => {
    const tenant = changesAsTenant(request)
    // It can have had to wait for the end of another call, and is no part of that.
    if (tenant === null) return asPosthorn(done)
    changing.take(partyOf(request.caller!.key), reply.raw, isGone => {
      const call = new TenantCall(tenant, clock)
      reply.raw.once('close', () => call.end())
      call.run(() => (isGone ? done(disconnected()) : done()))
    })
  }
}

/** The tenant whose key a call has that changes something. Null: another key, or it only reads or publishes. */
function changesAsTenant({ caller, method, routeOptions }: FastifyRequest): TenantId | null {
  if (method === 'GET' || method === 'HEAD' || routeOptions.config.access === 'publish') return null
  return caller?.key?.tenant ?? null
}
