import { type Endpoint, FAILING_STAGES } from '../../base/model.ts'
import type { Warning } from '../checks/warnings.ts'

/**
 * Warnings about an endpoint that keeps failing.
 *
 * @param disableAfterMs how long without a success until the endpoint is disabled; 0: it never is
 */
export function adviseOnHealth({ state, health }: Endpoint, disableAfterMs: number): Warning[] {
  const { failingSinceMs, stage } = health
  if (state === 'disabled' || failingSinceMs === null || stage < 1) return []
  const since = `No attempt has succeeded since ${new Date(failingSinceMs).toISOString()}`
  if (disableAfterMs === 0) return [{ code: 'failing', detail: `${since}. Its deliveries show why.` }]
  const when = new Date(failingSinceMs + disableAfterMs).toISOString()
  const isLast = stage === FAILING_STAGES.length ? ' (soon)' : ''
  return [
    {
      code: 'failing',
      detail: `${since}. The endpoint will be disabled at ${when}${isLast} unless an attempt succeeds before then.`,
    },
  ]
}
