/**
 * What transactions note for the stream (decision 47): the ids of what they have changed. A note is yielded like a query
 * and returns no rows. The drivers write the notes of a transaction as one row of the log while the stream is on, and
 * drop them otherwise.
 */
import { Buffer } from 'node:buffer'
import type { TenantId } from '../base/model.ts'

export type EndpointChange = 'created' | 'updated' | 'deleted'

/** A thing that a transaction has changed, by its id of 16 bytes. An attempt goes by its delivery's id. */
export type Noted =
  | { readonly kind: 'event' | 'delivery'; readonly tenant: TenantId; readonly id: Uint8Array }
  | {
      readonly kind: 'attempt'
      readonly tenant: TenantId
      readonly id: Uint8Array
      readonly number: number
      readonly startedAtMs: number
    }
  | {
      readonly kind: 'endpoint'
      readonly tenant: TenantId
      readonly id: Uint8Array
      readonly change: EndpointChange
    }
  /** A request was handed over to those who listen, of a delivery to an endpoint. */
  | {
      readonly kind: 'request'
      readonly tenant: TenantId
      readonly id: Uint8Array
      readonly endpoint: Uint8Array
    }

/** Called only while the stream is on. */
export type Note = { readonly note: () => readonly Noted[] }

/** The letter of each kind in the log, and the bytes of an item. */
const LETTERS = {
  event: 'e',
  delivery: 'd',
  attempt: 'a',
  created: 'c',
  updated: 'u',
  deleted: 'x',
  request: 'r',
} as const
type Letter = (typeof LETTERS)[keyof typeof LETTERS]
const ID_BYTES = 16
/** An id, the attempt's number in 2 bytes, and when it started in 6. */
const ATTEMPT_BYTES = ID_BYTES + 8
/** The ids of a delivery and of its endpoint. */
const REQUEST_BYTES = 2 * ID_BYTES

/** Items of one tenant and kind that follow on each other, in base64. */
type Group = readonly [tenant: TenantId, letter: Letter, items: string]

const letterOf = (noted: Noted): Letter => LETTERS[noted.kind === 'endpoint' ? noted.change : noted.kind]

function itemOf(noted: Noted): Uint8Array {
  if (noted.kind === 'request') return Buffer.concat([noted.id, noted.endpoint])
  if (noted.kind !== 'attempt') return noted.id
  const item = Buffer.alloc(ATTEMPT_BYTES)
  item.set(noted.id)
  item.writeUInt16BE(noted.number, ID_BYTES)
  item.writeUIntBE(noted.startedAtMs, ID_BYTES + 2, 6)
  return item
}

/** The entries of a row of the log. Undefined if nothing was changed. */
export function packNotes(notes: readonly Note['note'][]): string | undefined {
  const groups: { tenant: TenantId; letter: Letter; items: Uint8Array[] }[] = []
  for (const note of notes) {
    for (const noted of note()) {
      const letter = letterOf(noted)
      const last = groups.at(-1)
      if (last?.tenant === noted.tenant && last.letter === letter) last.items.push(itemOf(noted))
      else groups.push({ tenant: noted.tenant, letter, items: [itemOf(noted)] })
    }
  }
  if (groups.length === 0) return undefined
  const packed = groups.map(
    ({ tenant, letter, items }): Group => [tenant, letter, Buffer.concat(items).toString('base64')],
  )
  return JSON.stringify(packed)
}

/** What `packNotes` has packed. */
export function unpackNotes(entries: string): Noted[] {
  return (JSON.parse(entries) as Group[]).flatMap(([tenant, letter, items]) => {
    const bytes = Buffer.from(items, 'base64')
    const size = letter === 'a' ? ATTEMPT_BYTES : letter === 'r' ? REQUEST_BYTES : ID_BYTES
    return Array.from({ length: bytes.length / size }, (_, index) =>
      toNoted(tenant, letter, bytes.subarray(index * size, (index + 1) * size)),
    )
  })
}

function toNoted(tenant: TenantId, letter: Letter, item: Buffer): Noted {
  const id = Uint8Array.from(item.subarray(0, ID_BYTES))
  if (letter === 'e') return { kind: 'event', tenant, id }
  if (letter === 'd') return { kind: 'delivery', tenant, id }
  if (letter === 'r') return { kind: 'request', tenant, id, endpoint: Uint8Array.from(item.subarray(ID_BYTES)) }
  if (letter === 'a') {
    return {
      kind: 'attempt',
      tenant,
      id,
      number: item.readUInt16BE(ID_BYTES),
      startedAtMs: item.readUIntBE(ID_BYTES + 2, 6),
    }
  }
  const change = letter === 'c' ? 'created' : letter === 'u' ? 'updated' : 'deleted'
  return { kind: 'endpoint', tenant, id, change }
}
