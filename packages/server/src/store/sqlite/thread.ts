import { Worker } from 'node:worker_threads'
import type { Failure, FileSettings, Reply, Request, Success } from './worker.ts'

/** Of each thread. By default V8 lets what is short-lived take 64 MB before it looks what of it is still needed. */
const YOUNG_MEGABYTES = 12

type RequestBody = Request extends infer R ? (R extends unknown ? Omit<R, 'id'> : never) : never

/** Where stores get their workers (`worker.ts`), and leave them with no file open and nothing to answer. */
export type Workers = { take(): Worker; giveBack(worker: Worker): void }

/** A new one each time, which ends when it is given back. */
export const newWorkers: Workers = {
  take: startWorker,
  giveBack: worker => worker.postMessage({ id: 0, kind: 'end' } satisfies Request),
}

/** A thread with a connection of its own, as a function from request to results. */
export class Thread {
  readonly #workers: Workers
  readonly #worker: Worker
  readonly #waiting = new Map<number, (results: readonly (Success | Failure)[]) => void>()
  #lastId = 0
  #dead: string | undefined

  /** A file that can't be opened shows in the answers. */
  constructor(settings: FileSettings, workers: Workers) {
    this.#workers = workers
    this.#worker = workers.take()
    this.#worker.on('message', this.#onReply)
    this.#worker.on('error', this.#onError)
    this.#worker.on('exit', this.#onExit)
    void this.ask({ kind: 'open', file: settings.file, readOnly: settings.readOnly })
  }

  ask(body: RequestBody): Promise<readonly (Success | Failure)[]> {
    const { promise, resolve } = Promise.withResolvers<readonly (Success | Failure)[]>()
    if (this.#dead !== undefined) return Promise.resolve([unavailable(this.#dead)])
    const id = ++this.#lastId
    this.#waiting.set(id, resolve)
    this.#worker.postMessage({ ...body, id } as Request)
    return promise
  }

  /** Resolves once the file is closed. The worker may then serve another store, and answers nothing here any more. */
  async close(): Promise<void> {
    await this.ask({ kind: 'close' })
    if (this.#dead !== undefined) return
    this.#worker.off('message', this.#onReply)
    this.#worker.off('error', this.#onError)
    this.#worker.off('exit', this.#onExit)
    this.#workers.giveBack(this.#worker)
    this.#onExit()
  }

  readonly #onReply = (reply: Reply): void => {
    const resolve = this.#waiting.get(reply.id)
    this.#waiting.delete(reply.id)
    resolve?.(reply.results)
  }

  readonly #onError = (error: Error): void => this.#die(error.message)

  readonly #onExit = (): void => this.#die('The store thread has exited')

  #die(why: string): void {
    this.#dead ??= why
    for (const resolve of this.#waiting.values()) resolve([unavailable(why)])
    this.#waiting.clear()
  }
}

export function startWorker(): Worker {
  const start = (flags: readonly string[]) =>
    // A diagnostic report would list the environment, where keys are, for each thread again.
    new Worker(new URL('./worker.ts', import.meta.url), {
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
