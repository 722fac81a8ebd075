import type { FieldError } from '../../base/errors.ts'

const DETAIL = 'The payload is not valid. An API key with the permission `payloads` shows where and why.'

/**
 * Why an event was rejected, for callers that can't see payloads. Pointers into a payload, and sentences about it, name
 * its members, which can be anything, such as people's addresses.
 */
export function hidePayloadFaults(faults: readonly FieldError[] | null): readonly FieldError[] | null {
  if (faults === null) return null
  const hidden = new Map<string | undefined, FieldError>()
  const others: FieldError[] = []
  for (const fault of faults) {
    const { field, reason } = fault
    if (field !== '/payload' && !field.startsWith('/payload/')) others.push(fault)
    else hidden.set(reason, { field: '/payload', detail: DETAIL, ...(reason === undefined ? {} : { reason }) })
  }
  return [...others, ...hidden.values()]
}
