/** Every transaction there is, by name: the SQLite worker runs them by it. */

import { createApiKey, getApiKey, listApiKeys, readApiKeyChanges, revokeApiKey } from './api-keys.ts'
import { setArchived } from './archive.ts'
import { listAudit, recordKeyChange } from './audit.ts'
import { countPending, countSetAside } from './backlog.ts'
import * as books from './books.ts'
import * as configuration from './configuration.ts'
import * as deliveries from './deliveries.ts'
import { eraseSome, eraseTenant, finishErasure, getErasure, listErasures } from './erasure.ts'
import { listEventEndpoints } from './event-endpoints.ts'
import * as examining from './examining.ts'
import * as exporting from './exporting.ts'
import { judgeFailing, warnExpiring } from './failing.ts'
import { acceptArrivals, claimInbox, fanOut, peekInbox, releaseInbox } from './inbox.ts'
import * as lanes from './lanes.ts'
import { leaveLeases, tickLeases } from './leases.ts'
import * as leftovers from './leftovers.ts'
import { migrate } from './migrate.ts'
import { beginMove, countRows, describeTables, finishMove, moveRows } from './move.ts'
import { claimNotices, finishNotices, peekNotices } from './notices.ts'
import { publish, readKeyHashes } from './publish.ts'
import {
  claimReplayParts,
  lookAtReplayParts,
  makeReplayed,
  peekReplayParts,
  releaseReplayParts,
} from './replay-parts.ts'
import { scanReplay } from './replay-scan.ts'
import {
  cancelReplayed,
  createReplay,
  dropReplays,
  getReplay,
  listReplays,
  listUncancelled,
  setReplayState,
} from './replays.ts'
import * as retention from './retention.ts'
import { readSealed, reseal } from './sealed.ts'
import { readSelectionsAt } from './selections.ts'
import { settle } from './settle.ts'
import { addStats, dropOldStats, readStats, removeStats, tenantsWithStrayStats } from './stats.ts'
import * as tenants from './tenants.ts'
import { beginTrial, takeBackTrials } from './trials.ts'
import { findEventsOfType, readSamplePayloads, recordTypeSamples } from './type-samples.ts'
import { getMeta, readChanges, readVersions, setMeta } from './versions.ts'
import * as upkeep from './works.ts'

export const operations = {
  migrate,
  publish,
  readKeyHashes,
  peekInbox,
  claimInbox,
  releaseInbox,
  acceptArrivals,
  fanOut,
  readChanges,
  readVersions,
  tickLeases,
  leaveLeases,
  beginMove,
  moveRows,
  finishMove,
  countRows,
  describeTables,
  settle,
  addStats,
  readStats,
  removeStats,
  dropOldStats,
  tenantsWithStrayStats: (_args: object) => tenantsWithStrayStats(),
  countPending,
  countSetAside: (_args: object) => countSetAside(),
  readSealed,
  reseal,
  judgeFailing,
  warnExpiring,
  peekNotices,
  claimNotices,
  finishNotices,
  beginTrial,
  takeBackTrials,
  readMeta: (args: { key: string }) => getMeta(args.key),
  writeMeta: (args: { key: string; value: string }) => setMeta(args.key, args.value),
  createApiKey,
  revokeApiKey,
  getApiKey,
  listApiKeys,
  readApiKeyChanges,
  listAudit,
  recordKeyChange,
  scanReplay,
  createReplay,
  getReplay,
  listReplays,
  setReplayState,
  cancelReplayed,
  listUncancelled,
  dropReplays,
  peekReplayParts,
  claimReplayParts,
  releaseReplayParts,
  lookAtReplayParts,
  makeReplayed,
  setArchived,
  readSelectionsAt,
  listEventEndpoints,
  recordTypeSamples,
  findEventsOfType,
  readSamplePayloads,
  ...configuration,
  ...deliveries,
  ...lanes,
  ...tenants,
  ...retention,
  ...leftovers,
  ...books,
  ...exporting,
  ...examining,
  ...upkeep,
  eraseTenant,
  getErasure,
  listErasures,
  eraseSome,
  finishErasure,
}

/** Those that take the configuration's lock for themselves. */
export const CONFIGURATION_CHANGES: ReadonlySet<OperationName> = new Set([
  'beginMove',
  'putEventType',
  'deleteEventType',
  'setArchived',
  'seedCatalogue',
  'putTenant',
  'deleteTenant',
  'eraseTenant',
  'createEndpoint',
  'updateEndpoint',
  'setEndpointState',
  'judgeFailing',
  'deleteEndpoint',
  'createApiKey',
  'revokeApiKey',
  'holdDeliveries',
  'releaseDeliveries',
])

export type Operations = typeof operations
export type OperationName = keyof Operations
export type Arguments<Name extends OperationName> = Parameters<Operations[Name]>[0]
export type Result<Name extends OperationName> =
  ReturnType<Operations[Name]> extends Generator<unknown, infer R> ? R : never
