import { reads, writes } from '../../operation.ts'
import { clearStreamLog, cutStreamLog, findStreamWriters, keepStreamOn, readStreamLog } from './log.ts'
import { readStreamed } from './things.ts'

export const streamOperations = {
  keepStreamOn: writes({ run: keepStreamOn, configuration: 'ignores' }),
  cutStreamLog: writes({ run: cutStreamLog, configuration: 'ignores' }),
  clearStreamLog: writes({ run: clearStreamLog, configuration: 'ignores' }),
  findStreamWriters: reads({ run: findStreamWriters, waitedForBy: 'engine' }),
  readStreamLog: reads({ run: readStreamLog, waitedForBy: 'engine' }),
  readStreamed: reads({ run: readStreamed, waitedForBy: 'engine' }),
}
