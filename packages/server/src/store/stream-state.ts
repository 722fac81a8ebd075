/** Whether the stream is on, and from where on its log is complete (decision 47). */

/** The key in `meta`: `<until> <epoch>`, the time in milliseconds since 1970 until which the stream is on. */
export const STREAM_KEY = 'stream'

/** The part of the value before the space, in both engines. */
export const UNTIL = `cast(substr(value, 1, 13) as bigint)`

/**
 * A query with a row if the stream is on.
 *
 * @param nowMs the store's time as an expression
 * @param schema what `meta` is qualified with
 */
export const IS_STREAMED = (nowMs: string, schema = ''): string =>
  `select 1 from ${schema}meta where key = '${STREAM_KEY}' and ${UNTIL} > ${nowMs}`
