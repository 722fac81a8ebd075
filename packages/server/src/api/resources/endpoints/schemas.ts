/** Schemas of endpoints in responses, and in the calls that create and update them. */
import { type Static, Type } from 'typebox'
import { ATTEMPT_ERRORS, DISABLED_REASONS, END_STATES, ENDPOINT_KINDS } from '../../../base/model.ts'
import { CREDENTIALS_PLACES, SIGNATURE_VERSIONS } from '../../../secrets/credentials.ts'
import type { ShownHeader } from '../../../secrets/secret-headers.ts'
import type { HeaderInput } from '../../../services/endpoints/extra-headers.ts'
import { HEALTH_STATES } from '../../../services/endpoints/health-report.ts'
import type { OAuthInput } from '../../../services/endpoints/oauth-input.ts'
import type { SignatureHeadersInput } from '../../../services/endpoints/signature-headers.ts'
import { Fault } from '../../http/problem-schema.ts'
import {
  IntegerOrNull,
  ListOrNull,
  NumberOrNull,
  objectOrNull,
  RateLimitOrNull,
  strict,
  TextOrNull,
  Texts,
  TextsOrNull,
  Time,
  TimeInputOrNull,
  TimeOrNull,
  Warnings,
  Word,
  WordOrNull,
} from '../../http/shapes.ts'
import { NOT_EMPTY } from '../../http/validation.ts'

const TYPES =
  'Types of the events that the endpoint receives, as names or as patterns in which `*` stands for any characters. ' +
  'Null for all types in the catalogue.'
const FILTER = 'Conditions on the payload: the endpoint receives only events that satisfy them. Null for all events.'
const FilterOrNull = (description: string) =>
  Type.Unsafe<Readonly<Record<string, unknown>> | null>({
    type: ['object', 'null'],
    additionalProperties: true,
    description,
    examples: [{ status: ['Quoted', 'Refused'], amount: { $gte: 1000 }, tags: { $not: ['internal'] } }],
  })

const RATE_LIMIT = 'Maximum number of requests started in any period of `perSeconds` seconds. Null for no limit.'
const ORDERED =
  'Whether deliveries are sent one at a time in the order of publishing, each after the previous one has ended. A ' +
  'delivery that keeps failing then holds up those behind it.'

const NextSecretOrNull = objectOrNull(
  {
    fingerprint: Type.String(),
    switchAt: Time('When the secret takes effect.'),
    expiresAt: TimeOrNull('When the secret expires. Null if it is no JWT that says so.'),
  },
  'The clientSecret that will replace the current one. Null if there is none.',
)

const SigningSchema = Type.Object({
  version: Word(SIGNATURE_VERSIONS),
  fingerprint: Type.String({ description: 'Identifies the secret without revealing it.' }),
  publicKey: TextOrNull({ description: 'The public key (`whpk_…`) that verifies `v1a` signatures. Null for `v1`.' }),
  createdAt: Time('When the secret was created.'),
  expiresAt: TimeOrNull('When the secret expires. Null if it is the current one.'),
})

const CertificateOrNull = objectOrNull(
  { subject: Type.String(), fingerprint: Type.String(), expiresAt: Time('When the certificate expires.') },
  'The client certificate that Posthorn presents to the receiver (mutual TLS). Null if there is none.',
)

const OAuthOrNull = objectOrNull(
  {
    tokenUrl: Type.String(),
    clientId: Type.String(),
    scope: TextOrNull(),
    audience: TextOrNull(),
    resource: ListOrNull<string>('string'),
    credentialsIn: Word(CREDENTIALS_PLACES),
  },
  'The OAuth 2.0 client with which Posthorn gets its bearer tokens. Null if requests carry the clientSecret instead.',
)

const HealthSchema = Type.Object(
  {
    state: Word(HEALTH_STATES, {
      description:
        '`failing`: no attempt has succeeded since `failingSince`. `paused`: the endpoint is not failing, but its ' +
        'receiver asked to wait until `pausedUntil`. `healthy`: neither, and one of its newest deliveries arrived. ' +
        '`unknown`: nothing that is kept tells, or it was failing, was then enabled again or got another URL, and no attempt was made since.',
    }),
    failingSince: TimeOrNull(
      'When the first attempt of the current run of failures ended. Null if the endpoint is not failing.',
    ),
    lastError: WordOrNull(ATTEMPT_ERRORS, {
      description:
        'Why the last attempt failed, as far as the newest deliveries show. Null if the endpoint is not failing, or ' +
        'if no failed attempt is kept.',
    }),
    lastStatus: IntegerOrNull({
      description: 'HTTP status of the response to that attempt. Null if there was no response, or no such attempt.',
    }),
    lastFailureAt: TimeOrNull('When that attempt ended. Null if there is no such attempt.'),
    pausedUntil: TimeOrNull('Posthorn sends nothing before this time. Null if the receiver did not ask for a pause.'),
  },
  { description: 'How the receiver does.' },
)

const SignatureHeadersOrNull = Type.Unsafe<SignatureHeadersInput | null>({
  ...strict({
    id: Type.Optional(TextOrNull({ description: 'Defaults to `webhook-id`, which is sent in any case.' })),
    timestamp: Type.Optional(TextOrNull({ description: 'Defaults to `webhook-timestamp`.' })),
    signature: Type.Optional(TextOrNull({ description: 'Defaults to `webhook-signature`.' })),
  }),
  type: ['object', 'null'],
  description:
    'Other names for the headers that carry the event id, the timestamp and the signatures, for a receiver that needs ' +
    'them. Null for those of Standard Webhooks.',
  examples: [{ id: 'X-Request-Id', timestamp: 'X-Timestamp', signature: 'X-Signature' }],
})

const ENDPOINT_STATES = ['enabled', 'disabled'] as const

const HEADER_EXAMPLES = [{ 'x-region': 'eu', 'x-api-key': { secret: true } }]
const HeadersShown = Type.Unsafe<Record<string, ShownHeader>>({
  type: 'object',
  additionalProperties: {
    anyOf: [
      Type.String(),
      Type.Object({ secret: Type.Literal(true) }),
      Type.Object({ value: Type.String(), secret: Type.Literal(false) }),
    ],
  },
  description:
    'Extra request headers. Their names are in lower case. The value of a secret header is not shown: it is ' +
    '`{"secret": true}`. A header that is not secret in spite of its name is shown with `"secret": false`.',
  examples: HEADER_EXAMPLES,
})
const HeadersOrNull = Type.Unsafe<Record<string, HeaderInput> | null>({
  type: ['object', 'null'],
  additionalProperties: {
    ...strict({ value: Type.Optional(Type.String()), secret: Type.Optional(Type.Boolean()) }),
    type: ['string', 'object'],
  },
  description:
    'Extra request headers, at most 20, as values or as `{"value": …, "secret": …}`. Secret ones are never shown ' +
    'again. By default a header is secret if its name says so (`X-Api-Key`, `X-Auth-Token`, …). `{"secret": true}` ' +
    'without a value keeps the stored value.',
  examples: [{ 'X-Region': 'eu', 'X-Api-Key': 'b3J3ZWxs' }],
})

const ENDPOINT_MEMBERS = {
  id: Type.String({ examples: ['ep_01jy4k8v3xf0c8wq2rn5s7t9ab'] }),
  tenant: Type.String(),
  kind: Word(ENDPOINT_KINDS, {
    description: '`url`: requests are sent to `url`. `listener`: they go to those who listen. See docs/listeners.md.',
  }),
  uid: TextOrNull({
    description: "The endpoint's uid, which every call accepts in place of its id. Null if it has none.",
    examples: ['orders'],
  }),
  name: TextOrNull({ description: 'A name for people. Null if there is none.', examples: ['Order updates'] }),
  url: TextOrNull({ format: 'uri', description: 'Where requests go. Null for a listener.' }),
  types: ListOrNull<string>('string', { description: TYPES }),
  filter: FilterOrNull(FILTER),
  description: TextOrNull(),
  metadata: Texts(),
  headers: HeadersShown,
  signatureHeaders: objectOrNull(
    { id: Type.String(), timestamp: Type.String(), signature: Type.String() },
    'Names of the headers that carry the event id, the timestamp and the signatures. Null for those of Standard ' +
      'Webhooks. `webhook-id` is sent in any case.',
  ),
  schedule: ListOrNull<number>('number', { description: 'Seconds to wait before each retry. Null for the default.' }),
  timeoutMs: IntegerOrNull({
    description: 'How long the receiver can take to send its response status, in milliseconds. Null for the default.',
  }),
  rateLimit: RateLimitOrNull({ description: RATE_LIMIT }),
  ordered: Type.Boolean({ description: ORDERED }),
  state: Word(ENDPOINT_STATES, { description: 'A disabled endpoint gets nothing: its deliveries are held.' }),
  disabledReason: WordOrNull(DISABLED_REASONS, {
    description:
      'Why the endpoint is disabled. `manual`: by a call. `gone`: the receiver responded with 410. `failing`: no ' +
      'attempt succeeded for days. Null if it is enabled.',
  }),
  disabledAt: TimeOrNull(
    'When the endpoint was disabled. Null if it is enabled, or if an earlier version of Posthorn disabled it.',
  ),
  failingSince: TimeOrNull(
    'When the first attempt of the current run of failures ended. Null if the endpoint is not failing.',
  ),
  pausedUntil: TimeOrNull(
    'Posthorn sends nothing before this time, because the receiver asked it to wait (`Retry-After`). Null if it did ' +
      'not.',
  ),
  health: HealthSchema,
  secretFingerprint: TextOrNull({
    description:
      'Fingerprint of the clientSecret. Equal secrets of a tenant have the same one; it reveals nothing else. Null ' +
      'if there is no clientSecret, or if it cannot be decrypted.',
  }),
  secretExpiresAt: TimeOrNull('When the clientSecret expires. Null if there is none, or if it is no JWT that says so.'),
  nextSecret: NextSecretOrNull,
  signing: Type.Array(SigningSchema, { description: 'The signing secrets that are valid now, newest first.' }),
  clientCertificate: CertificateOrNull,
  oauth: OAuthOrNull,
  lastListenedAt: TimeOrNull(
    'When someone last listened, to within two minutes, or when the listener was created. It is deleted a day later. ' +
      'Null for an endpoint with a URL.',
  ),
  createdAt: Time('When the endpoint was created.'),
  updatedAt: Time('When the endpoint was last changed.'),
  warnings: Warnings('Problems with the endpoint that are worth fixing.'),
}

const EndpointNumbers = Type.Object(
  {
    from: Time('Start of the period.'),
    to: Time('End of the period.'),
    deliveries: Type.Object(
      { delivered: Type.Integer(), exhausted: Type.Integer(), cancelled: Type.Integer() },
      { description: 'Deliveries that ended in the period, by end state.' },
    ),
    attempts: Type.Integer({ description: 'Number of attempts that ended in the period.' }),
    failedAttempts: Type.Integer({ description: 'Number of those that failed.' }),
    failureRate: NumberOrNull({
      description: 'Share of the attempts that failed, from 0 to 1. Null if there were none.',
    }),
    lastDelivery: objectOrNull(
      { id: Type.String(), state: Word(END_STATES), endedAt: Time('When the delivery ended.') },
      'The newest delivery that has ended, whenever that was. Null if none has, or none is kept.',
    ),
  },
  { description: 'What happened at the endpoint. Only in lists that ask for it (`stats`).' },
)

export const EndpointSchema = Type.Object(
  { ...ENDPOINT_MEMBERS, stats: Type.Optional(EndpointNumbers) },
  { $id: 'Endpoint' },
)
/** The only responses that contain a signing secret. */
export const EndpointWithSecretSchema = Type.Object(
  {
    ...ENDPOINT_MEMBERS,
    signingSecret: TextOrNull({
      description:
        'The secret (`whsec_…`) that verifies signatures. Only this response contains it. Null if this call ' +
        'generated none, or a key for `v1a`.',
    }),
  },
  { $id: 'EndpointWithSecret' },
)
export type EndpointView = Static<typeof EndpointSchema>

const HELD = 'What to do with the held deliveries: send them (`release`, the default) or cancel them (`cancel`).'
const heldOf = (description: string) => Word(['release', 'cancel'] as const, { description })
export const Held = heldOf(HELD)

const ENDPOINT_INPUT = {
  uid: Type.Optional(
    TextOrNull({
      description:
        "Your own id of the endpoint, unique among the tenant's endpoints. Every call accepts it in place of the id. " +
        '1 to 128 letters, digits and `._:@-` characters, beginning with a letter or digit; it must not look like an ' +
        'id of Posthorn. Null for none.',
      examples: ['orders'],
    }),
  ),
  name: Type.Optional(
    TextOrNull({ description: 'A name for people, up to 128 characters. Null for none.', examples: ['Order updates'] }),
  ),
  types: Type.Optional(ListOrNull<string>('string', { description: `${TYPES} A list must not be empty.` })),
  filter: Type.Optional(FilterOrNull(`${FILTER} See docs/event-types.md.`)),
  description: Type.Optional(TextOrNull({ description: 'At most 1,024 characters.' })),
  metadata: Type.Optional(TextsOrNull({ description: 'Your own labels, at most 50.' })),
  headers: Type.Optional(HeadersOrNull),
  signatureHeaders: Type.Optional(SignatureHeadersOrNull),
  schedule: Type.Optional(
    ListOrNull<number>('number', {
      description: 'Seconds to wait before each retry, for at most 30 retries. Null for the default.',
    }),
  ),
  timeoutMs: Type.Optional(
    IntegerOrNull({
      description: 'How long the receiver can take to send its response status, in milliseconds. Null for the default.',
    }),
  ),
  rateLimit: Type.Optional(RateLimitOrNull({ description: RATE_LIMIT })),
  ordered: Type.Optional(Type.Boolean({ description: `${ORDERED} False by default.` })),
  state: Type.Optional(
    Word(ENDPOINT_STATES, { description: 'A disabled endpoint gets nothing: its deliveries are held.' }),
  ),
}
const Url = Type.String({
  description:
    'An absolute https URL with a public host. Characters that RFC 3986 does not allow in a path or query are ' +
    'percent-encoded, with the warning `url_encoded`. Nothing else in them is changed.',
})
const ClientSecret = Type.String({
  description: 'Sent as `Authorization: Bearer …`, exactly as given: a b64token (RFC 6750). Never shown again.',
})

export const SIGNING_INPUT = {
  signingSecret: Type.Optional(
    Type.String({ description: '`whsec_` and 24 to 64 bytes in Base64. If omitted, Posthorn generates one.' }),
  ),
  signatureVersion: Type.Optional(
    Word(SIGNATURE_VERSIONS, {
      description:
        'Signature version of the secret that Posthorn generates: `v1` (HMAC) or `v1a` (Ed25519). Defaults to the ' +
        'version of the current secret, or to `v1` for a new endpoint.',
    }),
  ),
}
export const GracePeriod = Type.Integer({
  minimum: 0,
  maximum: 604_800,
  default: 86_400,
  description:
    'How long older signing secrets stay valid at most, in seconds. 0 drops all of them immediately, for example ' +
    'because one has leaked.',
})

const OTHER_AUTHENTICATION = {
  clientCertificate: Type.Optional(
    Type.Unsafe<{ certificate: string; key: string } | null>({
      ...strict({ certificate: Type.String(), key: Type.String() }),
      type: ['object', 'null'],
      description:
        'Certificate (or chain) and private key for mutual TLS, in PEM. Never shown again. Null for no client certificate.',
    }),
  ),
  oauth: Type.Optional(
    Type.Unsafe<OAuthInput | null>({
      ...strict({
        tokenUrl: Type.String({ description: 'An absolute https URL with a public host, encoded like `url`.' }),
        clientId: Type.String(),
        clientSecret: Type.String(),
        scope: Type.Optional(TextOrNull({ description: 'The scopes to request, separated by spaces.' })),
        audience: Type.Optional(TextOrNull({ description: 'What the token is for, if the server asks for it.' })),
        resource: Type.Optional(
          Type.Unsafe<string | string[] | null>({
            type: ['string', 'array', 'null'],
            items: { type: 'string' },
            description: 'One or several URIs of what the token is for (RFC 8707), at most 10.',
          }),
        ),
        credentialsIn: Type.Optional(
          Word(CREDENTIALS_PLACES, {
            description:
              'Where the token request carries `clientId` and `clientSecret`: in the header `Authorization: Basic` ' +
              '(`header`, the default) or in the form (`body`).',
          }),
        ),
      }),
      type: ['object', 'null'],
      description:
        'OAuth 2.0 client credentials. Requests carry a token obtained with them instead of the clientSecret. Null ' +
        'for no OAuth.',
    }),
  ),
}

const Kind = Word(ENDPOINT_KINDS, {
  description:
    '`url` (the default): requests are sent to `url`, which is required. `listener`: they go to those who read the ' +
    "tenant's stream with `listen`, and there is no `url`.",
})

export const NewEndpoint = {
  ...strict({
    kind: Type.Optional(Kind),
    url: Type.Optional(Url),
    clientSecret: Type.Optional(ClientSecret),
    ...SIGNING_INPUT,
    ...OTHER_AUTHENTICATION,
    ...ENDPOINT_INPUT,
  }),
  [NOT_EMPTY]: true,
}
/** What can be checked before it is registered: everything is optional. */
export const EndpointCheckInput = strict({
  kind: Type.Optional(Kind),
  url: Type.Optional(Url),
  clientSecret: Type.Optional(ClientSecret),
  ...SIGNING_INPUT,
  ...OTHER_AUTHENTICATION,
  ...ENDPOINT_INPUT,
})
export const EndpointCheckSchema = Type.Object(
  {
    errors: Type.Array(Fault, {
      description:
        'Why registering the endpoint would be refused. An empty `field` stands for the endpoint as a whole.',
    }),
    missing: Type.Array(Fault, { description: 'What has to be given before the endpoint can be registered.' }),
    warnings: Warnings('Warnings that registering the endpoint would give.'),
  },
  { $id: 'EndpointCheck' },
)
export const EndpointPatch = strict({
  url: Type.Optional(Url),
  held: Type.Optional(heldOf(`${HELD} Only together with \`"state": "enabled"\`.`)),
  clientSecret: Type.Optional(ClientSecret),
  switchAt: Type.Optional(
    TimeInputOrNull('When a new clientSecret takes effect. If omitted or null, it takes effect immediately.'),
  ),
  ...OTHER_AUTHENTICATION,
  ...ENDPOINT_INPUT,
})
