import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

type Question = { readonly id: number; readonly command: unknown }
type Answer = { readonly id: number; readonly value?: unknown; readonly error?: string }

/** A child process of the bench. It takes commands over Node's IPC channel and ends with the bench in any case. */
export class Child<Command, Value> {
  readonly #process: ChildProcess
  readonly #ended: Promise<void>
  readonly #waiting = new Map<number, PromiseWithResolvers<Value>>()
  #lastId = 0

  /** @param file a file in this folder */
  constructor(file: string) {
    this.#process = fork(fileURLToPath(new URL(file, import.meta.url)))
    this.#process.on('message', ({ id, value, error }: Answer) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(value as Value)
      else waiting?.reject(new Error(`${file}: ${error}`))
    })
    this.#ended = new Promise(resolve => this.#process.once('exit', () => resolve()))
    this.#process.on('exit', code => {
      for (const waiting of this.#waiting.values()) waiting.reject(new Error(`${file} exited with code ${code}.`))
      this.#waiting.clear()
    })
  }

  get pid(): number {
    return this.#process.pid!
  }

  ask(command: Command): Promise<Value> {
    const waiting = Promise.withResolvers<Value>()
    const id = ++this.#lastId
    this.#waiting.set(id, waiting)
    this.#process.send({ id, command } satisfies Question)
    return waiting.promise
  }

  /** Resolves once the process has ended, so that its peers can be ended next without connection errors. */
  end(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect()
    return this.#ended
  }
}

/** The child's side: responds to each command, and exits when the parent is gone. */
export function answerCommands<Command, Value>(answer: (command: Command) => Promise<Value>): void {
  process.on('message', async ({ id, command }: Question) => {
    try {
      process.send?.({ id, value: await answer(command as Command) } satisfies Answer)
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? error.message : String(error) } satisfies Answer)
    }
  })
  process.on('disconnect', () => process.exit())
}
