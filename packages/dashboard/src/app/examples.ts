import { useQuery } from '@tanstack/react-query'
import { IS_PORTAL } from '../lib/portal.ts'
import { catalogueQuery, exampleOf } from './catalogue.ts'
import { posthorn } from './client.ts'
import { useTenant } from './scope.ts'
import { usePermissions } from './session.ts'

/** What calls that a page teaches are about, so that they work as they are. Undefined: not known yet, or there is none. */
export type Examples = {
  readonly type: { readonly name: string; readonly payload: unknown } | undefined
  /** `/v1/tenants/…`: of the tenant that is chosen, or of the newest. */
  readonly tenantPath: string | undefined
}

export function useExamples(): Examples {
  const chosen = useTenant()
  const { isOperator } = usePermissions()
  const { data: types } = useQuery({ ...catalogueQuery, enabled: !IS_PORTAL })
  const { data: newest } = useQuery({
    queryKey: ['tenants', 'example'],
    queryFn: ({ signal }) => posthorn.tenants.list({ limit: 1 }, { signal }).then(({ data: [one] }) => one?.id ?? null),
    enabled: isOperator && chosen === null,
    staleTime: 30_000,
  })
  const tenant = chosen ?? newest
  return {
    type: types === undefined ? undefined : exampleOf(types),
    tenantPath: tenant == null ? undefined : `/v1/tenants/${encodeURIComponent(tenant)}`,
  }
}
