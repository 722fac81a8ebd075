import { reads, writes } from '../../operation.ts'
import {
  advanceReplayBatch,
  createReplayBatch,
  dropReplayBatches,
  endReplayBatch,
  findOpenReplayBatches,
  findReplaysToCancel,
  findReplayTenants,
  getReplayBatch,
  listReplayBatches,
  setReplayBatchState,
} from './batches.ts'
import {
  claimReplayParts,
  lookAtReplayParts,
  makeReplayed,
  peekReplayParts,
  releaseReplayParts,
  wakeReplayParts,
} from './parts.ts'
import {
  cancelledIn,
  cancelReplayed,
  createReplay,
  dropReplays,
  findUncancelledReplays,
  getReplay,
  listReplays,
  setReplayState,
} from './replays.ts'
import { scanReplay } from './scan.ts'

export const replayOperations = {
  createReplay: writes({ run: createReplay, configuration: 'relies on' }),
  getReplay: reads({ run: getReplay, waitedForBy: 'people' }),
  listReplays: reads({ run: listReplays, waitedForBy: 'people' }),
  scanReplay: reads({ run: scanReplay, waitedForBy: 'people' }),
  setReplayState: writes({ run: setReplayState, configuration: 'ignores' }),
  cancelReplayed: writes({ run: cancelReplayed, configuration: 'ignores', observed: cancelledIn }),
  findUncancelledReplays: reads({ run: findUncancelledReplays, waitedForBy: 'engine' }),
  dropReplays: writes({ run: dropReplays, configuration: 'ignores' }),
  peekReplayParts: reads({ run: peekReplayParts, waitedForBy: 'engine' }),
  claimReplayParts: writes({ run: claimReplayParts, configuration: 'ignores' }),
  releaseReplayParts: writes({ run: releaseReplayParts, configuration: 'ignores' }),
  lookAtReplayParts: reads({ run: lookAtReplayParts, waitedForBy: 'engine' }),
  makeReplayed: writes({ run: makeReplayed, configuration: 'relies on' }),
  wakeReplayParts: writes({ run: wakeReplayParts, configuration: 'ignores' }),
  createReplayBatch: writes({ run: createReplayBatch, configuration: 'ignores' }),
  getReplayBatch: reads({ run: getReplayBatch, waitedForBy: 'people' }),
  listReplayBatches: reads({ run: listReplayBatches, waitedForBy: 'people' }),
  findOpenReplayBatches: reads({ run: findOpenReplayBatches, waitedForBy: 'engine' }),
  findReplayTenants: reads({ run: findReplayTenants, waitedForBy: 'people' }),
  advanceReplayBatch: writes({ run: advanceReplayBatch, configuration: 'relies on' }),
  findReplaysToCancel: reads({ run: findReplaysToCancel, waitedForBy: 'people' }),
  setReplayBatchState: writes({ run: setReplayBatchState, configuration: 'ignores' }),
  endReplayBatch: writes({ run: endReplayBatch, configuration: 'ignores' }),
  dropReplayBatches: writes({ run: dropReplayBatches, configuration: 'ignores' }),
}
