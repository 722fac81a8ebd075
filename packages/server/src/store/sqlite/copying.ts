/** Makes copies of a store in a thread, so that the main one can show how far they are, and stop. */
import { rmSync } from 'node:fs'
import { startThread } from '../../base/threads.ts'
import { type Copied, CopyRefused, type TellStep } from './backup.ts'
import type { CopyJob, CopyMessage } from './copy-worker.ts'

const YOUNG_MEGABYTES = 16

export class Copying {
  #draft: string | undefined

  /** Throws CopyRefused, also for a folder that is in use. */
  run(job: CopyJob, tell: TellStep): Promise<Copied> {
    const { promise, resolve, reject } = Promise.withResolvers<Copied>()
    const worker = startThread(new URL('./copy-worker.ts', import.meta.url), YOUNG_MEGABYTES, job)
    worker.on('message', (message: CopyMessage) => {
      if (message.kind === 'done') resolve(message.copied)
      else if (message.kind === 'failed') reject(toError(message))
      else {
        if (message.step.does === 'copying') this.#draft = message.step.file
        tell(message.step)
      }
    })
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('The thread that makes the copy has ended')))
    return promise
  }

  /** Removes what is unfinished. The process has to end now: the thread can't be stopped, and would go on. */
  removeDraft(): void {
    if (this.#draft === undefined) return
    for (const side of ['', '-journal', '-wal', '-shm']) rmSync(`${this.#draft}${side}`, { force: true })
  }
}

function toError({ name, message }: Extract<CopyMessage, { kind: 'failed' }>): Error {
  if (name === 'CopyRefused' || name === 'FolderInUse') return new CopyRefused(message)
  return Object.assign(new Error(message), { name })
}
