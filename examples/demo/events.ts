/** The events of `events.ndjson`, ready to be sent as they stand in the file. */
import { readFileSync } from 'node:fs'

export type DemoEvents = {
  readonly tenant: string
  /** One type an event, in the file's order. */
  readonly types: readonly string[]
  /** The request's body: a JSON array of `{type, payload, key}`. */
  readonly body: string
}

const TENANT_FIRST = /^\s*\{\s*"tenant"\s*:\s*"([^"\\]+)"\s*,/

export function readEvents(file: URL): DemoEvents {
  return parseEvents(readFileSync(file, 'utf8'))
}

/**
 * Cuts the tenant off the front of each line and leaves the rest as it is: parsed and written anew, a payload's
 * 12345678901234567890 would become 12345678901234567000 before Posthorn even saw it.
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
  if (tenant === undefined || others.length > 0) throw new Error('The events must be of one tenant, and at least one.')
  return { tenant, types, body: `[${elements.join(',\n')}]` }
}
