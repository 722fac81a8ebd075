import { reads, writes } from '../../operation.ts'
import { findKeyedEvent, lookForKey } from './by-key.ts'
import { listEventEndpoints } from './event-endpoints.ts'
import { dropExpiredKeys, readKeyHashes } from './idempotency.ts'
import { packedPublish } from './packed.ts'
import { publish, publishedIn } from './publish.ts'
import {
  getArrival,
  getEvent,
  listEventHeads,
  listEvents,
  listRejectedEvents,
  readPayload,
  readTraceparent,
} from './reading.ts'

export const eventOperations = {
  publish: writes({ run: publish, configuration: 'relies on', packedArgs: packedPublish, observed: publishedIn }),
  readKeyHashes: reads({ run: readKeyHashes, waitedForBy: 'engine' }),
  dropExpiredKeys: writes({ run: dropExpiredKeys, configuration: 'ignores' }),
  getEvent: reads({ run: getEvent, waitedForBy: 'engine' }),
  getArrival: reads({ run: getArrival, waitedForBy: 'engine' }),
  findKeyedEvent: reads({ run: findKeyedEvent, waitedForBy: 'engine' }),
  listEventHeads: reads({ run: listEventHeads, waitedForBy: 'people' }),
  lookForKey: reads({ run: lookForKey, waitedForBy: 'people' }),
  listEvents: reads({ run: listEvents, waitedForBy: 'people' }),
  listRejectedEvents: reads({ run: listRejectedEvents, waitedForBy: 'people' }),
  readPayload: reads({ run: readPayload, waitedForBy: 'engine' }),
  readTraceparent: reads({ run: readTraceparent, waitedForBy: 'engine' }),
  listEventEndpoints: reads({ run: listEventEndpoints, waitedForBy: 'people' }),
}
