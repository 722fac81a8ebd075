import { reads, writes } from '../../operation.ts'
import { listEventEndpoints } from './event-endpoints.ts'
import { dropExpiredKeys, readKeyHashes } from './idempotency.ts'
import { packedPublish } from './packed.ts'
import { publish, publishedIn } from './publish.ts'
import { getArrival, getEvent, listEventHeads, readPayload, readPayloads, readTraceparent } from './reading.ts'
import { listRejectedEvents, listRejectedHeads } from './rejected.ts'
import { countEvents, findEventsByKey, readEvents, scanEvents } from './scan.ts'

export const eventOperations = {
  publish: writes({ run: publish, configuration: 'relies on', packedArgs: packedPublish, observed: publishedIn }),
  readKeyHashes: reads({ run: readKeyHashes, waitedForBy: 'engine' }),
  dropExpiredKeys: writes({ run: dropExpiredKeys, configuration: 'ignores' }),
  getEvent: reads({ run: getEvent, waitedForBy: 'engine' }),
  getArrival: reads({ run: getArrival, waitedForBy: 'engine' }),
  scanEvents: reads({ run: scanEvents, waitedForBy: 'people' }),
  countEvents: reads({ run: countEvents, waitedForBy: 'people' }),
  findEventsByKey: reads({ run: findEventsByKey, waitedForBy: 'people' }),
  readEvents: reads({ run: readEvents, waitedForBy: 'people' }),
  listEventHeads: reads({ run: listEventHeads, waitedForBy: 'people' }),
  listRejectedEvents: reads({ run: listRejectedEvents, waitedForBy: 'people' }),
  listRejectedHeads: reads({ run: listRejectedHeads, waitedForBy: 'people' }),
  readPayload: reads({ run: readPayload, waitedForBy: 'engine' }),
  readPayloads: reads({ run: readPayloads, waitedForBy: 'people' }),
  readTraceparent: reads({ run: readTraceparent, waitedForBy: 'engine' }),
  listEventEndpoints: reads({ run: listEventEndpoints, waitedForBy: 'people' }),
}
