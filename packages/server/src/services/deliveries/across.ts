/**
 * Reads the deliveries of all tenants in windows of time, one behind the other. A window must not have too many rows,
 * since its read must be short, nor too few, since each costs one search of an index for every tenant. So windows grow
 * where there is little, and shrink where there is much.
 */
import { firstIdAt, idBytes, idMs, idText } from '../../base/ids.ts'
import type { DeliveryId, TenantId } from '../../base/model.ts'
import type { Place, Range } from '../../store/where.ts'

/** The length of a window is a power of two, in milliseconds. The first: some four seconds. The longest: centuries. */
const FIRST = 12
const LONGEST = 45

/** What of a window is read at the same time. */
export type Bounds = Place<DeliveryId> & {
  readonly edge: DeliveryId | null
  readonly afterTenant: TenantId | null
  readonly maxRows: number
}

type Part = { readonly rows: number; readonly lastTenant: TenantId | null }

export type Window<Read> = {
  /** What was read of some tenants, then of some more. */
  readonly parts: readonly Read[]
  /** The id at which the window ends; null: it was the last one. */
  readonly goesOnAt: DeliveryId | null
}

/**
 * Returns a function that reads the next window from a place.
 *
 * @param maxRows of a window
 * @param read reads some tenants' part of a window
 */
export function windowReader<Read extends Part>(
  range: Range,
  nowMs: number,
  maxRows: number,
  read: (bounds: Bounds) => Promise<Read>,
): (place: Place<DeliveryId>) => Promise<Window<Read>> {
  return async place => {
    for (let exponent = exponentIn(place); ; exponent = Math.max(0, exponent - 2)) {
      const edge = edgeOf(place, range, 2 ** exponent, nowMs)
      // A window of a millisecond can't shrink: it is read even if a huge event has all its deliveries in it.
      const parts = await readParts(place, edge, exponent > 0 ? maxRows : Number.MAX_SAFE_INTEGER - 1, read)
      if (parts === null) continue
      const rows = parts.reduce((sum, part) => sum + part.rows, 0)
      const next = Math.min(exponent + growthAfter(rows / maxRows), LONGEST)
      return { parts, goesOnAt: edge === null ? null : withExponent(edge, next) }
    }
  }
}

/** How much longer the next window is, as an exponent, after one that was filled to this part. */
function growthAfter(filled: number): number {
  if (filled <= 1 / 16) return 3
  return filled <= 1 / 2 ? 1 : 0
}

/**
 * The length of the next window, in the last byte of the id at which it begins. So a call that goes on where another
 * ended, with its cursor, begins with a window of the right length. The ids at which windows end are of no delivery,
 * whose ids are never zero behind the time.
 */
function withExponent(edge: DeliveryId, exponent: number): DeliveryId {
  const bytes = idBytes(edge)
  bytes[15] = exponent
  return idText('dlv', bytes)
}

function exponentIn({ before, after }: Place<DeliveryId>): number {
  const id = before ?? after ?? null
  if (id === null) return FIRST
  const bytes = idBytes(id)
  return bytes.subarray(6, 15).every(byte => byte === 0) ? Math.min(bytes[15]!, LONGEST) : FIRST
}

/** Null if there are too many rows. */
async function readParts<Read extends Part>(
  place: Place<DeliveryId>,
  edge: DeliveryId | null,
  maxRows: number,
  read: (bounds: Bounds) => Promise<Read>,
): Promise<Read[] | null> {
  const parts: Read[] = []
  let left = maxRows
  let afterTenant: TenantId | null = null
  do {
    const part: Read = await read({ ...place, edge, afterTenant, maxRows: left })
    if (part.rows > left) return null
    parts.push(part)
    left -= part.rows
    afterTenant = part.lastTenant
  } while (afterTenant !== null)
  return parts
}

/** Where a window of this length ends; null: beyond everything that there can be. */
function edgeOf(
  { before, after }: Place<DeliveryId>,
  { fromMs, toMs }: Range,
  lengthMs: number,
  nowMs: number,
): DeliveryId | null {
  if (after === undefined) {
    const startMs = Math.min(before ? idMs(before) : nowMs, toMs ?? Number.POSITIVE_INFINITY)
    const endMs = startMs - lengthMs
    return endMs > (fromMs ?? 0) ? firstIdAt('dlv', endMs) : null
  }
  const startMs = Math.max(after === null ? 0 : idMs(after), fromMs ?? 0)
  const endMs = startMs + lengthMs
  return endMs < (toMs ?? nowMs) ? firstIdAt('dlv', endMs) : null
}
