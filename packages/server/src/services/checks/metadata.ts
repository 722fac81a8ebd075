/** The caller's own labels on tenants and endpoints. Posthorn stores and returns them but does not use them. */
import type { FieldError } from '../../base/errors.ts'
import { pointerToken } from '../../base/json-scanner.ts'
import { isRecord } from './values.ts'

const MAX_ENTRIES = 50
const MAX_KEY_CHARACTERS = 64
const MAX_VALUE_CHARACTERS = 512

export function checkMetadata(metadata: unknown, field: string, faults: FieldError[]): void {
  if (!isRecord(metadata)) {
    faults.push({ field, detail: 'The metadata must be an object whose values are strings.' })
    return
  }
  const entries = Object.entries(metadata)
  if (entries.length > MAX_ENTRIES) {
    faults.push({ field, detail: `The metadata must not have more than ${MAX_ENTRIES} entries.` })
    return
  }
  for (const [key, value] of entries) {
    const at = `${field}/${pointerToken(key)}`
    if (key === '' || key.length > MAX_KEY_CHARACTERS) {
      faults.push({ field: at, detail: `A metadata key must have 1 to ${MAX_KEY_CHARACTERS} characters.` })
    }
    if (typeof value !== 'string' || value.length > MAX_VALUE_CHARACTERS) {
      faults.push({
        field: at,
        detail: `A metadata value must be a string of at most ${MAX_VALUE_CHARACTERS} characters.`,
      })
    }
  }
}
