import type { Happening, Heard } from './happenings.ts'

/** A happening as scripts get it: one JSON document a line, its members in the API's own words. Null: nothing. */
export function toDocument(happening: Happening, options: { readonly target: URL | null; readonly prints: boolean }) {
  const { kind } = happening
  switch (kind) {
    case 'listening': {
      const { endpoint, secrets, isResumed: resumed, isTakenOver: takenOver } = happening
      const { tenant, id, uid, types } = endpoint
      const forward = options.target?.href ?? null
      return { kind, tenant, endpoint: id, uid, types, forward, resumed, takenOver, ...secrets }
    }
    case 'connection':
      return { kind, open: happening.isOpen, detail: happening.error?.message ?? null }
    case 'request':
      return { kind, ...viewRequest(happening.heard, options.prints || options.target === null) }
    case 'late': {
      const { number, request } = happening.heard
      return { kind, number, delivery: request.delivery, attempt: request.attempt }
    }
    case 'repeated': {
      const { delivery, attempt, event } = happening.request
      return { kind, delivery, attempt, event, status: happening.status }
    }
    case 'receiver':
      return happening.isUp ? { kind, up: true, failed: happening.failed } : { kind, up: false, detail: happening.why }
    case 'state':
      return { kind, state: happening.state, disabledReason: happening.reason }
    case 'renewed':
      return { kind, unseenSince: new Date(happening.unseenSinceMs).toISOString() }
    case 'ending':
      return { kind, inFlight: happening.inFlight }
  }
}

function viewRequest({ number, request, reply, atMs }: Heard, prints: boolean) {
  const { delivery, attempt, event, type, test, headers, body } = request
  const { status, durationMs, isTruncated } = reply
  return {
    number,
    at: new Date(atMs).toISOString(),
    delivery,
    attempt,
    event,
    type,
    test,
    status,
    /** `responded`, or why the status is the command's own. */
    outcome: reply.kind,
    durationMs,
    response: { headers: reply.headers, body: reply.body, truncated: isTruncated },
    ...(prints ? { request: { headers, body } } : {}),
  }
}
