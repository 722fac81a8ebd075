import type { Socket } from 'node:net'
import { afterPoll } from './after-poll.ts'

/**
 * Lets a socket whose write has failed read what had arrived by then. Node destroys such a socket at once, and with it
 * a response (the receiver didn't want to read the whole request), or the alert with which TLS 1.3 refuses a client
 * certificate once the handshake is over. Nothing can arrive later: the write has failed because the other side is gone.
 */
export function readLastWords(socket: Socket): void {
  const destroy = socket.destroy.bind(socket)
  let isReading = false
  socket.destroy = error => {
    if (error === undefined || (error as NodeJS.ErrnoException).syscall !== 'write') return destroy(error)
    if (!isReading) afterPoll(() => destroy(error))
    isReading = true
    return socket
  }
}
