/** The formats that payloads are checked by. */
import type { Format } from 'ajv'
import { fullFormats } from 'ajv-formats/dist/formats.js'

export const FORMATS: Readonly<Record<string, Format>> = {
  ...fullFormats,
  // Strict (RFC 3339): the library accepts a space instead of the `T`, and `urn:uuid:` before a UUID.
  'date-time': (text: string) => /^.{10}T/i.test(text) && libraryDateTime(text),
  uuid: /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i,
}

export const KNOWN_FORMATS: ReadonlySet<string> = new Set(Object.keys(FORMATS))

/** Whether a value is of a format. Formats that are not known, or are about values of another type, allow it. */
export function fitsFormat(name: string, value: string | number): boolean {
  const format = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined
  if (format === undefined || typeof format === 'boolean') return true
  const isPlain = typeof format === 'string' || format instanceof RegExp || typeof format === 'function'
  const type = isPlain ? 'string' : (format.type ?? 'string')
  const test: unknown = isPlain ? format : format.validate
  if (typeof value !== type || typeof test === 'boolean') return true
  if (typeof test === 'function') return Boolean(test(value))
  return new RegExp(test as string | RegExp).test(String(value))
}

function libraryDateTime(text: string): boolean {
  const format = fullFormats['date-time'] as { validate: (text: string) => boolean }
  return format.validate(text)
}
