export type { IncomingRequest, NodeRequest } from './incoming.ts'
export { type EventToPublish, publish, type SqlTransaction } from './publish.ts'
export { type FailedCheck, type FailureReason, VerificationError } from './verification-error.ts'
export { type VerifyOptions, verify, type Webhook } from './verify.ts'
