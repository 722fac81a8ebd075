/** What a program that has Posthorn inside passes and gets when it publishes. */

export type PublishOptions = {
  /** Idempotency key, 1 to 255 printable ASCII characters: publishing again with it adds no event. Default: none. */
  readonly key?: string | undefined
  /** The trace that the event belongs to (W3C Trace Context). Default: none. */
  readonly traceparent?: string | undefined
}

export type Published = {
  /** The event's id or, for a key that was used before, the id of the event that first used it. */
  readonly id: string
  /** Whether an event with this key existed already, so that nothing was stored. */
  readonly duplicate: boolean
  /** Number of deliveries. Null: they are still being created. */
  readonly deliveries: number | null
}
