/**
 * Arrays in PostgreSQL's binary form, as its `array_recv` reads them. As text, each value would be turned into a
 * string, escaped, joined with the others, and taken apart again by the server: a quarter of everything a node
 * allocated.
 */
import type { ColumnType, Value } from '../transaction.ts'

/** The types' numbers in the catalogue `pg_type`. */
const ELEMENT_OIDS = { text: 25, int: 20, bytes: 17 } as const satisfies Record<ColumnType, number>

const HEAD_BYTES = 20
const LENGTH_BYTES = 4
const INT_BYTES = 8
const LENGTH_OF_NULL = -1
const TWO_TO_32 = 2 ** 32

/**
 * One column of some rows, as a parameter of type `text[]`, `bigint[]` or `bytea[]`.
 * @throws RangeError for a number that is not a safe integer
 */
export function packColumn(type: ColumnType, rows: readonly (readonly Value[])[], column: number): Buffer {
  let size = HEAD_BYTES
  for (const row of rows) size += LENGTH_BYTES + sizeOf(row[column])
  const packed = Buffer.allocUnsafe(size)
  const [dimensions, mayHaveNulls, firstIndex] = [1, 1, 1]
  let at = packed.writeInt32BE(dimensions, 0)
  at = packed.writeInt32BE(mayHaveNulls, at)
  at = packed.writeInt32BE(ELEMENT_OIDS[type], at)
  at = packed.writeInt32BE(rows.length, at)
  at = packed.writeInt32BE(firstIndex, at)
  for (const row of rows) at = writeValue(packed, row[column], at)
  return packed
}

function sizeOf(value: Value | undefined): number {
  if (value === null || value === undefined) return 0
  if (typeof value === 'number') return INT_BYTES
  return typeof value === 'string' ? Buffer.byteLength(value) : value.length
}

/** Writes the value's length and bytes; returns where the next value begins. */
function writeValue(packed: Buffer, value: Value | undefined, at: number): number {
  if (value === null || value === undefined) return packed.writeInt32BE(LENGTH_OF_NULL, at)
  if (typeof value === 'number') return writeInt(packed, value, packed.writeInt32BE(INT_BYTES, at))
  const start = at + LENGTH_BYTES
  if (typeof value === 'string') {
    const length = packed.write(value, start)
    packed.writeInt32BE(length, at)
    return start + length
  }
  packed.writeInt32BE(value.length, at)
  packed.set(value, start)
  return start + value.length
}

/** Written in two halves: a BigInt for each value would cost more than everything else. */
function writeInt(packed: Buffer, value: number, at: number): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} cannot be stored exactly as an integer`)
  const high = Math.floor(value / TWO_TO_32)
  return packed.writeUInt32BE(value - high * TWO_TO_32, packed.writeInt32BE(high, at))
}
