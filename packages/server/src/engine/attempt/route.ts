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

/** Equal for routes that can share a connection. A tenant's id and an origin have no spaces. */
export const routeKey = ({ origin, tenant, identity }: Route): string =>
  identity === null ? `${tenant} ${origin}` : `${tenant} ${origin} ${identity.name}`
