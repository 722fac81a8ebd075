/** Which events of a batch were refused, and how to find out if the refusal doesn't say. */
import type { FieldError, Problem } from './api/models.ts'
import { ApiError, type PosthornError } from './http/errors.ts'

/** An event that was refused, by its place in the batch, and the error that it would have got alone. */
export type Refusal = { readonly index: number; readonly error: ApiError }

/** Statuses after which nothing was stored, of refusals that can be about single events or the size of the batch. */
const ABOUT_EVENTS: readonly (number | null)[] = [400, 413, 422]
const TOO_MANY = 'too_many_events'
const ARCHIVED = 'event_type_archived'

/** The events that a refusal names, once each. Empty if it names none, or not all that it names can be told. */
export function refusalsOf(error: ApiError, tenant: string, count: number): Refusal[] {
  if (isTooMany(error)) return []
  const fields = new Map<number, FieldError[]>()
  for (const fault of error.fields) {
    const [, index, field] = /^\/(\d+)(\/.*)?$/s.exec(fault.field) ?? []
    if (index === undefined || !(Number(index) < count)) return []
    const own = fields.get(Number(index)) ?? []
    own.push({ ...fault, field: field ?? '' })
    fields.set(Number(index), own)
  }
  return [...fields].map(([index, faults]) => ({ index, error: alone(error, tenant, faults) }))
}

function alone(error: ApiError, tenant: string, errors: FieldError[]): ApiError {
  // As the server has it for one event.
  const isArchived = error.code === 'invalid' && errors.every(({ reason }) => reason === ARCHIVED)
  const problem: Problem = {
    type: `urn:posthorn:error:${isArchived ? ARCHIVED : error.code}`,
    title: isArchived ? 'The event type is archived' : error.title,
    status: isArchived ? 409 : error.status,
    code: isArchived ? ARCHIVED : error.code,
    detail: errors.length === 1 ? errors[0]!.detail : `${errors.length} values are invalid. The event was not stored.`,
    errors,
  }
  const { requestId, serverVersion } = error
  const call = { method: 'POST', path: `/v1/tenants/${encodeURIComponent(tenant)}/events` }
  return new ApiError(call, problem, { status: problem.status, requestId, serverVersion })
}

const isTooMany = (error: PosthornError) =>
  error instanceof ApiError && error.fields.some(({ reason }) => reason === TOO_MANY)

/** Both halves of a batch that was refused for what none, one or all of its events can be the reason. */
export function divide<Event>(error: PosthornError, events: readonly Event[]) {
  if (events.length < 2 || !ABOUT_EVENTS.includes(error.status)) return undefined
  const half = events.length >> 1
  const [first, second] = [events.slice(0, half), events.slice(half)]
  return { first, second, isTooMany: isTooMany(error), isTooLarge: error.status === 413 }
}
