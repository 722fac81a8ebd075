import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

type Question = { readonly id: number; readonly command: unknown }
type Answer = { readonly id: number; readonly value?: unknown; readonly error?: string }

/** Processes of the bench's own, told what to do over Node's channel; they end with the bench, however it ends. */
export class Child<Command, Value> {
  readonly #process: ChildProcess
  readonly #ended: Promise<void>
  readonly #waiting = new Map<number, PromiseWithResolvers<Value>>()
  #lastId = 0

  /** @param file of this folder */
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
      for (const waiting of this.#waiting.values()) waiting.reject(new Error(`${file} ended (exit code ${code}).`))
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

  /** Resolves once it has ended: what it is connected to can be ended then too, without an outcry. */
  end(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect()
    return this.#ended
  }
}

/** The other side: answers each command, and ends when nobody is left to give one. */
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
