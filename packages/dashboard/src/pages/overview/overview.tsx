import { useTenant } from '../../app/scope.ts'
import { OverviewBody } from './body.tsx'

/** The first screen: whether webhooks arrive, of all tenants or of the one chosen at the top. */
export function Page() {
  const tenant = useTenant()
  return <OverviewBody key={tenant} tenant={tenant} />
}
