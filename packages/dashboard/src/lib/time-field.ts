/** A time as a field of type `datetime-local` has it: local, without a zone. */
export function toField(at: number): string {
  const date = new Date(at)
  return new Date(at - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}

/** The time in such a field (RFC 3339). Null if it is empty or no time. */
export function fromField(text: string): string | null {
  const at = new Date(text).getTime()
  return Number.isNaN(at) ? null : new Date(at).toISOString()
}
