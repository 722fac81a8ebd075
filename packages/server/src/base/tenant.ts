/** The provider's customers. */
import type { TenantId } from './model.ts'
import type { PortalPermission } from './portal.ts'

export type Tenant = {
  readonly id: TenantId
  readonly name: string | null
  readonly metadata: Record<string, string>
  /** How long the tenant's finished events are kept. Null for the settings' retention periods. */
  readonly retention: Retention | null
  /** What portal links of the tenant give, unless they say it themselves. Null: the setting applies. */
  readonly portalMay: readonly PortalPermission[] | null
  readonly createdAtMs: number
}

/**
 * Retention periods in days, from the end of an event's last delivery (for responses, of theirs). Null: the setting's.
 */
export type Retention = {
  /** For an event and everything that belongs to it. */
  readonly days: number | null
  readonly payloadDays: number | null
  readonly answerDays: number | null
}

/** The erasure of a tenant, running or finished. */
export type Erasure = {
  readonly tenant: TenantId
  readonly state: 'running' | 'finished'
  readonly rowsRemoved: number
  readonly requestedAtMs: number
  readonly finishedAtMs: number | null
}

/** The provider's own tenant, whose endpoints get operational events. It always exists. */
export const OPERATOR_TENANT = 'posthorn'
