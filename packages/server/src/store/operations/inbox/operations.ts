import { reads, writes } from '../../operation.ts'
import { acceptArrivals, acceptedIn } from './arrivals.ts'
import { claimInbox, releaseInbox } from './claim.ts'
import { fanOut } from './fan-out.ts'
import { peekInbox } from './inbox.ts'

export const inboxOperations = {
  peekInbox: reads({ run: peekInbox, waitedForBy: 'engine' }),
  claimInbox: writes({ run: claimInbox, configuration: 'ignores' }),
  releaseInbox: writes({ run: releaseInbox, configuration: 'ignores' }),
  acceptArrivals: writes({ run: acceptArrivals, configuration: 'relies on', observed: acceptedIn }),
  fanOut: writes({ run: fanOut, configuration: 'relies on' }),
}
