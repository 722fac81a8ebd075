import { reads, writes } from '../../operation.ts'
import { beginListening, dropStaleListening, endListening, findUnseenListeners, renewListening } from './readers.ts'
import {
  answerRequest,
  expireRequest,
  findOpenRequests,
  findRequest,
  forgetRequest,
  offerRequest,
  readAnswers,
} from './requests.ts'

export const listenerOperations = {
  beginListening: writes({ run: beginListening, configuration: 'ignores' }),
  renewListening: writes({ run: renewListening, configuration: 'ignores' }),
  endListening: writes({ run: endListening, configuration: 'ignores' }),
  dropStaleListening: writes({ run: dropStaleListening, configuration: 'ignores', rows: ({ limit }) => 2 * limit }),
  findUnseenListeners: reads({ run: findUnseenListeners, waitedForBy: 'people' }),
  offerRequest: writes({ run: offerRequest, configuration: 'ignores' }),
  answerRequest: writes({ run: answerRequest, configuration: 'ignores' }),
  expireRequest: writes({ run: expireRequest, configuration: 'ignores' }),
  forgetRequest: writes({ run: forgetRequest, configuration: 'ignores' }),
  findRequest: reads({ run: findRequest, waitedForBy: 'engine' }),
  findOpenRequests: reads({ run: findOpenRequests, waitedForBy: 'engine' }),
  readAnswers: reads({ run: readAnswers, waitedForBy: 'engine' }),
}
