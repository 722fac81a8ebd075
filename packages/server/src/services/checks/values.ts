/** Helpers for checking input. */
import type { FieldError } from '../../base/errors.ts'

/** Refuses NUL and unpaired surrogates: PostgreSQL can't store them as text, and both stores accept the same input. */
export function checkStorable(text: string, field: string, faults: FieldError[]): void {
  if (text.isWellFormed() && !text.includes('\0')) return
  faults.push({ field, detail: 'The text must not contain NUL characters or unpaired surrogates.' })
}

/** Whether publishing accepts a text as the publisher's own key of an event. */
export function isEventKey(text: string): boolean {
  return /^[!-~]([ -~]{0,253}[!-~])?$/.test(text)
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
