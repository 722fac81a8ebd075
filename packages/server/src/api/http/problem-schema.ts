/** The errors that a call can be refused with. */
import { type Static, Type } from 'typebox'
import { ERRORS, type ErrorCode } from '../../base/errors.ts'
import { Word } from './shapes.ts'

export const PROBLEM_TYPE = 'application/problem+json'

export const Fault = Type.Object({
  field: Type.String({
    description:
      'JSON Pointer into the request body, or the name of a parameter, followed by a pointer if its value is JSON.',
  }),
  detail: Type.String(),
  position: Type.Optional(Type.Integer({ description: 'Zero-based index of the first invalid character.' })),
  reason: Type.Optional(Type.String({ description: 'Stable identifier for the kind of problem.' })),
})

export const ProblemSchema = Type.Object(
  {
    type: Type.String({ format: 'uri' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Word<ErrorCode>(Object.keys(ERRORS) as ErrorCode[], {
      description: 'Stable error code. Depend on this rather than on `title` or `detail`.',
    }),
    errors: Type.Optional(Type.Array(Fault)),
    made: Type.Optional(Type.String({ description: 'Only with `already_made`: id of what the call made.' })),
  },
  {
    $id: 'Problem',
    examples: [
      {
        type: 'urn:posthorn:error:invalid',
        title: ERRORS.invalid.title,
        status: ERRORS.invalid.status,
        detail: '/url: This field is required.',
        code: 'invalid',
        errors: [{ field: '/url', detail: 'This field is required.' }],
      },
    ],
  },
)
export type Problem = Static<typeof ProblemSchema>

/** The OpenAPI responses for these error codes, by status. */
function problems(...codes: readonly ErrorCode[]): Record<string, unknown> {
  const answers: Record<string, unknown> = {}
  const byStatus = Map.groupBy(codes, code => ERRORS[code].status)
  for (const [status, group] of byStatus) {
    const description = group.map(code => `\`${code}\`: ${ERRORS[code].title}.`).join(' ')
    answers[status] = { description, content: { [PROBLEM_TYPE]: { schema: { $ref: 'Problem#' } } } }
  }
  return answers
}

const ANY_CALL = [
  'bad_request',
  'request_timeout',
  'expectation_failed',
  'headers_too_large',
  'internal',
  'not_implemented',
  'shutting_down',
] as const
const WITH_KEY = [
  'unauthorized',
  'session_ended',
  'forbidden',
  'rate_limited',
  'invalid',
  'store_unavailable',
  'overloaded',
  'busy',
] as const
/** Errors of any call that needs no key, plus the call's own. */
export const publicProblems = (...own: readonly ErrorCode[]) => problems(...ANY_CALL, ...own)
/** Errors of any call under /v1, plus the call's own. */
export const readProblems = (...own: readonly ErrorCode[]) => problems(...ANY_CALL, ...WITH_KEY, ...own)
export const writeProblems = (...own: readonly ErrorCode[]) =>
  readProblems('bad_json', 'body_too_large', 'unsupported_media_type', ...own)
