/** Sends parts of the log to readers: what they want of it is read once, and written once for those that want the same. */
import type { Noted } from '../../store/stream-notes.ts'
import { type Position, writePosition } from '../../store/stream-position.ts'
import { isWanted, mayWant, type StreamFilter } from './filter.ts'
import type { PlacedRecord, Reader } from './reader.ts'
import { type RecordSources, readRecords, type StreamRecord } from './records.ts'
import type { Part } from './stream-log.ts'

/** Items that are read together, and how many of them with a payload, which can be large. */
const ITEMS = 200
const PAYLOADS = 16
/** Records with payloads are sent together up to this size, in bytes: each alone would be written to each reader. */
const BATCH_BYTES = 64 * 1024
/** What a record has besides payloads, roughly. */
const RECORD_BYTES = 1_024

type Placed = { readonly noted: Noted; readonly position: Position }
type PlacedWanted = Placed & { readonly record: StreamRecord | null }

/** Records that are sent together, and the position behind them. */
type Batch = { readonly records: readonly PlacedRecord[]; readonly end: Position }

export type Sharing = {
  /** Those that get it. Asked each time, since a reader can be closed or fall behind at any moment. */
  readonly readers: () => readonly Reader[]
  /** With more that waits, a reader gets nothing further, and `onFull` is called. */
  readonly fullBytes: number
  readonly onFull: (reader: Reader) => void
  /** Called with each position that was reached by all that are left. */
  readonly onPosition?: (position: Position) => void
}

/** Sends a part of the log. A reader that gets all of it is at the end of the part afterwards. */
export async function sharePart(sources: RecordSources, part: Part, sharing: Sharing): Promise<void> {
  const { readers, onPosition } = sharing
  const items = part.rows.flatMap(row =>
    row.items.map((noted, index): Placed => ({ noted, position: part.position(row.id, index + 1) })),
  )
  for (let at = 0; at < items.length && readers().length > 0; ) {
    const withPayloads = readers().some(({ filter }) => filter.withPayloads && filter.kinds.has('event'))
    const isLarge = (noted: Noted) =>
      (noted.kind === 'event' && withPayloads) ||
      (noted.kind === 'request' && readers().some(({ filter }) => mayWant(filter, noted)))
    const chunk = takeChunk(items, at, isLarge)
    at += chunk.length
    const filters = [...new Map(readers().map(({ wants, filter }) => [wants, filter])).values()]
    const wanted = chunk.filter(({ noted }) => filters.some(filter => mayWant(filter, noted)))
    if (wanted.length > 0) await shareItems(sources, wanted, withPayloads, sharing)
    const { position } = chunk.at(-1)!
    for (const reader of readers()) reader.at = position
    onPosition?.(position)
  }
  for (const reader of readers()) reader.at = part.end
  if (readers().length > 0) onPosition?.(part.end)
}

function takeChunk(items: readonly Placed[], from: number, isLarge: (noted: Noted) => boolean): readonly Placed[] {
  const chunk = items.slice(from, from + ITEMS)
  let payloads = 0
  const end = chunk.findIndex(({ noted }) => isLarge(noted) && ++payloads > PAYLOADS)
  return end < 0 ? chunk : chunk.slice(0, end)
}

async function shareItems(
  sources: RecordSources,
  wanted: readonly Placed[],
  withPayloads: boolean,
  { readers, fullBytes, onFull }: Sharing,
): Promise<void> {
  const noted = wanted.map(item => item.noted)
  const records = await readRecords(sources, noted, withPayloads)
  const items = wanted.map((item, index): PlacedWanted => ({ ...item, record: records[index]! }))
  const texts = new Map<Position, string>()
  const textOf = (position: Position) => {
    const text = texts.get(position) ?? writePosition(position)
    texts.set(position, text)
    return text
  }
  for (const group of Map.groupBy(readers(), ({ wants }) => wants).values()) {
    const batches = toBatches(items, group[0]!.filter, textOf)
    for (const reader of group) {
      const isFull = !sendAll(reader, batches, fullBytes)
      if (isFull) onFull(reader)
    }
  }
}

/** Those with large payloads for themselves: all together could be many times what may wait for a reader. */
function toBatches(
  items: readonly PlacedWanted[],
  filter: StreamFilter,
  textOf: (position: Position) => string,
): readonly Batch[] {
  const own = items.flatMap(({ noted, position, record }) => {
    if (record === null || !mayWant(filter, noted) || !isWanted(filter, record)) return []
    return [{ record: { position: textOf(position), record }, end: position }]
  })
  const batches: { records: PlacedRecord[]; end: Position }[] = []
  const isBounded = filter.withPayloads || filter.listen !== null
  let left = 0
  for (const { record, end } of own) {
    const bytes = isBounded ? RECORD_BYTES + payloadBytesOf(record.record) : 0
    if (batches.length === 0 || bytes > left) {
      batches.push({ records: [], end })
      left = BATCH_BYTES
    }
    left -= bytes
    const batch = batches.at(-1)!
    batch.records.push(record)
    batch.end = end
  }
  return batches
}

function payloadBytesOf(record: StreamRecord): number {
  if (record.kind === 'event') return record.event.payload?.length ?? 0
  if (record.kind === 'attempt') return record.attempt.responseBody?.length ?? 0
  return record.kind === 'request' ? record.request.payload.length : 0
}

/** False if the reader is full. It is then behind the last record that it got. */
function sendAll(reader: Reader, batches: readonly Batch[], fullBytes: number): boolean {
  for (const { records, end } of batches) {
    if (reader.sink.waitingBytes > fullBytes) return false
    reader.sink.send(records)
    if (reader.isClosed) return true
    reader.at = end
  }
  return true
}
