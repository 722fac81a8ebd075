/** Something in a call that was accepted, but probably not meant like that. */
export type Warning = {
  /** Stable, so that clients can depend on it. */
  readonly code: string
  /** What is odd, and what to do about it. */
  readonly detail: string
  /** A JSON Pointer into the body, or the name of a parameter. */
  readonly field?: string
}
