/**
 * Checks the input for an endpoint and collects every fault. Only resolving the host name, which takes time, is left to
 * `host.ts`.
 */
import { formatCount } from '../../base/counts.ts'
import type { FieldError } from '../../base/errors.ts'
import {
  type Endpoint,
  type EndpointKind,
  type EndpointState,
  type EventType,
  kindOf,
  type PayloadFilter,
  type RateLimit,
} from '../../base/model.ts'
import { checkFilter } from '../../catalogue/filter.ts'
import { checkTargetUrl, type Target, type TargetPolicy } from '../../guard/target.ts'
import { checkMetadata } from '../checks/metadata.ts'
import { checkRateLimit } from '../checks/rate-limit.ts'
import { checkStorable } from '../checks/values.ts'
import { checkSchedule } from '../retry-schedules.ts'
import { type CheckedCredentials, type CredentialsInput, checkCredentials } from './credentials-input.ts'
import { checkExtraHeaders, type HeaderInput, type WantedHeader } from './extra-headers.ts'
import { checkUid } from './references.ts'
import { checkSignatureHeaders, type SignatureHeadersInput } from './signature-headers.ts'
import { checkTypes } from './wanted-types.ts'

export type EndpointInput = CredentialsInput & {
  /** Of a new endpoint. Default: `url`. */
  readonly kind?: EndpointKind
  /** Required, unless the endpoint is a listener. */
  readonly url?: string
  /** The caller's own name of the endpoint, unique in its tenant; null or omitted: none. */
  readonly uid?: string | null
  /** For people. */
  readonly name?: string | null
  /** Default: enabled. */
  readonly state?: EndpointState
  /** Names of event types, or patterns with `*`; null or omitted: all types in the catalogue. */
  readonly types?: readonly string[] | null
  /** Conditions that select events of these types (catalogue/filter.ts); null or omitted: all events. */
  readonly filter?: PayloadFilter | null
  readonly description?: string | null
  readonly metadata?: Record<string, string>
  /** Extra request headers. */
  readonly headers?: Record<string, HeaderInput>
  /** Other names for the headers of the signature; null: those of Standard Webhooks. */
  readonly signatureHeaders?: SignatureHeadersInput | null
  /**
   * Seconds before each retry, counted from the end of the previous attempt; []: no retries; null: the default (C12).
   */
  readonly schedule?: readonly number[] | null
  /** Milliseconds from the first byte sent to the status; null: the default (C11). */
  readonly timeoutMs?: number | null
  /** Maximum number of attempts started in any period of a given length; null: no limit. */
  readonly rateLimit?: RateLimit | null
  /** Whether deliveries are sent one at a time, each after the previous one has ended. Default: false. */
  readonly ordered?: boolean
}

/** The checked input. Members that were not given are absent. */
export type CheckedInput = {
  readonly target?: Target
  readonly credentials: CheckedCredentials
  readonly headers?: readonly WantedHeader[]
  readonly settings: Partial<
    Pick<
      Endpoint,
      | 'uid'
      | 'name'
      | 'types'
      | 'filter'
      | 'description'
      | 'metadata'
      | 'signatureHeaders'
      | 'schedule'
      | 'timeoutMs'
      | 'rateLimit'
      | 'ordered'
    >
  >
}

const MAX_NAME_CHARACTERS = 128
const MAX_DESCRIPTION_CHARACTERS = 1_024
const MAX_TIMEOUT_MS = 60_000

/** Shorter in development mode, so that a timeout can be observed. */
const leastTimeoutMs = (dev: boolean): number => (dev ? 50 : 1_000)

/** The catalogue, and the endpoint that is changed, which can keep names that a new one can't have; null: a new one. */
export type KnownNames = { readonly catalogue: readonly EventType[]; readonly before: Endpoint | null }

/** Adds problems to `faults`, each with its place in the request body. */
export function checkEndpointInput(
  input: Partial<EndpointInput>,
  { catalogue, before }: KnownNames,
  policy: TargetPolicy,
  nowMs: number,
  faults: FieldError[],
): CheckedInput {
  const {
    url,
    uid,
    name,
    types,
    filter,
    description,
    metadata,
    headers,
    signatureHeaders,
    schedule,
    timeoutMs,
    rateLimit,
    ordered,
  } = input
  const isListener = (before === null ? input.kind : kindOf(before.url)) === 'listener'
  if (isListener) refuseDialled(input, faults)
  const target = url === undefined || isListener ? undefined : checkUrl(url, policy, faults)
  const credentials = checkCredentials(isListener ? withoutDialled(input) : input, policy, nowMs, faults)
  const settings: { -readonly [Name in keyof CheckedInput['settings']]: CheckedInput['settings'][Name] } = {}
  if (uid !== undefined) settings.uid = checkUid(uid, faults)
  if (name !== undefined) settings.name = checkText(name, 'name', MAX_NAME_CHARACTERS, faults)
  if (types !== undefined) settings.types = checkTypes(types, catalogue, before?.types ?? null, faults)
  if (filter !== undefined) {
    if (filter !== null) checkFilter(filter, '/filter', faults)
    settings.filter = filter
  }
  if (description !== undefined) {
    settings.description = checkText(description, 'description', MAX_DESCRIPTION_CHARACTERS, faults)
  }
  if (metadata !== undefined) {
    checkMetadata(metadata, '/metadata', faults)
    settings.metadata = metadata
  }
  const wantedHeaders = headers === undefined ? undefined : checkExtraHeaders(headers, before?.headers ?? {}, faults)
  if (signatureHeaders !== undefined) settings.signatureHeaders = checkSignatureHeaders(signatureHeaders, faults)
  if (schedule !== undefined) settings.schedule = checkSchedule(schedule, policy.dev, faults)
  if (timeoutMs !== undefined) settings.timeoutMs = checkTimeout(timeoutMs, policy.dev, faults)
  if (rateLimit !== undefined) settings.rateLimit = checkRateLimit(rateLimit, faults)
  if (ordered !== undefined) settings.ordered = checkOrdered(ordered, faults)
  return {
    ...(wantedHeaders === undefined ? {} : { headers: wantedHeaders }),
    ...(target === undefined ? {} : { target }),
    credentials,
    settings,
  }
}

/** Checks that the required fields of a new endpoint are there. */
export function checkRequired(input: Partial<EndpointInput>, faults: FieldError[]): void {
  if (input.url === undefined && input.kind !== 'listener') faults.push({ field: '/url', detail: 'A url is required.' })
  if (input.clientSecret !== undefined) return
  if (input.kind === 'listener') faults.push({ field: '/clientSecret', detail: 'A clientSecret is required.' })
  else if ((input.oauth ?? null) === null) {
    faults.push({ field: '/clientSecret', detail: 'A clientSecret is required unless oauth is set.' })
  }
}

/** Nothing is connected to for a listener: what says where, or how, is a mistake. */
function refuseDialled({ url, oauth, clientCertificate }: Partial<EndpointInput>, faults: FieldError[]): void {
  const refuse = (field: string, what: string) =>
    faults.push({ field, detail: `A listener has no ${what}: nothing is connected to. Omit it.` })
  if (url !== undefined) refuse('/url', 'URL')
  if ((oauth ?? null) !== null) refuse('/oauth', 'OAuth')
  if ((clientCertificate ?? null) !== null) refuse('/clientCertificate', 'client certificate')
}

function withoutDialled({ oauth: _, clientCertificate: __, ...input }: Partial<EndpointInput>): Partial<EndpointInput> {
  return input
}

/** C3, as far as the URL itself shows it. */
function checkUrl(url: unknown, policy: TargetPolicy, faults: FieldError[]): Target | undefined {
  if (typeof url !== 'string') {
    faults.push({ field: '/url', detail: 'The url must be a string.' })
    return undefined
  }
  const target = checkTargetUrl(url, policy)
  if (target.ok) return target
  faults.push({ field: '/url', detail: target.detail, reason: target.reason })
  return undefined
}

function checkText(text: unknown, member: string, mostCharacters: number, faults: FieldError[]): string | null {
  if (text === null) return null
  const field = `/${member}`
  // Characters as people and JSON Schema count them, not UTF-16 units.
  if (typeof text !== 'string' || [...text.slice(0, 2 * mostCharacters + 1)].length > mostCharacters) {
    faults.push({ field, detail: `The ${member} must be a string of at most ${mostCharacters} characters.` })
    return null
  }
  checkStorable(text, field, faults)
  return text
}

function checkTimeout(timeoutMs: unknown, dev: boolean, faults: FieldError[]): number | null {
  if (timeoutMs === null) return null
  const least = leastTimeoutMs(dev)
  const isInteger = typeof timeoutMs === 'number' && Number.isInteger(timeoutMs)
  if (isInteger && timeoutMs >= least && timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs
  const detail = `The value must be a whole number of milliseconds from ${formatCount(least)} to ${formatCount(MAX_TIMEOUT_MS)}.`
  faults.push({ field: '/timeoutMs', detail })
  return null
}

function checkOrdered(ordered: unknown, faults: FieldError[]): boolean {
  if (typeof ordered === 'boolean') return ordered
  faults.push({ field: '/ordered', detail: 'The value must be true or false.' })
  return false
}
