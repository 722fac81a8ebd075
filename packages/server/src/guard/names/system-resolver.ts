import { type ChildProcess, fork } from 'node:child_process'
import type { Answer } from './name-servers.ts'
import type { ResolverEnvironment } from './resolv-conf.ts'
import type { SystemAnswer, SystemQuestion } from './system-child.ts'

/** libuv gives name lookups half of its threads. */
const THREADS = 256
export const SYSTEM_ROOM = THREADS / 2
/** When look-ups that no one waits for hold this number of threads, the child is replaced. */
const MAX_ABANDONED = SYSTEM_ROOM / 2
/** What the system resolver says has no time to live. */
const TTL_MS = 5_000

type Held = { readonly name: string; readonly answered: (answer: Answer) => void; readonly released: () => void }

export type SystemLookup = {
  readonly answer: Promise<Answer>
  /** Settles when the look-up holds no thread any longer, which can be long after `answer`. */
  readonly released: Promise<void>
}

/**
 * Asks the system's resolver, for machines that resolve names in other ways than by files and DNS. The child is started
 * at the first question. When half of its threads hang, and when it ends, another takes its place; whatever someone
 * still waits for is asked there again. The caller sees to it that there are at most `SYSTEM_ROOM` questions.
 */
export class SystemResolver {
  readonly #environment: ResolverEnvironment
  #child: ChildProcess | undefined
  readonly #held = new Map<number, Held>()
  /** Questions that someone still waits for. */
  readonly #waitedFor = new Set<number>()
  #nextId = 0
  #startsInARow = 0

  constructor(environment: ResolverEnvironment) {
    this.#environment = environment
  }

  /** The child's process id. Null if none is running. */
  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  ask(name: string, signal: AbortSignal): SystemLookup {
    const id = this.#nextId++
    const answer = Promise.withResolvers<Answer>()
    const released = Promise.withResolvers<void>()
    this.#held.set(id, { name, answered: answer.resolve, released: released.resolve })
    this.#waitedFor.add(id)
    const give = () => {
      this.#waitedFor.delete(id)
      answer.resolve({ code: 'EAI_AGAIN' })
      if (this.#held.size - this.#waitedFor.size >= MAX_ABANDONED) this.#replace()
    }
    signal.addEventListener('abort', give, { once: true })
    void answer.promise.then(() => signal.removeEventListener('abort', give))
    this.#send({ id, name })
    return { answer: answer.promise, released: released.promise }
  }

  close(): void {
    this.#end()
    for (const id of [...this.#held.keys()]) this.#settle(id, { code: 'EAI_AGAIN' })
  }

  #send(question: SystemQuestion): void {
    this.#child ??= this.#start()
    this.#child.send(question, error => {
      if (error !== null) this.#settle(question.id, { code: 'EAI_AGAIN' })
    })
  }

  #start(): ChildProcess {
    const variables = Object.entries(this.#environment).filter(([, value]) => value !== undefined)
    const child = fork(new URL('./system-child.ts', import.meta.url), [], {
      execArgv: [],
      env: { ...Object.fromEntries(variables), UV_THREADPOOL_SIZE: String(THREADS) },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    child.on('message', (message: SystemAnswer) => {
      this.#startsInARow = 0
      const { id, code, addresses } = message
      if (code === null) this.#settle(id, { addresses, ttlMs: TTL_MS })
      else this.#settle(id, { code: code === 'ENOTFOUND' ? 'ENOTFOUND' : 'EAI_AGAIN' })
    })
    child.on('error', () => {})
    child.on('exit', () => {
      if (this.#child === child) this.#replace()
    })
    child.unref()
    child.channel?.unref()
    return child
  }

  /** Ends the child with its threads. A child that can't even start is not started over and over. */
  #replace(): void {
    this.#end()
    const mayAskAgain = ++this.#startsInARow <= 2
    for (const [id, { name }] of [...this.#held]) {
      if (mayAskAgain && this.#waitedFor.has(id)) this.#send({ id, name })
      else this.#settle(id, { code: 'EAI_AGAIN' })
    }
  }

  #end(): void {
    const child = this.#child
    this.#child = undefined
    child?.kill('SIGKILL')
  }

  #settle(id: number, answer: Answer): void {
    const held = this.#held.get(id)
    this.#held.delete(id)
    this.#waitedFor.delete(id)
    held?.answered(answer)
    held?.released()
  }
}
