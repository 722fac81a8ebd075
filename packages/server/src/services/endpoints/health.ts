import { type Endpoint, FAILING_STAGES } from '../../base/model.ts'
import type { Warning } from './authentication.ts'

/**
 * What there is to say about an endpoint that keeps failing.
 *
 * @param disableAfterMs after so long without a success it is disabled; 0: never
 */
export function adviseOnHealth({ state, health }: Endpoint, disableAfterMs: number): Warning[] {
  const { failingSinceMs, stage } = health
  if (state === 'disabled' || failingSinceMs === null || stage < 1) return []
  const since = `No attempt has succeeded since ${new Date(failingSinceMs).toISOString()}`
  if (disableAfterMs === 0) return [{ code: 'failing', detail: `${since}; see its deliveries for why.` }]
  const when = new Date(failingSinceMs + disableAfterMs).toISOString()
  const isLast = stage === FAILING_STAGES.length ? ', which is soon' : ''
  return [{ code: 'failing', detail: `${since}; it is disabled at ${when}${isLast}, unless one does.` }]
}
