/** Refuses queries whose percent-encoding is broken: the framework would take it literally, and replace what is not UTF-8. */
import type { preValidationHookHandler } from 'fastify'
import type { FieldError } from '../../base/errors.ts'
import { shorten } from '../../base/json-scanner.ts'
import { invalid } from '../../services/checks/refusals.ts'

const MAX_FAULTS = 20
const BAD_PERCENT =
  'The parameter has a % that does not start a percent-encoded byte, such as %2B. Write %25 for a percent sign.'
const BAD_UTF_8 = 'The parameter is not UTF-8 when it is percent-decoded. Encode the characters of the text as UTF-8.'

export const checkQueryEncoding: preValidationHookHandler = ({ url }, _reply, done) => {
  const start = url.indexOf('?')
  if (start < 0 || !url.includes('%', start)) return done()
  const faults = url
    .slice(start + 1)
    .split('&')
    .flatMap(findFault)
    .slice(0, MAX_FAULTS)
  done(faults.length === 0 ? undefined : invalid(faults))
}

function findFault(parameter: string): FieldError[] {
  if (decode(parameter) !== undefined) return []
  const name = parameter.split('=', 1)[0]!
  const detail = /%(?![0-9a-f]{2})/i.test(parameter) ? BAD_PERCENT : BAD_UTF_8
  return [{ field: shorten(decode(name) ?? name), detail }]
}

/** Undefined if it can't be decoded. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
