/** The thread that owns a connection: runs the calls it is sent in order, and replies to each. */
import { parentPort } from 'node:worker_threads'
import { collectOnceIdle } from '../../base/idle-collection.ts'
import { forgetTime } from '../../base/ids.ts'
import type { OperationCall } from '../driver.ts'
import { runOperation } from '../run-operation.ts'
import { KeyRace, StoreUnavailable, type Transaction } from '../transaction.ts'
import { SqliteConnection } from './connection.ts'
import { packResult, unpackCall } from './crossing.ts'
import { sqliteDialect } from './dialect.ts'

export type FileSettings = { readonly file: string; readonly readOnly: boolean }

export type Request =
  | ({ readonly id: number; readonly kind: 'open' } & FileSettings)
  | { readonly id: number; readonly kind: 'calls'; readonly calls: readonly OperationCall[] }
  | { readonly id: number; readonly kind: 'pragma'; readonly name: string }
  | { readonly id: number; readonly kind: 'empty log' }
  | { readonly id: number; readonly kind: 'close' }
  | { readonly id: number; readonly kind: 'end' }

/** Errors lose their class between threads, so it is sent separately. */
export type Failure = {
  readonly ok: false
  readonly unavailable: boolean
  readonly name: string
  readonly message: string
}
export type Success = { readonly ok: true; readonly value: unknown }
export type Reply = { readonly id: number; readonly results: readonly (Success | Failure)[] }

let settings: FileSettings | undefined
let connection: SqliteConnection | undefined

/** Throws StoreUnavailable; the next call tries again. */
function connect(): SqliteConnection {
  if (settings === undefined) throw new StoreUnavailable('The store is closed')
  connection ??= new SqliteConnection(settings.file, settings.readOnly)
  return connection
}

function open({ file, readOnly }: FileSettings): void {
  forget()
  // Another store's time can be behind that of the previous one.
  forgetTime()
  settings = { file, readOnly }
  connect()
}

function* together(calls: readonly OperationCall[]): Transaction<unknown[]> {
  const values: unknown[] = []
  for (const call of calls) values.push(packResult(call.name, yield* runOperation(unpackCall(call), sqliteDialect)))
  return values
}

function transact(calls: readonly OperationCall[]): unknown[] {
  return connect().transact(settings!.readOnly ? 'begin' : 'begin immediate', () => together(calls))
}

function failure(error: unknown): Failure {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  return { ok: false, unavailable: error instanceof StoreUnavailable, name, message }
}

/** Discards the connection: after a disk fault, none of its state can be trusted. */
function forget(): void {
  try {
    connection?.close()
  } catch {
    // It is discarded either way.
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
  if (request.kind === 'pragma') return [{ ok: true, value: connect().pragma(request.name) }]
  if (request.kind === 'empty log') return [{ ok: true, value: connect().emptyLog() }]
  if (request.kind === 'open') open(request)
  else {
    forget()
    settings = undefined
  }
  return [{ ok: true, value: null }]
}

collectOnceIdle()
parentPort!.on('message', (request: Request) => {
  let results: (Success | Failure)[]
  try {
    results = answer(request)
  } catch (error) {
    results = (request.kind === 'calls' ? request.calls : [null]).map(() => failure(error))
  }
  parentPort!.postMessage({ id: request.id, results } satisfies Reply)
  if (request.kind === 'end') parentPort!.close()
})
