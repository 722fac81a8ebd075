/**
 * What the store keeps, sealed, of a request that was handed over to those who listen (decision 54): the headers that
 * the engine made, and the answer that a reader gave.
 */

/** A request's headers. */
export type HandedHeaders = {
  /** Names and values alternately, as they are signed. */
  readonly headers: readonly string[]
  /** Names of those that have a secret, in lower case. */
  readonly secret: readonly string[]
}

/** What a reader said the response was. */
export type ListenerAnswer = {
  readonly status: number
  /** Names and values alternately. */
  readonly headers: readonly string[]
  readonly body: string
  /** Whether the body was longer. */
  readonly truncated: boolean
  /** How long the response took, by the reader's clock; null: it didn't say. */
  readonly durationMs: number | null
  /** When it was given, milliseconds since 1970. */
  readonly atMs: number
}

/** The longest body and headers of an answer, in characters. */
export const MAX_ANSWER_BODY_CHARACTERS = 32_768
export const MAX_ANSWER_HEADER_CHARACTERS = 16_384
