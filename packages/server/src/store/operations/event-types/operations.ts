import { reads, writes } from '../../operation.ts'
import {
  deleteEventType,
  putEventType,
  readCatalogue,
  readTypeSchedules,
  seedCatalogue,
  setArchived,
} from './event-types.ts'
import { findEventsOfType, isTypeKept, readSamplePayloads, recordTypeSamples } from './samples.ts'

export const eventTypeOperations = {
  readCatalogue: reads({ run: readCatalogue, waitedForBy: 'engine' }),
  readTypeSchedules: reads({ run: readTypeSchedules, waitedForBy: 'engine' }),
  putEventType: writes({ run: putEventType, configuration: 'changes' }),
  deleteEventType: writes({ run: deleteEventType, configuration: 'changes' }),
  setArchived: writes({ run: setArchived, configuration: 'changes' }),
  seedCatalogue: writes({ run: seedCatalogue, configuration: 'changes' }),
  recordTypeSamples: writes({ run: recordTypeSamples, configuration: 'ignores' }),
  isTypeKept: reads({ run: isTypeKept, waitedForBy: 'people' }),
  findEventsOfType: reads({ run: findEventsOfType, waitedForBy: 'people' }),
  readSamplePayloads: reads({ run: readSamplePayloads, waitedForBy: 'people' }),
}
