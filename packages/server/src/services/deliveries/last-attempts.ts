/** Which last attempts a delivery can have, so that a list that asks for any other says so instead of being empty. */
import type { FieldError } from '../../base/errors.ts'
import type { AttemptError, DeliveryState } from '../../base/model.ts'
import type { StatusRange } from '../../base/status-range.ts'
import { fault } from '../checks/list-parameters.ts'

/** The statuses of attempts that failed with these errors. All others got no response, or none that could be read. */
const STATUSES: Partial<Record<AttemptError, readonly StatusRange[]>> = {
  http_redirect: [{ from: 300, to: 399 }],
  http_gone: [{ from: 410, to: 410 }],
  http_client_error: [
    { from: 400, to: 409 },
    { from: 411, to: 499 },
  ],
  http_server_error: [{ from: 500, to: 599 }],
  http_unexpected: [{ from: 600, to: 999 }],
}
const SUCCESS: StatusRange = { from: 200, to: 299 }
const FAILURES: readonly StatusRange[] = ['none', { from: 300, to: 999 }]

const overlap = (a: StatusRange, b: StatusRange): boolean =>
  a === 'none' || b === 'none' ? a === b : a.from <= b.to && b.from <= a.to

const anyOverlap = (some: readonly StatusRange[], others: readonly StatusRange[]): boolean =>
  some.some(a => others.some(b => overlap(a, b)))

type Asked = {
  readonly states: readonly DeliveryState[] | null
  readonly heldReason: string | undefined
  readonly statuses: readonly StatusRange[] | null
  readonly errors: readonly AttemptError[] | null
}

/** Whether the last attempt of a delivery that can be `delivered`, or in another state, can have one of these statuses. */
export const canHaveStatus = (
  statuses: readonly StatusRange[],
  { canBeDelivered, canBeOther }: { readonly canBeDelivered: boolean; readonly canBeOther: boolean },
): boolean => (canBeDelivered && anyOverlap(statuses, [SUCCESS])) || (canBeOther && anyOverlap(statuses, FAILURES))

/** Adds a fault if no delivery can have one of these states together with one of these statuses and errors. */
export function checkLastAttempt({ states, heldReason, statuses, errors }: Asked, faults: FieldError[]): void {
  const ofErrors = errors?.flatMap(error => STATUSES[error] ?? ['none' as const]) ?? null
  if (statuses !== null && ofErrors !== null && !anyOverlap(statuses, ofErrors)) {
    fault(
      faults,
      'status',
      'No attempt has one of these statuses and one of these errors: each `http_…` error stands for certain statuses, ' +
        'and all others for `none`. Omit `status` or `error`.',
    )
    return
  }
  // Whether the last attempt succeeded decides whether the delivery is `delivered`.
  const canBeDelivered = states === null ? heldReason === undefined : states.includes('delivered')
  const canBeOther = states === null || heldReason !== undefined || states.some(state => state !== 'delivered')
  if (errors !== null && !canBeOther) {
    fault(faults, 'error', 'The last attempt of a delivery with the state `delivered` has no error. Omit `error`.')
    return
  }
  if (statuses === null) return
  if (canHaveStatus(statuses, { canBeDelivered, canBeOther })) return
  fault(
    faults,
    'status',
    canBeOther
      ? 'If the last attempt got a status from 200 to 299, the state is `delivered`. Add it to `state`, or omit one of the two.'
      : 'The last attempt of a delivery with the state `delivered` got a status from 200 to 299. Omit `state` or `status`.',
  )
}
