/** What editors and other tools put before a text to say how it is encoded. JSON must not have one (RFC 8259 §8.1). */
const UTF_8 = [0xef, 0xbb, 0xbf]
const UTF_16 = [
  [0xff, 0xfe],
  [0xfe, 0xff],
]

const beginsWith = (bytes: Uint8Array, mark: readonly number[]) => mark.every((byte, at) => bytes[at] === byte)

/** Whether a byte order mark of UTF-8 begins at this byte. */
export const isMarkAt = (bytes: Uint8Array, at: number): boolean => UTF_8.every((byte, i) => bytes[at + i] === byte)

/** Says that `what` begins with a byte order mark, and what to do; undefined if it doesn't. */
export function describeByteOrderMark(bytes: Uint8Array, what: string): string | undefined {
  if (beginsWith(bytes, UTF_8)) {
    return `${what} begins with a byte order mark (the bytes EF BB BF). Remove it: JSON is UTF-8 without one.`
  }
  if (!UTF_16.some(mark => beginsWith(bytes, mark))) return undefined
  return `${what} begins with a byte order mark of UTF-16. Encode it as UTF-8, without a byte order mark.`
}
