import { reads, writes } from '../../operation.ts'
import { claimReplayParts, lookAtReplayParts, makeReplayed, peekReplayParts, releaseReplayParts } from './parts.ts'
import {
  addReplayParts,
  cancelledIn,
  cancelReplayed,
  createReplay,
  dropReplayParts,
  dropReplays,
  findUncancelledReplays,
  findUncreatedReplays,
  findUnreleasedReplays,
  getReplay,
  listReplays,
  moveReplayParts,
  setReplayState,
} from './replays.ts'
import { scanReplay } from './scan.ts'

export const replayOperations = {
  createReplay: writes({ run: createReplay, configuration: 'relies on' }),
  addReplayParts: writes({ run: addReplayParts, configuration: 'ignores' }),
  moveReplayParts: writes({ run: moveReplayParts, configuration: 'ignores' }),
  dropReplayParts: writes({ run: dropReplayParts, configuration: 'ignores' }),
  findUnreleasedReplays: reads({ run: findUnreleasedReplays, waitedForBy: 'people' }),
  findUncreatedReplays: reads({ run: findUncreatedReplays, waitedForBy: 'people' }),
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
}
