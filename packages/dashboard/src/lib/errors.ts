import { ApiError, ConnectionError, PosthornError, ResponseError, TimeoutError } from '@posthorn/client'
import { failures } from '../strings/en/failures.ts'

/** What went wrong, for a person: the API's own sentence where there is one. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError) {
    if (error.status === 405) return failures.tooOld
    const [first] = error.fields
    return first === undefined ? error.detail : `${first.field}: ${first.detail}`
  }
  if (isAway(error)) return failures.away
  if (error instanceof ResponseError) return failures.other(`${error.status}`)
  return error instanceof Error ? error.message : String(error)
}

/** Whether an error says that the server can't be reached, rather than that it refuses. */
export function isAway(error: unknown): boolean {
  if (error instanceof ConnectionError || error instanceof TimeoutError) return true
  // The server responds: someone else's doesn't.
  if (error instanceof ApiError && error.code === 'issuer_unavailable') return false
  return error instanceof PosthornError && [502, 503, 504].includes(error.status ?? 0)
}

/** Whether an error has this status. */
export function hasStatus(error: unknown, ...statuses: readonly number[]): boolean {
  return error instanceof PosthornError && error.status !== null && statuses.includes(error.status)
}

/** The API's sentence about a field of a form, if it is about that field (`/url`, or a parameter's name). */
export function fieldError(error: unknown, field: string): string | null {
  if (!(error instanceof ApiError)) return null
  return error.fields.find(one => one.field === field || one.field === `/${field}`)?.detail ?? null
}

/** The API's first sentence about a field of a form or a part of it: `/types`, `/types/3`. */
export function errorUnder(error: unknown, field: string): string | null {
  if (!(error instanceof ApiError)) return null
  return error.fields.find(one => one.field === `/${field}` || one.field.startsWith(`/${field}/`))?.detail ?? null
}

/** Whether all that the API says is about these fields of a form, or parts of them, which show it themselves. */
export function isAbout(error: unknown, fields: readonly string[]): boolean {
  if (!(error instanceof ApiError) || error.fields.length === 0) return false
  return error.fields.every(({ field }) => fields.some(one => field === `/${one}` || field.startsWith(`/${one}/`)))
}
