import { connect } from 'node:net'
import { pause } from './pause.ts'

const FIRST_PAUSE_MS = 500
const MAX_PAUSE_MS = 3_000
const CONNECT_MS = 3_000

type Needs = {
  readonly target: URL
  readonly signal: AbortSignal
  /** Called when it can't be reached, once until it can be. */
  readonly onDown: (why: string) => void
  /** Called when it can be reached again, with the number of requests that couldn't be forwarded. */
  readonly onUp: (failed: number) => void
}

/**
 * Whether the receiver can be reached: `up` until a request can't be forwarded, then `down` until one can, or until
 * something listens there again, which is tried every few seconds by connecting.
 */
export class ReceiverWatch {
  readonly #needs: Needs
  #failed = 0

  constructor(needs: Needs) {
    this.#needs = needs
  }

  /** Requests that couldn't be forwarded since it is down. Zero while it is up. */
  get failed(): number {
    return this.#failed
  }

  noteUnreachable(why: string): void {
    if (this.#failed++ > 0) return
    this.#needs.onDown(why)
    void this.#probe()
  }

  noteReached(): void {
    const failed = this.#failed
    if (failed === 0) return
    this.#failed = 0
    this.#needs.onUp(failed)
  }

  async #probe(): Promise<void> {
    const { signal, target } = this.#needs
    for (let pauseMs = FIRST_PAUSE_MS; this.#failed > 0; pauseMs = Math.min(1.5 * pauseMs, MAX_PAUSE_MS)) {
      if (!(await pause(pauseMs, signal))) return
      if (this.#failed > 0 && (await canConnect(target, signal))) this.noteReached()
    }
  }
}

/** Whether something listens there. Sends nothing. */
function canConnect({ hostname, port, protocol }: URL, signal: AbortSignal): Promise<boolean> {
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  return new Promise(resolve => {
    const socket = connect({
      host,
      port: Number(port) || (protocol === 'https:' ? 443 : 80),
      signal,
      timeout: CONNECT_MS,
    })
    const end = (isOpen: boolean) => {
      socket.destroy()
      resolve(isOpen)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })
}
