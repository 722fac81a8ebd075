import { reads, writes } from '../../operation.ts'
import { listAttempts } from './attempts.ts'
import { countPending, countSetAside } from './backlog.ts'
import { cancelDelivery, createDelivery, makeDueNow, releaseSetAside } from './by-hand.ts'
import { readFailure } from './failure.ts'
import { cancelDeliveries, holdDeliveries, releaseDeliveries } from './of-endpoint.ts'
import { packedSettle } from './packed.ts'
import { getDeliveries, getDelivery, listDeliveries, listSetAside } from './reading.ts'
import { settle } from './settle.ts'
import type { SettleArguments, SettleResult } from './settlement.ts'
import { beginTrial, takeBackTrials } from './trials.ts'

export const deliveryOperations = {
  settle: writes<SettleArguments, SettleResult>({
    run: settle,
    configuration: 'may change',
    packedArgs: packedSettle,
    observed: ({ settlements }, { moved }) => [{ kind: 'settled', settlements, moved }],
  }),
  beginTrial: writes({ run: beginTrial, configuration: 'ignores' }),
  takeBackTrials: writes({ run: takeBackTrials, configuration: 'ignores' }),
  getDelivery: reads({ run: getDelivery, waitedForBy: 'engine' }),
  getDeliveries: reads({ run: getDeliveries, waitedForBy: 'engine' }),
  readFailure: reads({ run: readFailure, waitedForBy: 'engine' }),
  listDeliveries: reads({ run: listDeliveries, waitedForBy: 'people' }),
  listSetAside: reads({ run: listSetAside, waitedForBy: 'people' }),
  listAttempts: reads({ run: listAttempts, waitedForBy: 'people' }),
  countPending: reads({ run: countPending, waitedForBy: 'people' }),
  countSetAside: reads({ run: countSetAside, waitedForBy: 'people' }),
  createDelivery: writes({ run: createDelivery, configuration: 'relies on' }),
  makeDueNow: writes({ run: makeDueNow, configuration: 'ignores' }),
  releaseSetAside: writes({ run: releaseSetAside, configuration: 'relies on' }),
  cancelDelivery: writes({
    run: cancelDelivery,
    configuration: 'ignores',
    observed: ({ nowMs: atMs }, endpoint) =>
      endpoint === null ? [] : [{ kind: 'cancelled', endpoint, deliveries: 1, atMs }],
  }),
  holdDeliveries: writes({ run: holdDeliveries, configuration: 'changes' }),
  releaseDeliveries: writes({ run: releaseDeliveries, configuration: 'changes' }),
  cancelDeliveries: writes({
    run: cancelDeliveries,
    configuration: 'ignores',
    observed: ({ endpoint, nowMs: atMs }, deliveries) => [{ kind: 'cancelled', endpoint, deliveries, atMs }],
  }),
}
