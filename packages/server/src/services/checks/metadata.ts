/** The caller's own labels on tenants and endpoints. Posthorn keeps and shows them, and does nothing with them. */
import type { FieldError } from '../../base/errors.ts'
import { pointerToken } from '../../base/json-scanner.ts'
import { isRecord } from './values.ts'

const MAX_ENTRIES = 50
const MAX_KEY_CHARACTERS = 64
const MAX_VALUE_CHARACTERS = 512

export function checkMetadata(metadata: unknown, field: string, faults: FieldError[]): void {
  if (!isRecord(metadata)) {
    faults.push({ field, detail: 'Metadata must be an object of texts.' })
    return
  }
  const entries = Object.entries(metadata)
  if (entries.length > MAX_ENTRIES) {
    faults.push({ field, detail: `Metadata may have at most ${MAX_ENTRIES} entries.` })
    return
  }
  for (const [key, value] of entries) {
    const at = `${field}/${pointerToken(key)}`
    if (key === '' || key.length > MAX_KEY_CHARACTERS) {
      faults.push({ field: at, detail: `A key of metadata has 1 to ${MAX_KEY_CHARACTERS} characters.` })
    }
    if (typeof value !== 'string' || value.length > MAX_VALUE_CHARACTERS) {
      faults.push({ field: at, detail: `A value of metadata is a text of at most ${MAX_VALUE_CHARACTERS} characters.` })
    }
  }
}
