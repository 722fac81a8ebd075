/**
 * What the request of a webhook consists of, and its headers in the order in which they are sent. The engine sends what
 * these functions make, and an attempt's request is rebuilt from what is stored by the same functions, so that the two
 * can't differ.
 */

/** Names of the headers that carry an event's id, the attempt's time and the signatures, in lower case. */
export type SignatureHeaders = { readonly id: string; readonly timestamp: string; readonly signature: string }

export const STANDARD_SIGNATURE_HEADERS: SignatureHeaders = {
  id: 'webhook-id',
  timestamp: 'webhook-timestamp',
  signature: 'webhook-signature',
}

/**
 * What an endpoint's requests carry besides what is computed for each of them. Attempts refer to it by its version. It
 * has the names of secrets, but none of their values.
 */
export type RequestTemplate = {
  /** Null: it is handed over to those who listen (decision 54). */
  readonly url: string | null
  /** Extra headers whose values are no secrets, in the order in which they are sent. */
  readonly headers: Readonly<Record<string, string>>
  /** Names of the extra headers whose values are secret. They follow the others. */
  readonly secretHeaders: readonly string[]
  /** Null for those of Standard Webhooks. */
  readonly signatureHeaders: SignatureHeaders | null
  /** Whether requests carry the clientSecret or a token by OAuth. */
  readonly authentication: 'bearer' | 'oauth'
  /** Whether Posthorn presents a client certificate. */
  readonly hasClientCertificate: boolean
}

/** What a release and its settings put into every request. */
export type SenderIdentity = { readonly userAgent: string; readonly apiVersion: string }

/** A request as it was sent, its secrets blanked. The method is always POST. */
export type SentRequest = {
  /** Null: it was handed over to those who listen. */
  readonly url: string | null
  /** Names and values alternately, in the order in which they were sent. */
  readonly headers: readonly string[]
  readonly hasClientCertificate: boolean
}

/** Stands for a secret wherever one was. */
export const MASK = '[secret]'
/** Stands for a signature: which secrets signed is not kept. */
const SIGNATURE_MASK = '[signature]'

/** Whether two templates make the same requests. */
export const isSameTemplate = (a: RequestTemplate, b: RequestTemplate): boolean => contentOf(a) === contentOf(b)

const contentOf = ({ url, headers, secretHeaders, signatureHeaders, ...rest }: RequestTemplate): string => {
  const { id, timestamp, signature } = signatureHeaders ?? STANDARD_SIGNATURE_HEADERS
  const { authentication, hasClientCertificate } = rest
  const names = [id, timestamp, signature]
  return JSON.stringify([url, Object.entries(headers), secretHeaders, names, authentication, hasClientCertificate])
}

/** The headers that all requests to an endpoint have in common. */
export const commonHeaders = (
  { userAgent, apiVersion }: SenderIdentity,
  /** The clientSecret; null: a token is among the headers of each request. */
  secret: string | null,
  /** The endpoint's extra headers, names and values alternately. */
  extra: readonly string[],
): readonly string[] => [
  'Content-Type',
  'application/json',
  ...(secret === null ? [] : ['Authorization', `Bearer ${secret}`]),
  'X-APIVersion',
  apiVersion,
  'User-Agent',
  userAgent,
  ...extra,
]

/** What a request has of its own. */
export type OwnParts = {
  /** The event's id. */
  readonly event: string
  /** The event's type. Null: the request didn't name it. */
  readonly type: string | null
  readonly timestamp: string
  readonly signature: string
  /** The token by OAuth. Null for none. */
  readonly token: string | null
  /** Null for none. */
  readonly traceparent: string | null
  readonly isTest: boolean
}

/**
 * All headers of a request but those that HTTP itself adds. The event's id is sent as `webhook-id` in any case (C10), and
 * under another name besides if the endpoint has one.
 *
 * @param names null: those of Standard Webhooks
 */
export function webhookHeaders(
  common: readonly string[],
  names: SignatureHeaders | null,
  { event, type, timestamp, signature, token, traceparent, isTest }: OwnParts,
): string[] {
  const own = names ?? STANDARD_SIGNATURE_HEADERS
  const headers = [...common, 'webhook-id', event, own.timestamp, timestamp, own.signature, signature]
  if (own.id !== STANDARD_SIGNATURE_HEADERS.id) headers.push(own.id, event)
  if (type !== null) headers.push('X-Posthorn-Type', type)
  if (token !== null) headers.push('Authorization', `Bearer ${token}`)
  if (traceparent !== null) headers.push('traceparent', traceparent)
  if (isTest) headers.push('X-Posthorn-Test', 'true')
  return headers
}

/** What the signature of a request says about when it was made: whole seconds since 1970. */
export const webhookTimestamp = (startedAtMs: number): string => String(Math.floor(startedAtMs / 1_000))

/** What is known of a request that was sent. */
export type SentParts = Pick<OwnParts, 'event' | 'type' | 'traceparent' | 'isTest'> & {
  readonly startedAtMs: number
  /** Length of the body. Null if it is no longer known. */
  readonly payloadBytes: number | null
}

/** Rebuilds a request, with the headers that HTTP added. */
export function rebuildRequest(template: RequestTemplate, sender: SenderIdentity, parts: SentParts): SentRequest {
  const { url, signatureHeaders, authentication, hasClientCertificate } = template
  const extra = [...Object.entries(template.headers), ...template.secretHeaders.map(name => [name, MASK])].flat()
  const headers = webhookHeaders(
    commonHeaders(sender, authentication === 'bearer' ? MASK : null, extra),
    signatureHeaders,
    {
      event: parts.event,
      type: parts.type,
      timestamp: webhookTimestamp(parts.startedAtMs),
      signature: SIGNATURE_MASK,
      token: authentication === 'oauth' ? MASK : null,
      traceparent: parts.traceparent,
      isTest: parts.isTest,
    },
  )
  const length = parts.payloadBytes === null ? [] : ['content-length', String(parts.payloadBytes)]
  // HTTP adds nothing to what is handed over.
  if (url === null) return { url, headers, hasClientCertificate }
  // As engine/http/request.ts writes them: these two before the others, and the length behind.
  return {
    url,
    headers: ['host', new URL(url).host, 'connection', 'keep-alive', ...headers, ...length],
    hasClientCertificate,
  }
}
