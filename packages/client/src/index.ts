export * from './api/index.ts'
export type * from './event-payloads.ts'
export { Connection } from './http/connection.ts'
export {
  ApiError,
  ConnectionError,
  type ErrorCode,
  PosthornError,
  ResponseError,
  TimeoutError,
} from './http/errors.ts'
export type { Direction, List, Page } from './http/list.ts'
export type { CallOptions, ClientOptions, Fetch, MakingCallOptions, RequestHeaders } from './http/options.ts'
export type { ListenedRequest, StreamedAttempt, StreamedEndpoint, StreamOptions, StreamRecord } from './http/stream.ts'
export type { IncomingRequest, NodeRequest } from './incoming.ts'
export { JsonText } from './json-text.ts'
export { type EventToPublish, publish } from './publish.ts'
export {
  Publisher,
  PublisherError,
  type PublisherOptions,
  type PublishingClient,
  type PublishOptions,
} from './publisher.ts'
export type {
  DrizzleTransaction,
  KyselyTransaction,
  PrismaTransaction,
  SqlTransaction,
  Transaction,
} from './transactions.ts'
export { type FailedCheck, type FailureReason, VerificationError } from './verification-error.ts'
export { type VerifiedRequest, type VerifyOptions, verify, type Webhook } from './verify.ts'
export { VERSION } from './version.ts'
