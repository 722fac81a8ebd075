import { reads, writes } from '../../operation.ts'
import { readSealed, reseal } from './credentials.ts'
import {
  createEndpoint,
  deleteEndpoint,
  dropDeletedEndpoints,
  getEndpoint,
  getSendable,
  isSecretShared,
  listEndpoints,
  sampleEndpointUrls,
  setEndpointState,
  updateEndpoint,
} from './endpoints.ts'
import { warnExpiring } from './expiring.ts'
import { escalateFailing } from './failing.ts'
import { readEndpointChanges, readTenantConfiguration } from './matching.ts'
import { dropOldTemplates, recordSender, recordTemplate } from './requests.ts'
import { readSelectionsAt } from './selections.ts'

export const endpointOperations = {
  createEndpoint: writes({ run: createEndpoint, configuration: 'changes' }),
  updateEndpoint: writes({ run: updateEndpoint, configuration: 'changes' }),
  setEndpointState: writes({ run: setEndpointState, configuration: 'changes' }),
  deleteEndpoint: writes({ run: deleteEndpoint, configuration: 'changes' }),
  getEndpoint: reads({ run: getEndpoint, waitedForBy: 'engine' }),
  getSendable: reads({ run: getSendable, waitedForBy: 'engine' }),
  recordTemplate: writes({ run: recordTemplate, configuration: 'ignores' }),
  recordSender: writes({ run: recordSender, configuration: 'ignores' }),
  dropOldTemplates: writes({ run: dropOldTemplates, configuration: 'ignores' }),
  listEndpoints: reads({ run: listEndpoints, waitedForBy: 'people' }),
  isSecretShared: reads({ run: isSecretShared, waitedForBy: 'engine' }),
  sampleEndpointUrls: reads({ run: sampleEndpointUrls, waitedForBy: 'engine' }),
  readTenantConfiguration: reads({ run: readTenantConfiguration, waitedForBy: 'engine' }),
  readEndpointChanges: reads({ run: readEndpointChanges, waitedForBy: 'engine' }),
  readSelectionsAt: reads({ run: readSelectionsAt, waitedForBy: 'engine' }),
  escalateFailing: writes({ run: escalateFailing, configuration: 'changes' }),
  warnExpiring: writes({ run: warnExpiring, configuration: 'ignores' }),
  readSealed: reads({ run: readSealed, waitedForBy: 'engine' }),
  reseal: writes({ run: reseal, configuration: 'ignores' }),
  dropDeletedEndpoints: writes({ run: dropDeletedEndpoints, configuration: 'ignores' }),
}
