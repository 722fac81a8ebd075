/** All operations by name, put together from what each noun's files declare (decision 28). */
import type { TenantId } from '../../base/model.ts'
import type { Operation, ReadOperation } from '../operation.ts'
import { apiKeyOperations } from './api-keys.ts'
import { auditOperations } from './audit.ts'
import { bookOperations } from './books.ts'
import { configurationOperations } from './configuration.ts'
import { deliveryOperations } from './deliveries/operations.ts'
import { endpointOperations } from './endpoints/operations.ts'
import { erasureOperations } from './erasure.ts'
import { eventTypeOperations } from './event-types/operations.ts'
import { eventOperations } from './events/operations.ts'
import { exportOperations } from './exports.ts'
import { idempotentCallOperations } from './idempotent-calls.ts'
import { inboxOperations } from './inbox/operations.ts'
import { laneOperations } from './lanes/operations.ts'
import { leaseOperations } from './leases.ts'
import { listenerOperations } from './listeners/operations.ts'
import { metaOperations } from './meta.ts'
import { migrateOperations } from './migrate.ts'
import { moveOperations } from './move.ts'
import { nodeOperations } from './nodes.ts'
import { noticeOperations } from './notices.ts'
import { notificationOperations } from './notifications/operations.ts'
import { overviewOperations } from './overview.ts'
import { portalLinkOperations } from './portal-links.ts'
import { portalLooksOperations } from './portal-looks.ts'
import { replayOperations } from './replays/operations.ts'
import { retentionOperations } from './retention.ts'
import { searchOperations } from './search.ts'
import { sessionOperations } from './sessions.ts'
import { statOperations } from './stats.ts'
import { streamOperations } from './stream/operations.ts'
import { tenantOperations } from './tenants.ts'
import { workOperations } from './works.ts'

export const operations = {
  ...apiKeyOperations,
  ...auditOperations,
  ...bookOperations,
  ...configurationOperations,
  ...deliveryOperations,
  ...endpointOperations,
  ...erasureOperations,
  ...eventOperations,
  ...eventTypeOperations,
  ...exportOperations,
  ...idempotentCallOperations,
  ...inboxOperations,
  ...laneOperations,
  ...leaseOperations,
  ...listenerOperations,
  ...metaOperations,
  ...migrateOperations,
  ...moveOperations,
  ...nodeOperations,
  ...noticeOperations,
  ...notificationOperations,
  ...overviewOperations,
  ...replayOperations,
  ...retentionOperations,
  ...searchOperations,
  ...sessionOperations,
  ...portalLinkOperations,
  ...portalLooksOperations,
  ...statOperations,
  ...streamOperations,
  ...tenantOperations,
  ...workOperations,
}

export type Operations = typeof operations
export type OperationName = keyof Operations
/** Names of the operations that only read. */
export type ReadName = {
  [Name in OperationName]: Operations[Name]['kind'] extends 'read' ? Name : never
}[OperationName]
export type WriteName = Exclude<OperationName, ReadName>
export type Arguments<Name extends OperationName> = Parameters<Operations[Name]['run']>[0]
export type Result<Name extends OperationName> =
  ReturnType<Operations[Name]['run']> extends Generator<unknown, infer R> ? R : never

/** Whose turn a read takes: see `ReadOperation`. */
export function turnOf<Name extends ReadName>(name: Name, args: Arguments<Name>): string {
  const { turnOf: declared } = operations[name] as ReadOperation<Arguments<Name>, unknown>
  return declared?.(args) ?? (args as { readonly tenant?: TenantId | null }).tenant ?? ''
}

/** An operation's declaration, for code that works with any operation. */
export const operationOf = (name: OperationName): Operation<never, unknown> => operations[name]
