import { reads, writes } from '../../operation.ts'
import { listAttempts } from './attempts.ts'
import { countPending, countSetAside } from './backlog.ts'
import { cancelDelivery, createDelivery, makeDueNow, releaseSetAside } from './by-hand.ts'
import { readFailure } from './failure.ts'
import { countDeliveries, findDeliveries } from './finding.ts'
import { countInWindow, findInWindow } from './finding-across.ts'
import { cancelDeliveries, holdDeliveries, releaseDeliveries } from './of-endpoint.ts'
import { packedSettle } from './packed.ts'
import { getDeliveries, getDelivery, listSetAside } from './reading.ts'
import { describeDeliveries, describeEvent, findEndpointById, findEventsOfKey } from './references.ts'
import { settle } from './settle.ts'
import type { SettleArguments, SettleResult } from './settlement.ts'
import { findSuperseded } from './superseded.ts'
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
  findDeliveries: reads({ run: findDeliveries, waitedForBy: 'people' }),
  countDeliveries: reads({ run: countDeliveries, waitedForBy: 'people' }),
  findInWindow: reads({ run: findInWindow, waitedForBy: 'people' }),
  countInWindow: reads({ run: countInWindow, waitedForBy: 'people' }),
  findEndpointById: reads({ run: findEndpointById, waitedForBy: 'people' }),
  findEventsOfKey: reads({ run: findEventsOfKey, waitedForBy: 'people' }),
  describeEvent: reads({ run: describeEvent, waitedForBy: 'people' }),
  describeDeliveries: reads({ run: describeDeliveries, waitedForBy: 'people' }),
  findSuperseded: reads({ run: findSuperseded, waitedForBy: 'people' }),
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
  holdDeliveries: writes({ run: holdDeliveries, configuration: 'changes', rows: ({ limit }) => limit }),
  releaseDeliveries: writes({ run: releaseDeliveries, configuration: 'changes', rows: ({ limit }) => limit }),
  cancelDeliveries: writes({
    run: cancelDeliveries,
    configuration: 'ignores',
    rows: ({ limit }) => limit,
    observed: ({ endpoint, nowMs: atMs }, deliveries) => [{ kind: 'cancelled', endpoint, deliveries, atMs }],
  }),
}
