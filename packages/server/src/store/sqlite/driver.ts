import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import type { Clock } from '../../base/clock.ts'
import type { Driver, OperationCall, OperationResult } from '../driver.ts'
import { type Arguments, operations, type ReadName, type Result } from '../operations/index.ts'
import { StoreUnavailable } from '../transaction.ts'
import { packCall, unpackResult } from './crossing.ts'
import { sqliteDialect } from './dialect.ts'
import type { Failure, Reply, Request, Success, WorkerSettings } from './worker.ts'

/** Another process has the folder open. */
export class FolderInUse extends Error {
  constructor(folder: string) {
    super(`Another process is using the data folder ${folder}: stop it, or choose another folder with --data.`)
    this.name = 'FolderInUse'
  }
}

/** Of each thread. By default V8 lets what is short-lived take 64 MB before it looks what of it is still needed. */
const YOUNG_MEGABYTES = 12

type RequestBody = Request extends infer R ? (R extends unknown ? Omit<R, 'id'> : never) : never

/** A worker thread with a connection of its own, as a function from request to results. */
class Thread {
  readonly #worker: Worker
  readonly #waiting = new Map<number, (results: readonly (Success | Failure)[]) => void>()
  #lastId = 0
  #dead: string | undefined

  constructor(settings: WorkerSettings) {
    this.#worker = startWorker(settings)
    this.#worker.on('message', (reply: Reply) => {
      const resolve = this.#waiting.get(reply.id)
      this.#waiting.delete(reply.id)
      resolve?.(reply.results)
    })
    this.#worker.on('error', error => this.#die(error.message))
    this.#worker.on('exit', () => this.#die('The store thread has ended'))
  }

  ask(body: RequestBody): Promise<readonly (Success | Failure)[]> {
    const { promise, resolve } = Promise.withResolvers<readonly (Success | Failure)[]>()
    if (this.#dead !== undefined) return Promise.resolve([unavailable(this.#dead)])
    const id = ++this.#lastId
    this.#waiting.set(id, resolve)
    this.#worker.postMessage({ ...body, id } as Request)
    return promise
  }

  #die(why: string): void {
    this.#dead ??= why
    for (const resolve of this.#waiting.values()) resolve([unavailable(why)])
    this.#waiting.clear()
  }
}

function startWorker(workerData: WorkerSettings): Worker {
  const start = (flags: readonly string[]) =>
    // A diagnostic report would list the environment, where keys are, for each thread again.
    new Worker(new URL('./worker.ts', import.meta.url), {
      workerData,
      execArgv: [...flags, '--report-exclude-env'],
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES },
    })
  try {
    // Without that of cli.ts, so that the others (`--cpu-prof`) hold for threads too.
    return start(process.execArgv.filter(flag => !flag.startsWith('--max-semi-space-size')))
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_WORKER_INVALID_EXEC_ARGV') throw error
    // Flags of the whole process (`--max-old-space-size`), which hold for its threads without being given to them.
    return start([])
  }
}

const unavailable = (message: string): Failure => ({ ok: false, unavailable: true, name: 'StoreUnavailable', message })

function toError({ unavailable, name, message }: Failure): Error {
  if (unavailable) return new StoreUnavailable(message)
  const error = new Error(message)
  error.name = name
  return error
}

const toResult = (result: Success | Failure): OperationResult =>
  result.ok ? result : { ok: false, error: toError(result) }

/**
 * Held as long as the process lives and dropped by the kernel with it, so a crash leaves nothing to clean up (a pid in
 * a file would). Throws FolderInUse.
 */
export function lockFolder(folder: string): DatabaseSync {
  const lock = new DatabaseSync(join(folder, 'lock.db'))
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

/** Where the embedded store is in its folder. */
export const databaseFile = (folder: string): string => join(folder, 'posthorn.db')

/** The embedded store: one file in `folder`, a thread that writes, one that reads, and one that reads for people. */
export async function openSqlite(folder: string, clock: Clock): Promise<Driver> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const lock = lockFolder(folder)
  const file = databaseFile(folder)
  const writer = new Thread({ file, readOnly: false })
  await writer.ask({ kind: 'pragma', name: 'journal_mode' })
  // Begun when they are first asked: a thread takes memory, and a moment of a core. The file is there by now.
  const readers = new Map<'engine' | 'people', Thread>()
  let isClosed = false
  const readerFor = (name: ReadName): Thread => {
    // One that began now would never be ended.
    if (isClosed) throw new StoreUnavailable('The store is closed')
    const whom = operations[name].waitedForBy
    const thread = readers.get(whom) ?? new Thread({ file, readOnly: true })
    readers.set(whom, thread)
    return thread
  }

  return {
    dialect: sqliteDialect,
    now: () => clock.now(),
    latest: () => clock.now(),
    async write(calls: readonly OperationCall[]) {
      const results = await writer.ask({ kind: 'calls', calls: calls.map(packCall) })
      // A thread that died answers once for all.
      return calls.map((_, index) => toResult(results[index] ?? results[0]!))
    },
    async read<Name extends ReadName>(name: Name, args: Arguments<Name>) {
      const [result] = await readerFor(name).ask({ kind: 'calls', calls: [packCall({ name, args } as OperationCall)] })
      if (!result!.ok) throw toError(result as Failure)
      return unpackResult(name, result!.value) as Result<Name>
    },
    async durability() {
      const names = ['synchronous', 'journal_mode', 'auto_vacuum']
      const answers = await Promise.all(names.map(name => writer.ask({ kind: 'pragma', name })))
      return Object.fromEntries(names.map((name, index) => [name, String((answers[index]![0] as Success).value)]))
    },
    // One table each holds it all.
    keepHistory: async () => ({ made: 0, dropped: [], busy: [] }),
    spanDays: () => 0,
    async scrub() {
      const [result] = await writer.ask({ kind: 'empty log' })
      if (!result!.ok) throw toError(result as Failure)
      return (result as Success).value === true
    },
    makeHistory: async () => 0,
    async close() {
      isClosed = true
      await Promise.all([...readers.values()].map(thread => thread.ask({ kind: 'close' })))
      await writer.ask({ kind: 'close' })
      lock.close()
    },
  }
}
