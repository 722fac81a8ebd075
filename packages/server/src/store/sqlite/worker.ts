/** The thread that owns a connection: runs the calls it is sent, in order, and answers each. */
import { parentPort, workerData } from 'node:worker_threads'
import type { OperationCall } from '../driver.ts'
import { KeyRace } from '../operations/events/idempotency.ts'
import { runOperation } from '../run-operation.ts'
import { StoreUnavailable, type Transaction } from '../transaction.ts'
import { SqliteConnection } from './connection.ts'
import { packResult, unpackCall } from './crossing.ts'
import { sqliteDialect } from './dialect.ts'

export type WorkerSettings = { readonly file: string; readonly readOnly: boolean }

export type Request =
  | { readonly id: number; readonly kind: 'calls'; readonly calls: readonly OperationCall[] }
  | { readonly id: number; readonly kind: 'pragma'; readonly name: string }
  | { readonly id: number; readonly kind: 'empty log' }
  | { readonly id: number; readonly kind: 'close' }

/** Errors lose their class between threads: so it is said apart. */
export type Failure = {
  readonly ok: false
  readonly unavailable: boolean
  readonly name: string
  readonly message: string
}
export type Success = { readonly ok: true; readonly value: unknown }
export type Reply = { readonly id: number; readonly results: readonly (Success | Failure)[] }

const { file, readOnly } = workerData as WorkerSettings
let connection: SqliteConnection | undefined = new SqliteConnection(file, readOnly)

function* together(calls: readonly OperationCall[]): Transaction<unknown[]> {
  const values: unknown[] = []
  for (const call of calls) values.push(packResult(call.name, yield* runOperation(unpackCall(call), sqliteDialect)))
  return values
}

function transact(calls: readonly OperationCall[]): unknown[] {
  connection ??= new SqliteConnection(file, readOnly)
  return connection.transact(readOnly ? 'begin' : 'begin immediate', () => together(calls))
}

function failure(error: unknown): Failure {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  return { ok: false, unavailable: error instanceof StoreUnavailable, name, message }
}

/** After a fault of the disk nothing that this connection believes is believed any more. */
function forget(): void {
  try {
    connection?.close()
  } catch {
    // It is given up either way.
  }
  connection = undefined
}

function runCalls(calls: readonly OperationCall[]): (Success | Failure)[] {
  try {
    return transact(calls).map(value => ({ ok: true, value }))
  } catch (error) {
    if (error instanceof StoreUnavailable) {
      forget()
      return calls.map(() => failure(error))
    }
    if (calls.length === 1 && !(error instanceof KeyRace)) return [failure(error)]
    return calls.map(call => runAlone(call))
  }
}

function runAlone(call: OperationCall): Success | Failure {
  try {
    return { ok: true, value: transact([call])[0] }
  } catch (error) {
    if (error instanceof StoreUnavailable) forget()
    return failure(error)
  }
}

function answer(request: Request): (Success | Failure)[] {
  if (request.kind === 'calls') return runCalls(request.calls)
  if (request.kind === 'pragma') {
    connection ??= new SqliteConnection(file, readOnly)
    return [{ ok: true, value: connection.pragma(request.name) }]
  }
  if (request.kind === 'empty log') {
    connection ??= new SqliteConnection(file, readOnly)
    return [{ ok: true, value: connection.emptyLog() }]
  }
  forget()
  return [{ ok: true, value: null }]
}

parentPort!.on('message', (request: Request) => {
  let results: (Success | Failure)[]
  try {
    results = answer(request)
  } catch (error) {
    results = (request.kind === 'calls' ? request.calls : [null]).map(() => failure(error))
  }
  parentPort!.postMessage({ id: request.id, results } satisfies Reply)
  if (request.kind === 'close') parentPort!.close()
})
