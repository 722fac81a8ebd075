import type { EndpointState } from '@posthorn/client'
import { boundsOf, rangeOf } from '../../lib/range.ts'
import { type Search, valuesOf } from '../../lib/search.ts'

/** What a new replay covers, as the page's URL has it, and as the API takes it. */

export const OUTCOMES = ['exhausted', 'cancelled', 'delivered'] as const satisfies readonly EndpointState[]

/** In the URL, for no outcome at all: only events that an endpoint never got. */
const NO_OUTCOME = 'none'

export type Selection = {
  /** Null for all tenants. */
  readonly tenant: string | null
  readonly endpoint: string | null
  readonly types: readonly string[]
  readonly states: readonly EndpointState[]
  readonly missing: boolean
}

export function selectionIn(search: Search, tenant: string | null): Selection {
  const states = search.state === undefined ? ['exhausted'] : valuesOf(search.state)
  return {
    tenant,
    endpoint: tenant === null ? null : (search.endpoint ?? null),
    types: valuesOf(search.type),
    states: OUTCOMES.filter(state => states.includes(state)),
    missing: search.missing === 'true',
  }
}

/** The parameter for these outcomes. Exhausted alone is what the URL says without one. */
export function stateParameter(states: readonly EndpointState[]): string | undefined {
  if (states.length === 0) return NO_OUTCOME
  return states.length === 1 && states[0] === 'exhausted' ? undefined : states.join(',')
}

/** Whether it can be counted and started: across tenants, types are needed; some outcome always is. */
export function isComplete({ tenant, types, states, missing }: Selection): boolean {
  return (tenant !== null || types.length > 0) && (states.length > 0 || missing)
}

/**
 * What the API is called with. The period is fixed when it is counted, so that what was counted is what is sent.
 *
 * @param now in milliseconds
 */
export function bodyOf(selection: Selection, search: Search, now: number) {
  const { endpoint, types, states, missing } = selection
  const { from, to = new Date(now).toISOString() } = boundsOf(rangeOf(search), now)
  return {
    from,
    to,
    states,
    missing,
    ...(types.length > 0 && { types }),
    ...(endpoint !== null && { endpoint }),
  }
}

export type ReplayBody = ReturnType<typeof bodyOf>
