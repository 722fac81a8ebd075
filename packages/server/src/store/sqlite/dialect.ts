import type { Dialect } from '../transaction.ts'

export const sqliteDialect: Dialect = {
  engine: 'sqlite',
  words: { text: 'text', int: 'integer', bytes: 'blob', clustered: 'without rowid' },
  // One writer at a time anyhow.
  lockLiveRows: '',
  lockEndpointRows: '',
  skipLocked: '',
  nowMs: `cast(unixepoch('subsec') * 1000 as integer)`,
  lockConfigurationShared: null,
  lockConfiguration: null,
  limitLockWait: () => null,
}
