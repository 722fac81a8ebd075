import { ApiError, type CreateEndpointBody, type FieldError } from '@posthorn/client'
import { faultOf } from '../../lib/jwt.ts'
import type { Problem } from '../../lib/schema-check.ts'
import { register as words } from '../../strings/en/register.ts'

/** A row of the extra headers. `isSecret`: never shown again. */
export type HeaderDraft = {
  readonly id: number
  readonly name: string
  readonly value: string
  readonly isSecret: boolean
}

/** What the form has, as texts, until it is sent. It is kept nowhere but in the page: it has secrets in it. */
export type Draft = {
  readonly url: string
  readonly name: string
  /** Null for all types of the catalogue. */
  readonly types: readonly string[] | null
  /** JSON; empty for all events. */
  readonly filter: string
  readonly credentials: 'secret' | 'oauth'
  readonly secret: string
  readonly tokenUrl: string
  readonly clientId: string
  readonly oauthSecret: string
  readonly scope: string
  readonly audience: string
  readonly credentialsIn: 'header' | 'body'
  readonly certificate: string
  readonly certificateKey: string
  readonly uid: string
  readonly description: string
  readonly headers: readonly HeaderDraft[]
  readonly schedule: string
  readonly timeout: string
  readonly rateRequests: string
  readonly rateSeconds: string
  readonly ordered: boolean
  readonly signatureVersion: 'v1' | 'v1a'
}

/** A draft with nothing in it but a type, if one came from there. */
export function emptyDraft(type: string | undefined): Draft {
  return {
    url: '',
    name: '',
    types: type === undefined ? [] : [type],
    filter: '',
    credentials: 'secret',
    secret: '',
    tokenUrl: '',
    clientId: '',
    oauthSecret: '',
    scope: '',
    audience: '',
    credentialsIn: 'header',
    certificate: '',
    certificateKey: '',
    uid: '',
    description: '',
    headers: [],
    schedule: '',
    timeout: '',
    rateRequests: '',
    rateSeconds: '1',
    ordered: false,
    signatureVersion: 'v1',
  }
}

/** Errors by the name of the field: `url`, `types`, `oauth/tokenUrl`. An empty name is the endpoint as a whole. */
export type Errors = Readonly<Record<string, string>>

/** The body of the call that registers it. Members that are left empty are left out. */
export function bodyOf(draft: Draft): CreateEndpointBody {
  const { name, uid, description, schedule, timeout, rateRequests, rateSeconds, certificate, certificateKey } = draft
  const filter = parseFilter(draft.filter)
  return {
    url: draft.url.trim(),
    types: draft.types,
    ...(name.trim() !== '' && { name: name.trim() }),
    ...(uid.trim() !== '' && { uid: uid.trim() }),
    ...(description.trim() !== '' && { description: description.trim() }),
    ...(filter.value != null && { filter: filter.value }),
    ...(draft.credentials === 'secret' ? { clientSecret: draft.secret } : { oauth: oauthOf(draft) }),
    ...((certificate + certificateKey).trim() !== '' && {
      clientCertificate: { certificate: certificate.trim(), key: certificateKey.trim() },
    }),
    ...(draft.headers.some(isGiven) && { headers: headersOf(draft.headers) }),
    ...(schedule.trim() !== '' && { schedule: secondsOf(schedule) }),
    ...(timeout.trim() !== '' && { timeoutMs: Number(timeout) * 1_000 }),
    ...(rateRequests.trim() !== '' && {
      rateLimit: { requests: Number(rateRequests), perSeconds: Number(rateSeconds) },
    }),
    ...(draft.ordered && { ordered: true }),
    ...(draft.signatureVersion !== 'v1' && { signatureVersion: draft.signatureVersion }),
  }
}

/**
 * What is checked while one types: the members that are there and can be right. A check takes half-filled credentials for
 * wrong ones, so placeholders stand for what is missing.
 */
export function checkedOf(draft: Draft): Partial<CreateEndpointBody> {
  const { clientSecret, oauth, clientCertificate: _certificate, types, url, ...rest } = bodyOf(draft)
  const isOauth = draft.credentials === 'oauth' && draft.tokenUrl.trim() !== ''
  return {
    ...rest,
    ...(url !== '' && { url }),
    ...((types === null || (types ?? []).length > 0) && { types }),
    ...(clientSecret !== undefined && faultOf(clientSecret) === null && { clientSecret }),
    ...(isOauth && oauth != null && { oauth: { ...oauth, clientId: oauth.clientId || 'x', clientSecret: 'x' } }),
  }
}

/** What is missing or can't be read, said here so that nothing has to be sent to know it. */
export function faultsOf(draft: Draft): Errors {
  const { url, types, credentials, secret, tokenUrl, clientId, oauthSecret, certificate, certificateKey } = draft
  const { faults } = words
  const found: Record<string, string | null | undefined | false> = {
    url: url.trim() === '' && faults.url,
    types: types?.length === 0 && faults.types,
    filter: parseFilter(draft.filter).error,
    clientSecret: credentials === 'secret' && secret === '' && faults.secret,
    ...(credentials === 'oauth' && {
      'oauth/tokenUrl': tokenUrl.trim() === '' && faults.tokenUrl,
      'oauth/clientId': clientId.trim() === '' && faults.clientId,
      'oauth/clientSecret': oauthSecret === '' && faults.oauthSecret,
    }),
    'clientCertificate/certificate':
      certificate.trim() === '' && certificateKey.trim() !== '' && faults.certificateMissing,
    'clientCertificate/key': certificateKey.trim() === '' && certificate.trim() !== '' && faults.certificateKey,
    schedule: secondsOf(draft.schedule).some(Number.isNaN) && faults.schedule,
    timeoutMs: Number.isNaN(Number(draft.timeout)) && faults.timeout,
    rateLimit:
      draft.rateRequests.trim() !== '' &&
      !(Number.isInteger(Number(draft.rateRequests)) && Number.isInteger(Number(draft.rateSeconds))) &&
      faults.rate,
  }
  return Object.fromEntries(Object.entries(found).filter((entry): entry is [string, string] => !!entry[1]))
}

/** The API's sentences by field. Only the first of each field is shown. */
export function errorsOf(fields: readonly FieldError[], headers: readonly HeaderDraft[] = []): Errors {
  const errors: Record<string, string> = {}
  for (const { field, detail } of fields) errors[nameOf(field, headers)] ??= detail
  return errors
}

/** What the server says of the filter, by the place in it. */
export function filterProblems(fields: readonly FieldError[]): Problem[] {
  return fields.flatMap(({ field, detail }) =>
    field === '/filter' || field.startsWith('/filter/')
      ? [{ pointer: field.slice('/filter'.length), text: detail }]
      : [],
  )
}

/** Errors by field of a call that was refused. Undefined if it failed for another reason. */
export function refusedOf(error: unknown, headers: readonly HeaderDraft[]): Errors | undefined {
  if (!(error instanceof ApiError)) return undefined
  // A uid that is taken comes without a field.
  if (error.fields.length === 0) return error.status === 409 ? { '': error.detail } : undefined
  return errorsOf(error.fields, headers)
}

/** `/types/0` is a matter of the field `types`; those of OAuth and of certificates have fields of their own. */
function nameOf(pointer: string, headers: readonly HeaderDraft[]): string {
  const [, member = '', inner] = pointer.split('/')
  if ((member === 'oauth' || member === 'clientCertificate') && inner !== undefined) return `${member}/${inner}`
  if (member === 'oauth') return 'oauth/tokenUrl'
  if (member === 'clientCertificate') return 'clientCertificate/certificate'
  if (member === 'headers' && inner !== undefined) {
    const header = headers.find(({ name }) => name.trim().toLowerCase() === unescaped(inner).toLowerCase())
    if (header !== undefined) return `headers/${header.id}`
  }
  return member
}

/** The fields that are behind "More options". */
export function isInMore(name: string): boolean {
  return !['', 'tenant', 'url', 'name', 'types', 'filter', 'clientSecret'].includes(name)
}

type Parsed =
  | { readonly value: Record<string, unknown> | null; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: string }

/** The filter as the API takes it. Null if there is none. */
export function parseFilter(text: string): Parsed {
  if (text.trim() === '') return { value: null }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return { value: value as Record<string, unknown> }
    return { error: words.faults.filterObject }
  } catch {
    return { error: words.faults.filterJson }
  }
}

function oauthOf({ tokenUrl, clientId, oauthSecret, scope, audience, credentialsIn }: Draft) {
  return {
    tokenUrl: tokenUrl.trim(),
    clientId: clientId.trim(),
    clientSecret: oauthSecret,
    ...(scope.trim() !== '' && { scope: scope.trim() }),
    ...(audience.trim() !== '' && { audience: audience.trim() }),
    ...(credentialsIn === 'body' && { credentialsIn }),
  }
}

const isGiven = ({ name, value }: HeaderDraft): boolean => (name + value).trim() !== ''

function headersOf(headers: readonly HeaderDraft[]) {
  return Object.fromEntries(
    headers
      .filter(isGiven)
      .map(({ name, value, isSecret }) => [name.trim(), isSecret ? { value, secret: true } : value]),
  )
}

function secondsOf(schedule: string): number[] {
  if (schedule.trim() === '') return []
  return schedule.split(/[\s,]+/).flatMap(part => (part === '' ? [] : [Number(part)]))
}

const unescaped = (part: string): string => part.replaceAll('~1', '/').replaceAll('~0', '~')

/** Whether a text can still become a URL that is allowed: nothing is said of it until it can't. */
export function isBeginning(url: string): boolean {
  const text = url.trim().toLowerCase()
  return 'https://'.startsWith(text) || /^https:\/\/[^/.]*$/.test(text)
}
