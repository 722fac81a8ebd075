/** Reads `events.ndjson` so that its events can be sent exactly as they are written. */
import { readFileSync } from 'node:fs'

export type DemoEvents = {
  readonly tenant: string
  /** The type of each event, in the order of the file. */
  readonly types: readonly string[]
  /** The request body: a JSON array of `{type, payload, key}`. */
  readonly body: string
}

const TENANT_FIRST = /^\s*\{\s*"tenant"\s*:\s*"([^"\\]+)"\s*,/

export function readEvents(file: URL): DemoEvents {
  return parseEvents(readFileSync(file, 'utf8'))
}

/**
 * Cuts the tenant off the front of each line and leaves the rest unchanged: if it were parsed and serialised again, a
 * payload's 12345678901234567890 would become 12345678901234567000 before Posthorn even saw it.
 */
export function parseEvents(text: string): DemoEvents {
  const tenants = new Set<string>()
  const types: string[] = []
  const elements: string[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const tenant = TENANT_FIRST.exec(line)
    if (!tenant) throw new Error(`Line ${index + 1} of the events does not begin with {"tenant":"…",`)
    tenants.add(tenant[1]!)
    types.push((JSON.parse(line) as { type: string }).type)
    elements.push(`{${line.slice(tenant[0].length)}`)
  }
  const [tenant, ...others] = tenants
  if (tenant === undefined || others.length > 0)
    throw new Error('There must be at least one event, and all events must belong to the same tenant.')
  return { tenant, types, body: `[${elements.join(',\n')}]` }
}
