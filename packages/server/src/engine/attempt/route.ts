import type { TenantId } from '../../base/model.ts'
import type { Identity } from '../http/tls.ts'

/** Where a request goes, and as whom. Connections are shared only if all of it is the same. */
export type Route = {
  /** Scheme, host and port. */
  readonly origin: string
  /** Whose endpoint it is. Tenants share no connection: one's response could arrive as the other's. */
  readonly tenant: TenantId
  /** The client certificate for mutual TLS. Null for none. */
  readonly identity: Identity | null
}

/** Put together once for each route: four times for each request cost a microsecond. */
const keys = new WeakMap<Route, string>()

/** Equal for routes that can share a connection. */
export function routeKey(route: Route): string {
  let key = keys.get(route)
  if (key === undefined) {
    key = keyOf(route)
    keys.set(route, key)
  }
  return key
}

/** A tenant's id and an origin have no spaces. */
const keyOf = ({ origin, tenant, identity }: Route): string =>
  identity === null ? `${tenant} ${origin}` : `${tenant} ${origin} ${identity.name}`
