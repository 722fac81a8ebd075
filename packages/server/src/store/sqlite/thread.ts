import type { Worker } from 'node:worker_threads'
import { startThread } from '../../base/threads.ts'
import type { Failure, FileSettings, Reply, Request, Success } from './worker.ts'

/** For each thread: see `startThread`. */
const YOUNG_MEGABYTES = 12

type RequestBody = Request extends infer R ? (R extends unknown ? Omit<R, 'id'> : never) : never

/** Where stores get their workers (`worker.ts`), and return them with no file open and no request pending. */
export type Workers = { take(): Worker; giveBack(worker: Worker): void }

/** Starts a new worker each time, and ends it when it is given back. */
export const newWorkers: Workers = {
  take: startWorker,
  giveBack: worker => worker.postMessage({ id: 0, kind: 'end' } satisfies Request),
}

/** A thread with its own connection, as a function from request to results. */
export class Thread {
  readonly #workers: Workers
  readonly #worker: Worker
  readonly #waiting = new Map<number, (results: readonly (Success | Failure)[]) => void>()
  #lastId = 0
  #dead: string | undefined

  /** If the file can't be opened, the results of `ask` say so. */
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

  /** Resolves once the file is closed. The worker can then serve another store, and no longer responds here. */
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
  return startThread(new URL('./worker.ts', import.meta.url), YOUNG_MEGABYTES)
}

const unavailable = (message: string): Failure => ({ ok: false, unavailable: true, name: 'StoreUnavailable', message })
