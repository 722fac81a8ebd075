/**
 * Bulky arguments and results cross to the store's thread and back as columns: cloning a thousand small objects, each
 * with the names of its members, took a tenth of the main thread's time. All bytes travel in one buffer.
 */
export type Codec<Plain> = {
  pack(plain: Plain): unknown
  unpack(packed: unknown): unknown
}

export const codec = <Plain, Packed>(
  pack: (plain: Plain) => Packed,
  unpack: (packed: Packed) => Plain,
): Codec<Plain> => ({ pack, unpack: packed => unpack(packed as Packed) })

/** Joins all bytes into one buffer; `splitter` takes them apart by their lengths. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  let size = 0
  for (const part of parts) size += part.length
  const all = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Makes a function that returns the next `length` bytes at each call. */
export function splitter(all: Uint8Array): (length: number) => Uint8Array {
  let at = 0
  return length => {
    at += length
    return all.subarray(at - length, at)
  }
}
