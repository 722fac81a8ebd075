/** Under which names an endpoint gets the event's id, the attempt's time and the signatures. */
import type { FieldError } from '../../base/errors.ts'
import { pointerToken } from '../../base/json-scanner.ts'
import type { Endpoint } from '../../base/model.ts'
import { type SignatureHeaders, STANDARD_SIGNATURE_HEADERS } from '../../base/webhook-request.ts'
import { invalid } from '../checks/refusals.ts'
import { isRecord } from '../checks/values.ts'
import { malformedName } from './extra-headers.ts'
import { spellingOf, whyReserved } from './reserved-headers.ts'

/** A name that is omitted is that of Standard Webhooks. */
export type SignatureHeadersInput = {
  readonly [Part in keyof SignatureHeaders]?: string | null
}

const PARTS = ['id', 'timestamp', 'signature'] as const

/** Returns null if all names are those of Standard Webhooks. */
export function checkSignatureHeaders(given: unknown, faults: FieldError[]): SignatureHeaders | null {
  if (given === null) return null
  const field = '/signatureHeaders'
  if (!isRecord(given)) {
    faults.push({ field, detail: 'The signatureHeaders must be an object with id, timestamp and signature.' })
    return null
  }
  const names = { ...STANDARD_SIGNATURE_HEADERS }
  // Sent in any case (C10), so no other part can have its name.
  const taken = new Map([[spellingOf(names.id), 'id']])
  for (const part of PARTS) {
    const name = given[part] ?? names[part]
    const at = `${field}/${part}`
    const fault = typeof name === 'string' ? nameFault(name) : { detail: 'The value must be a string or null.' }
    if (fault !== undefined) {
      faults.push({ field: at, ...fault })
      continue
    }
    const spelled = spellingOf(name as string)
    const other = taken.get(spelled)
    if (other !== undefined && other !== part) {
      faults.push({ field: at, detail: `The name is that of the header for ${other}. Give each header its own.` })
    }
    taken.set(spelled, part)
    names[part] = (name as string).toLowerCase()
  }
  return PARTS.every(part => names[part] === STANDARD_SIGNATURE_HEADERS[part]) ? null : names
}

/** The same as for extra headers, but names that begin with `webhook-` are reserved for exactly this. */
function nameFault(name: string): Omit<FieldError, 'field'> | undefined {
  const why = spellingOf(name).startsWith('webhook-') ? undefined : whyReserved(name)
  if (why !== undefined) return { detail: `Choose another name: ${why}.`, reason: 'header_reserved' }
  return malformedName(name)
}

/**
 * Throws `invalid` if an extra header has the name of a signature header.
 *
 * @param areNamesNew whether the names of the signature headers are to blame, because they are what has changed
 */
export function refuseClash(
  { headers, signatureHeaders }: Pick<Endpoint, 'headers' | 'signatureHeaders'>,
  areNamesNew: boolean,
): void {
  if (signatureHeaders === null) return
  for (const name of Object.keys(headers)) {
    const part = PARTS.find(each => spellingOf(signatureHeaders[each]) === spellingOf(name))
    if (part === undefined) continue
    const field = areNamesNew ? `/signatureHeaders/${part}` : `/headers/${pointerToken(name)}`
    const detail = `The endpoint has an extra header and a signature header (${part}) with this name. Rename one of them.`
    throw invalid([{ field, detail }])
  }
}
