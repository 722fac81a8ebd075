import { reads, writes } from '../../operation.ts'
import { readSealed, reseal } from './credentials.ts'
import {
  createEndpoint,
  deleteEndpoint,
  dropDeletedEndpoints,
  findSharedSecrets,
  getEndpoint,
  getSendable,
  sampleEndpointUrls,
  setEndpointState,
  updateEndpoint,
} from './endpoints.ts'
import { warnExpiring } from './expiring.ts'
import { escalateFailing } from './failing.ts'
import { findEndpoints } from './finding.ts'
import { readLastDeliveries } from './last-deliveries.ts'
import { markEndpoints } from './marks.ts'
import { readEndpointChanges, readTenantConfiguration } from './matching.ts'
import { findNamedEndpoints } from './named.ts'
import { readEndpointFacts } from './reading-health.ts'
import { dropOldTemplates, recordSender, recordTemplate } from './requests.ts'
import { findRoomForEndpoint } from './room.ts'
import { readSelectionsAt } from './selections.ts'
import { countQueues, findTroubled, findTroubledTenants } from './troubled.ts'
import { findEndpoint } from './uids.ts'

export const endpointOperations = {
  createEndpoint: writes({ run: createEndpoint, configuration: 'changes' }),
  updateEndpoint: writes({ run: updateEndpoint, configuration: 'changes' }),
  setEndpointState: writes({ run: setEndpointState, configuration: 'changes' }),
  deleteEndpoint: writes({ run: deleteEndpoint, configuration: 'changes' }),
  getEndpoint: reads({ run: getEndpoint, waitedForBy: 'engine' }),
  findEndpoint: reads({ run: findEndpoint, waitedForBy: 'people' }),
  getSendable: reads({ run: getSendable, waitedForBy: 'engine' }),
  recordTemplate: writes({ run: recordTemplate, configuration: 'ignores' }),
  recordSender: writes({ run: recordSender, configuration: 'ignores' }),
  dropOldTemplates: writes({ run: dropOldTemplates, configuration: 'ignores' }),
  findEndpoints: reads({ run: findEndpoints, waitedForBy: 'people' }),
  findNamedEndpoints: reads({ run: findNamedEndpoints, waitedForBy: 'people' }),
  findRoomForEndpoint: reads({ run: findRoomForEndpoint, waitedForBy: 'people' }),
  findSharedSecrets: reads({ run: findSharedSecrets, waitedForBy: 'people' }),
  readEndpointFacts: reads({ run: readEndpointFacts, waitedForBy: 'people' }),
  readLastDeliveries: reads({ run: readLastDeliveries, waitedForBy: 'people' }),
  findTroubledTenants: reads({ run: findTroubledTenants, waitedForBy: 'people' }),
  findTroubled: reads({ run: findTroubled, waitedForBy: 'people' }),
  countQueues: reads({ run: countQueues, waitedForBy: 'people' }),
  sampleEndpointUrls: reads({ run: sampleEndpointUrls, waitedForBy: 'people' }),
  readTenantConfiguration: reads({ run: readTenantConfiguration, waitedForBy: 'engine' }),
  readEndpointChanges: reads({ run: readEndpointChanges, waitedForBy: 'engine' }),
  readSelectionsAt: reads({ run: readSelectionsAt, waitedForBy: 'engine' }),
  escalateFailing: writes({ run: escalateFailing, configuration: 'changes' }),
  markEndpoints: writes({ run: markEndpoints, configuration: 'ignores' }),
  warnExpiring: writes({ run: warnExpiring, configuration: 'ignores' }),
  readSealed: reads({ run: readSealed, waitedForBy: 'engine' }),
  reseal: writes({ run: reseal, configuration: 'ignores' }),
  dropDeletedEndpoints: writes({ run: dropDeletedEndpoints, configuration: 'ignores' }),
}
