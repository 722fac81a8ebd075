import { reads } from '../../operation.ts'
import { discoverLanes, findUnfinished, readLane, readOrderedLane, readPending } from './lanes.ts'
import { packedLane, packedOrderedLane } from './packed.ts'

export const laneOperations = {
  readLane: reads({ run: readLane, waitedForBy: 'engine', packedResult: packedLane }),
  readOrderedLane: reads({ run: readOrderedLane, waitedForBy: 'engine', packedResult: packedOrderedLane }),
  readPending: reads({ run: readPending, waitedForBy: 'engine' }),
  discoverLanes: reads({ run: discoverLanes, waitedForBy: 'engine' }),
  findUnfinished: reads({ run: findUnfinished, waitedForBy: 'engine' }),
}
