import { PosthornError } from '../../base/errors.ts'
import { StoreOverloaded } from '../../store/store.ts'
import { StoreContended, StoreUnavailable } from '../../store/transaction.ts'

const STORE_RETRY_SECONDS = 5
const BUSY_RETRY_SECONDS = 1

/** What a caller is told of the store's own errors. Undefined for any other error. */
export function refusalOfStore(error: unknown): PosthornError | undefined {
  if (error instanceof StoreUnavailable) {
    const detail =
      'The store is unavailable, so the request might not have been stored. Try again, with the same key when publishing.'
    return new PosthornError('store_unavailable', detail, { retryAfterSeconds: STORE_RETRY_SECONDS, cause: error })
  }
  if (error instanceof StoreContended) {
    const detail =
      'Another open transaction, such as one that published this key from SQL, is blocking this request. Try again.'
    return new PosthornError('busy', detail, { retryAfterSeconds: BUSY_RETRY_SECONDS, cause: error })
  }
  if (error instanceof StoreOverloaded) {
    const detail = 'Too many events are waiting to be stored. Try again.'
    return new PosthornError('overloaded', detail, { retryAfterSeconds: BUSY_RETRY_SECONDS, cause: error })
  }
  return undefined
}
