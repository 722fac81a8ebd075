/** How nodes on one store tell each other that there is something to look at. Messages may get lost. */
export type Bus = {
  /**
   * `handler` gets the messages of all nodes, this one included. `onLine` is told when what was sent up to now may have
   * been missed, and whether messages are heard from now on.
   */
  open(handler: (message: string) => void, onLine: (areHeard: boolean) => void): Promise<void>
  /** At most MAX_MESSAGE_BYTES. False: it was not sent. */
  send(message: string): Promise<boolean>
  close(): Promise<void>
}

/** PostgreSQL takes less than 8,000 bytes in a notification. */
export const MAX_MESSAGE_BYTES = 7_900
