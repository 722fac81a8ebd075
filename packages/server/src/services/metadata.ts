/** The caller's own labels on tenants and endpoints. Posthorn keeps and shows them, and does nothing with them. */
import type { FieldError } from '../base/errors.ts'

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

/** NUL and halves of surrogate pairs: PostgreSQL's text takes neither, and what one engine refuses both do. */
export function checkStorable(text: string, field: string, faults: FieldError[]): void {
  if (text.isWellFormed() && !text.includes('\0')) return
  faults.push({ field, detail: 'It must be a text without NUL characters and unpaired surrogates.' })
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** RFC 6901. Long names are shortened: a fault must not be longer than what it is about needs. */
export function pointerToken(name: string): string {
  const short = name.length > 128 ? `${name.slice(0, 128)}…` : name
  return short.replaceAll('~', '~0').replaceAll('/', '~1')
}
