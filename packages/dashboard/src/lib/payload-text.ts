import { spansOf } from './json-source.ts'

/** The payload in the text of an event, as it was published, byte for byte. Null if it isn't there. */
export function payloadTextIn(event: string): string | null {
  const span = spansOf(event, ['/payload']).get('/payload')
  const text = span === undefined ? 'null' : event.slice(span.from, span.to).replace(/^"payload"\s*:\s*/, '')
  return text === 'null' ? null : text
}
