import { reads, writes } from '../../operation.ts'
import { dropOldLimits } from './limits.ts'
import { finishMessage, peekMessages, takeMessages } from './messages.ts'
import {
  createNotification,
  deleteNotification,
  findNotification,
  followLink,
  getNotification,
  listNotifications,
  readSealedNotifications,
  requestConfirmation,
  requestTest,
  resealNotifications,
  updateNotification,
} from './notifications.ts'

export const notificationOperations = {
  createNotification: writes({ run: createNotification, configuration: 'ignores' }),
  requestConfirmation: writes({ run: requestConfirmation, configuration: 'ignores' }),
  requestTest: writes({ run: requestTest, configuration: 'ignores' }),
  listNotifications: reads({ run: listNotifications, waitedForBy: 'people' }),
  getNotification: reads({ run: getNotification, waitedForBy: 'people' }),
  updateNotification: writes({ run: updateNotification, configuration: 'ignores' }),
  deleteNotification: writes({ run: deleteNotification, configuration: 'ignores' }),
  findNotification: reads({ run: findNotification, waitedForBy: 'people' }),
  followLink: writes({ run: followLink, configuration: 'ignores' }),
  peekMessages: reads({ run: peekMessages, waitedForBy: 'engine' }),
  takeMessages: writes({ run: takeMessages, configuration: 'ignores' }),
  finishMessage: writes({ run: finishMessage, configuration: 'ignores' }),
  readSealedNotifications: reads({ run: readSealedNotifications, waitedForBy: 'engine' }),
  resealNotifications: writes({ run: resealNotifications, configuration: 'ignores' }),
  dropOldLimits: writes({ run: dropOldLimits, configuration: 'ignores' }),
}
