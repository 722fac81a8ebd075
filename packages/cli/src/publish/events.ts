/** What a line says: an event, with its payload as it is written there, byte for byte (C5). */

export type EventOnLine = {
  readonly type: string
  /** JSON. */
  readonly payload: string
  /** Null if the line has none. */
  readonly key: string | null
  /** Null if the line has none. */
  readonly tenant: string | null
}

/** An event, or a clause that says why there is none. */
export type Parsed = { readonly event: EventOnLine } | { readonly fault: string }

const MEMBERS: readonly string[] = ['type', 'payload', 'key', 'tenant']

export function parseEvent(text: string): Parsed {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return { fault: `it is not JSON (${(error as Error).message})` }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { fault: 'it is not an object like {"type":"…","payload":…}' }
  }
  const { type, key = null, tenant = null } = value as Record<string, unknown>
  const names = Object.keys(value)
  const unknown = names.find(name => !MEMBERS.includes(name))
  if (unknown !== undefined) {
    return { fault: `${JSON.stringify(unknown)} is unknown: an event has type, payload, key and tenant` }
  }
  if (typeof type !== 'string') return { fault: 'type is missing, or not a text' }
  if (!names.includes('payload')) return { fault: 'payload is missing' }
  if (key !== null && typeof key !== 'string') return { fault: 'key is not a text' }
  if (tenant !== null && typeof tenant !== 'string') return { fault: 'tenant is not a text' }
  const payloads = textsOf(text, 'payload')
  if (payloads.length > 1) return { fault: 'payload is there more than once' }
  return { event: { type, payload: payloads[0]!, key, tenant } }
}

/**
 * The values of a member of an object, as they are written.
 *
 * @param text an object that is known to be valid JSON
 */
export function textsOf(text: string, member: string): string[] {
  const found: string[] = []
  let at = text.indexOf('{') + 1
  for (;;) {
    const nameStart = text.indexOf('"', at)
    if (nameStart < 0) return found
    const nameEnd = endOfString(text, nameStart)
    const valueStart = text.indexOf(':', nameEnd) + 1
    const valueEnd = endOfValue(text, valueStart)
    // Names can be written with escapes.
    if (JSON.parse(text.slice(nameStart, nameEnd)) === member) found.push(text.slice(valueStart, valueEnd).trim())
    at = valueEnd + 1
  }
}

/** The position of the comma or bracket after a value. */
function endOfValue(text: string, from: number): number {
  let depth = 0
  for (let at = from; ; at++) {
    const character = text[at]
    if (character === '"') at = endOfString(text, at) - 1
    else if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') {
      if (depth === 0) return at
      depth--
    } else if (character === ',' && depth === 0) return at
  }
}

/** The position after a string that begins at `from`. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; ; at++) {
    at = text.indexOf('"', at)
    let backslashes = 0
    while (text[at - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return at + 1
  }
}
