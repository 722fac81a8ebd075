/**
 * What lanes in crash mode store before they send (docs/decisions/0011-crash-mode.md). A trial is an attempt of such a
 * lane. It is open from before its first byte is sent until its outcome is stored. A trial that stays open was in
 * flight when its process died.
 */

import { idBytes } from '../../../base/ids.ts'
import type { DeliveryId, TenantId } from '../../../base/model.ts'
import { type BulkQuery, type Dialect, int, type Transaction } from '../../transaction.ts'

/** A delivery with this many open trials was in flight at as many crashes, and is set aside. */
const MAX_OPEN_TRIALS = 3

export type TrialRequest = {
  readonly tenant: TenantId
  readonly delivery: DeliveryId
  /** The epoch with which this node holds the partition. */
  readonly epoch: number
  /** Whether this can be the trial that sets the delivery aside if it stays open. */
  readonly mayBeLast: boolean
}

/**
 * `begun`: send it now. `last`: send it now; one more crash sets it aside. `wait`: this would be its last trial, which
 * isn't allowed now. `set_aside`: it is held from now on. `gone`: it is not pending, or another node has its
 * partition.
 */
export type TrialAnswer = 'begun' | 'last' | 'wait' | 'set_aside' | 'gone'

/** Records that a delivery is about to be sent, or sets it aside. */
export function* beginTrial(args: TrialRequest, dialect: Dialect): Transaction<TrialAnswer> {
  const { tenant, delivery, epoch, mayBeLast } = args
  const id = idBytes(delivery)
  const rows = yield {
    text: `select l.open_trials from live_delivery l join partition_lease p on p.id = l.partition
           where l.tenant = $1 and l.id = $2 and l.state = 'pending' and p.epoch = $3 ${dialect.lockLiveRows}`,
    params: [tenant, id, epoch],
  }
  if (rows.length === 0) return 'gone'
  const open = int(rows[0]!.open_trials)
  if (open >= MAX_OPEN_TRIALS) {
    yield {
      text: `update live_delivery set state = 'held', held_reason = 'set_aside' where tenant = $1 and id = $2`,
      params: [tenant, id],
    }
    yield { note: () => [{ kind: 'delivery', tenant, id }] }
    return 'set_aside'
  }
  const isLast = open + 1 === MAX_OPEN_TRIALS
  if (isLast && !mayBeLast) return 'wait'
  yield {
    text: 'update live_delivery set open_trials = open_trials + 1 where tenant = $1 and id = $2',
    params: [tenant, id],
  }
  return isLast ? 'last' : 'begun'
}

const TRIAL_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['id', 'bytes'],
]

/** Takes back trials that this process abandons without having crashed, as if they had never begun. */
export function* takeBackTrials(
  args: { trials: readonly { readonly tenant: TenantId; readonly delivery: DeliveryId }[] },
  { isNamed }: Dialect,
): Transaction<void> {
  yield {
    text: `update live_delivery set open_trials = open_trials - 1 from v
           where ${isNamed('live_delivery', ['tenant', 'id'])} and live_delivery.open_trials > 0`,
    columns: TRIAL_COLUMNS,
    rows: args.trials.map(({ tenant, delivery }) => [tenant, idBytes(delivery)]),
  }
}
