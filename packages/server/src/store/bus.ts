/** How nodes on one store tell each other that there is something to look at. Messages may get lost. */
export type Bus = {
  /** `handler` gets the messages of all nodes, this one included. */
  open(handler: (message: string) => void): Promise<void>
  /** At most MAX_MESSAGE_BYTES. */
  send(message: string): Promise<void>
  close(): Promise<void>
}

/** PostgreSQL takes less than 8,000 bytes in a notification. */
export const MAX_MESSAGE_BYTES = 7_900
