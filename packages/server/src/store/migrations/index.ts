import type { Transaction } from '../transaction.ts'
import { firstRelease } from './0001-first-release.ts'
import { callers } from './0002-callers.ts'
import { selections } from './0003-selections.ts'
import { nodeReports } from './0004-node-reports.ts'
import { sessions } from './0005-sessions.ts'
import { overview } from './0006-overview.ts'
import { stream } from './0007-stream.ts'
import { portal } from './0008-portal.ts'
import { portalLooks } from './0009-portal-looks.ts'
import { notifications } from './0010-notifications.ts'
import { people } from './0011-people.ts'
import { listeners } from './0012-listeners.ts'
import { senders } from './0013-senders.ts'
import { narrowIndexes } from './0014-narrow-indexes.ts'
import { escapeFilters } from './escape-filters.ts'
import type { CodeName, Migration } from './migration.ts'

/** The steps of the schema, in order. Add a new one at the end, with the next number. */
export const MIGRATIONS: readonly Migration[] = [
  firstRelease,
  callers,
  selections,
  nodeReports,
  sessions,
  overview,
  stream,
  portal,
  portalLooks,
  notifications,
  people,
  listeners,
  senders,
  narrowIndexes,
]

/** What steps do beyond SQL. */
export const CODE: Readonly<Record<CodeName, () => Transaction<void>>> = { 'escape filters': escapeFilters }
