/** All benches of `npm run bench`, in the order of its help text and of docs/benchmarks.md. */
import { batchAlternatives } from './batch-alternatives.ts'
import { batchPostgres } from './batch-postgres.ts'
import { batchSqlite } from './batch-sqlite.ts'
import type { Bench } from './definition.ts'
import { diskBytes } from './disk-bytes.ts'
import { fanOut } from './fan-out.ts'
import { firstByte } from './first-byte.ts'
import { hangingAlternatives } from './hanging-alternatives.ts'
import { hangingEndpoints } from './hanging-endpoints.ts'
import { moreNodes } from './more-nodes.ts'
import { apiPort } from './neighbours/api-port.ts'
import { changingEndpoints } from './neighbours/changing-endpoints.ts'
import { checking } from './neighbours/checking.ts'
import { configuration } from './neighbours/configuration.ts'
import { costlyHandshakes } from './neighbours/costly-handshakes.ts'
import { costlyReads } from './neighbours/costly-reads.ts'
import { keptConnections } from './neighbours/kept-connections.ts'
import { lookups } from './neighbours/lookups.ts'
import { makingReplays } from './neighbours/making-replays.ts'
import { matching } from './neighbours/matching.ts'
import { fasterPublisher, largeResponses, refusingReceivers } from './neighbours/overload.ts'
import { refusedCalls } from './neighbours/refused-calls.ts'
import { unreadStreams } from './neighbours/unread-streams.ts'
import { rateWithBacklog } from './rate-with-backlog.ts'
import { singleEvents } from './single-events.ts'
import { start } from './start.ts'
import { startWithBacklog } from './start-with-backlog.ts'
import { stream } from './stream.ts'

export const BENCHES: readonly Bench[] = [
  batchSqlite,
  batchPostgres,
  singleEvents,
  batchAlternatives,
  firstByte,
  hangingEndpoints,
  hangingAlternatives,
  rateWithBacklog,
  startWithBacklog,
  fanOut,
  diskBytes,
  moreNodes,
  stream,
  start,
  configuration,
  matching,
  lookups,
  apiPort,
  refusedCalls,
  keptConnections,
  costlyReads,
  makingReplays,
  changingEndpoints,
  unreadStreams,
  costlyHandshakes,
  fasterPublisher,
  largeResponses,
  refusingReceivers,
  ...checking,
]

/** Finds a bench by its id or its name. */
export const findBench = (word: string): Bench | undefined =>
  BENCHES.find(({ id, name }) => word === id || word === name)
