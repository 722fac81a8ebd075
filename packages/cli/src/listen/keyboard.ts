import { readFileSync } from 'node:fs'
import type { Terminal } from '../terminal/index.ts'
import { Keys, type Wish } from './keys.ts'

type Parts = Pick<Terminal, 'stdin' | 'isTty'>

/** Single keys of a person on a terminal. It is left as it was found. */
export class Keyboard {
  readonly #stdin: Terminal['stdin']
  readonly #keys = new Keys()
  #onData: ((piece: Buffer | string) => void) | undefined

  private constructor(stdin: Terminal['stdin']) {
    this.#stdin = stdin
  }

  /** Null if there is no one to press keys: no terminal, or one that another program has in the foreground. */
  static of({ stdin, isTty }: Parts): Keyboard | null {
    const isUsable = isTty && stdin.isTTY === true && stdin.setRawMode !== undefined && isInForeground(stdin)
    return isUsable ? new Keyboard(stdin) : null
  }

  begin(onWish: (wish: Wish) => void): void {
    this.#onData = piece => {
      for (const wish of this.#keys.take(piece.toString())) onWish(wish)
    }
    this.#stdin.setRawMode?.(true)
    this.#stdin.on('data', this.#onData)
    this.#stdin.resume()
  }

  end(): void {
    if (this.#onData === undefined) return
    this.#stdin.off('data', this.#onData)
    this.#onData = undefined
    this.#stdin.setRawMode?.(false)
    this.#stdin.pause()
  }

  /** As Ctrl-Z does where keys are not read one by one. Continues when the shell does (`fg`). */
  suspend(): void {
    if (process.platform === 'win32') return
    this.#stdin.setRawMode?.(false)
    process.once('SIGCONT', () => {
      if (this.#onData !== undefined) this.#stdin.setRawMode?.(true)
    })
    process.kill(process.pid, 'SIGTSTP')
  }
}

/** A process in the background that changed the terminal would be stopped. Only Linux says, so elsewhere it is assumed. */
function isInForeground(stdin: Terminal['stdin']): boolean {
  if (stdin !== process.stdin) return true
  try {
    const [, , group, , , foreground] = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]!.split(' ')
    return group === foreground
  } catch {
    return true
  }
}
