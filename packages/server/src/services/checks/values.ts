/** What every check of an input needs. */
import type { FieldError } from '../../base/errors.ts'

/** NUL and halves of surrogate pairs: PostgreSQL's text takes neither, and what one engine refuses both do. */
export function checkStorable(text: string, field: string, faults: FieldError[]): void {
  if (text.isWellFormed() && !text.includes('\0')) return
  faults.push({ field, detail: 'It must be a text without NUL characters and unpaired surrogates.' })
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
