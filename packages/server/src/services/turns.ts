import { systemClock } from '../base/clock.ts'
import type { TenantId } from '../base/model.ts'
import { beginParse } from '../publish/payload-parsing.ts'
import { SharedTurns, TURN_MS } from '../publish/turns.ts'

/** Turns for what calls of tenants take long for, such as asking filters about payloads. All calls share them. */
export const callTurns = new SharedTurns(systemClock)

/** Steps between two looks at the time. */
const STEPS_A_LOOK = 16

/**
 * Takes the steps to their result, in turns. A step takes some microseconds.
 *
 * @param aLook steps between two looks at the time. Default: 16; 1 for steps of up to a millisecond
 */
export function inTurns<Result>(
  tenant: TenantId,
  steps: Generator<void, Result>,
  aLook = STEPS_A_LOOK,
): Promise<Result> {
  return callTurns.run(tenant, () => {
    const untilMs = systemClock.monotonicMs() + TURN_MS
    do {
      for (let step = 0; step < aLook; step++) {
        const { done, value } = steps.next()
        if (done) return value
      }
    } while (systemClock.monotonicMs() < untilMs)
    return undefined
  })
}

/** Parses a stored payload, in turns. Undefined if it is not JSON: it is no longer kept, or was rejected for that. */
export async function parseInTurns(tenant: TenantId, payload: Uint8Array): Promise<unknown> {
  return (await callTurns.run(tenant, beginParse(payload))).value
}
