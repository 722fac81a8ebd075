import { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../../base/clock.ts'
import { createPrivate } from '../../base/private-files.ts'
import { NoSeat, Seats } from '../../base/seats.ts'
import type { Driver, OperationCall, OperationResult } from '../driver.ts'
import { type Arguments, operations, type ReadName, type Result, turnOf } from '../operations/index.ts'
import { StoreUnavailable } from '../transaction.ts'
import { packCall, unpackResult } from './crossing.ts'
import { sqliteDialect } from './dialect.ts'
import { makeFolder } from './make-folder.ts'
import { databaseFile, lockFile, makeStorePrivate } from './private-store.ts'
import { Readers } from './readers.ts'
import { newWorkers, Thread, type Workers } from './thread.ts'
import type { Failure, Success } from './worker.ts'

/** Another process has the folder open. */
export class FolderInUse extends Error {
  constructor(folder: string) {
    super(`Another Posthorn is using the data folder ${folder}: stop it, or choose another folder with --data.`)
    this.name = 'FolderInUse'
  }
}

function toError({ unavailable, name, message }: Failure): Error {
  if (unavailable) return new StoreUnavailable(message)
  const error = new Error(message)
  error.name = name
  return error
}

function toUnavailable(error: unknown): never {
  throw error instanceof NoSeat ? new StoreUnavailable('The store is busy with other reads', { cause: error }) : error
}

const toResult = (result: Success | Failure): OperationResult =>
  result.ok ? result : { ok: false, error: toError(result) }

/**
 * Locks the folder. The lock lives as long as the process and is dropped by the kernel with it, so a crash leaves
 * nothing to clean up (a pid file would). Throws FolderInUse.
 */
export function lockFolder(folder: string): DatabaseSync {
  createPrivate(lockFile(folder))
  const lock = new DatabaseSync(lockFile(folder))
  try {
    lock.exec('pragma busy_timeout = 0')
    lock.exec('begin exclusive')
    return lock
  } catch (error) {
    lock.close()
    if (((error as { errcode?: number }).errcode ?? 0) % 256 === 5) throw new FolderInUse(folder)
    throw error
  }
}

/**
 * A read that people wait for and that takes longer is followed by a pause as long as itself: lists and counts of one
 * tenant get half a processor, however many it makes. (A lower priority for the thread was tried. It then holds locks of
 * the memory allocator while it waits for its turn, and everything else waits for it: others' p99 became a second.)
 */
const LONG_READ_MS = 25
/** How long a read waits for others before it fails. */
const READ_PATIENCE_MS = 60_000
/**
 * The engine's other reads that its thread has at the same time, so that it always has one to go on with. Thousands
 * would be made in their order, whichever tenant they are for, and their results would all arrive in one turn of the
 * event loop.
 */
const ENGINE_READS_AT_ONCE = 8

/** The embedded store: a file in `folder`, and threads that write, read for the engine, and read for people. */
export async function openSqlite(folder: string, clock: Clock, workers: Workers = newWorkers): Promise<Driver> {
  makeFolder(folder)
  const lock = lockFolder(folder)
  const file = databaseFile(folder)
  makeStorePrivate(folder)
  const writer = new Thread({ file, readOnly: false }, workers)
  const readers = new Readers({ file, workers, clock })
  await writer.ask({ kind: 'pragma', name: 'journal_mode' })
  const patienceMs = READ_PATIENCE_MS
  const people = new Seats({ clock, count: 1, patienceMs, longMs: LONG_READ_MS })
  const engine = new Seats({ clock, count: ENGINE_READS_AT_ONCE, patienceMs })

  return {
    dialect: sqliteDialect,
    now: () => clock.now(),
    latest: () => clock.now(),
    async write(calls: readonly OperationCall[]) {
      const results = await writer.ask({ kind: 'calls', calls: calls.map(packCall) })
      // A thread that died returns one result for all calls.
      return calls.map((_, index) => toResult(results[index] ?? results[0]!))
    },
    async read<Name extends ReadName>(name: Name, args: Arguments<Name>) {
      const calls = [packCall({ name, args } as OperationCall)]
      const ask = (thread: Thread) => thread.ask({ kind: 'calls', calls })
      const isForPeople = operations[name].waitedForBy === 'people'
      const run = isForPeople ? () => readers.forPeople(ask) : () => ask(readers.forEngine())
      const [result] = await (isForPeople ? people : engine).run(run, turnOf(name, args)).catch(toUnavailable)
      if (!result!.ok) throw toError(result as Failure)
      return unpackResult(name, result!.value) as Result<Name>
    },
    async durability() {
      const names = ['synchronous', 'journal_mode', 'auto_vacuum']
      const answers = await Promise.all(names.map(name => writer.ask({ kind: 'pragma', name })))
      return Object.fromEntries(names.map((name, index) => [name, String((answers[index]![0] as Success).value)]))
    },
    // History isn't partitioned here: each table holds all of it.
    keepHistory: async () => ({ made: 0, dropped: [], busy: [] }),
    spanDays: () => 0,
    async scrub() {
      const [result] = await writer.ask({ kind: 'empty log' })
      if (!result!.ok) throw toError(result as Failure)
      return (result as Success).value === true
    },
    makeHistory: async () => 0,
    async close() {
      await readers.close()
      await writer.close()
      lock.close()
    },
  }
}
