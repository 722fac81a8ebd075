import type { OperationCall } from './driver.ts'
import { operationOf } from './operations/index.ts'
import type { AnyQuery, Dialect, Transaction } from './transaction.ts'

/**
 * The transaction of a call, with the lock on the configuration that its operation declares.
 *
 * @param isAlone whether the surrounding transaction already holds the configuration exclusively
 */
export function runOperation({ name, args }: OperationCall, dialect: Dialect, isAlone = false): Transaction<unknown> {
  const lock = isAlone ? null : lockFor(name, dialect)
  const transaction = operationOf(name).run(args as never, dialect)
  return lock === null ? transaction : behind(lock, transaction)
}

/** Whether one of these calls needs the configuration exclusively; the lock is then taken before anything else. */
export const isConfigurationChanged = (calls: readonly OperationCall[]): boolean =>
  calls.some(({ name }) => changesConfiguration(name))

export function changesConfiguration(name: OperationCall['name']): boolean {
  const operation = operationOf(name)
  return operation.kind === 'write' && operation.configuration === 'changes'
}

function lockFor(name: OperationCall['name'], dialect: Dialect): AnyQuery | null {
  const operation = operationOf(name)
  if (operation.kind === 'read') return null
  if (operation.configuration === 'changes') return dialect.lockConfiguration
  return operation.configuration === 'relies on' ? dialect.lockConfigurationShared : null
}

function* behind(lock: AnyQuery, transaction: Transaction<unknown>): Transaction<unknown> {
  yield lock
  return yield* transaction
}
