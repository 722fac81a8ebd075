import { usePermissions } from '../../app/session.ts'

/** The parameters that keep a link to a list within a tenant. Keys of one tenant see no other. */
export function useTenantSearch(): (tenant: string | null) => { tenant?: string | undefined } {
  const { isOperator } = usePermissions()
  return tenant => ({ tenant: isOperator && tenant !== null ? tenant : undefined })
}
