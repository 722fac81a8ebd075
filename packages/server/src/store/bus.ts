/** How nodes on one store notify each other of changes. Messages can get lost. */
export type Bus = {
  /**
   * `handler` receives the messages of all nodes, including this one. `onLine` is called when messages might have been
   * lost until now; `areHeard` says whether they arrive from now on.
   */
  open(handler: (message: string) => void, onLine: (areHeard: boolean) => void): Promise<void>
  /** Sends a message of at most MAX_MESSAGE_BYTES. Returns false if it was not sent. */
  send(message: string): Promise<boolean>
  close(): Promise<void>
}

/** PostgreSQL allows less than 8,000 bytes in a notification. */
export const MAX_MESSAGE_BYTES = 7_900
