/** Shapes that several calls share: what is documented, and the types of what is answered. */
import { type Static, type TSchema, Type } from 'typebox'
import { SIGNATURE_VERSIONS } from '../credentials.ts'
import { ERRORS, type ErrorCode, type FieldError } from '../errors.ts'
import {
  ACTOR_KINDS,
  API_KEY_SCOPES,
  ATTEMPT_ERRORS,
  AUDIT_ACTIONS,
  AUDIT_TARGETS,
  DELIVERY_STATES,
  type DeliveryState,
  HELD_REASONS,
  type HeldReason,
  type RateLimit,
} from '../model.ts'
import { PROBLEM_TYPE } from './problem.ts'

const STRICT = { additionalProperties: false } as const

/** A parameter or body of these members and no others. */
export const strict = <Members extends Parameters<typeof Type.Object>[0]>(members: Members) =>
  Type.Object(members, STRICT)

/** The body of a call that can do without one. */
export const optionalBody = <Members extends Parameters<typeof Type.Object>[0]>(members: Members) =>
  Type.Unsafe<Static<ReturnType<typeof strict<Members>>> | null | undefined>({
    ...strict(members),
    type: ['object', 'null'],
  })

export const NoQuery = strict({})
export const NoBody = optionalBody({})

type Notes = { readonly description?: string; readonly format?: string; readonly examples?: unknown[] }

const TextOrNull = (notes: Notes = {}) => Type.Unsafe<string | null>({ type: ['string', 'null'], ...notes })
const Texts = (notes: Notes = {}) =>
  Type.Unsafe<Record<string, string>>({ type: 'object', additionalProperties: { type: 'string' }, ...notes })
const TextsOrNull = (notes: Notes) =>
  Type.Unsafe<Record<string, string> | null>({
    type: ['object', 'null'],
    additionalProperties: { type: 'string' },
    ...notes,
  })
const ListOrNull = <Item extends string | number>(type: 'string' | 'number', notes: Notes = {}) =>
  Type.Unsafe<readonly Item[] | null>({ type: ['array', 'null'], items: { type }, ...notes })
const IntegerOrNull = (notes: Notes = {}) => Type.Unsafe<number | null>({ type: ['integer', 'null'], ...notes })
const RateLimitOrNull = (notes: Notes) =>
  Type.Unsafe<RateLimit | null>({
    ...strict({
      requests: Type.Integer({ description: 'From 1 to 10,000.' }),
      perSeconds: Type.Integer({ description: 'From 1 to 86,400.' }),
    }),
    type: ['object', 'null'],
    ...notes,
  })
const Word = <Value extends string>(values: readonly Value[], notes: Notes = {}) =>
  Type.Unsafe<Value>({ type: 'string', enum: [...values], ...notes })
const WordOrNull = <Value extends string>(values: readonly Value[], notes: Notes = {}) =>
  Type.Unsafe<Value | null>({ type: ['string', 'null'], enum: [...values, null], ...notes })
const Time = (description: string) => Type.String({ format: 'date-time', description })
const TimeOrNull = (description: string) => TextOrNull({ format: 'date-time', description })

export const StateQuery = Word<DeliveryState>(DELIVERY_STATES, { description: 'Only deliveries in this state.' })
export const HeldReasonQuery = Word<HeldReason>(HELD_REASONS, { description: 'Only deliveries that are held for it.' })

// Parameters of paths

export const TenantParams = Type.Object({
  tenant: Type.String({ description: "The provider's own id of the tenant." }),
})
export const ItemParams = Type.Object({ ...TenantParams.properties, id: Type.String() })
export const KeyParams = Type.Object({ id: Type.String() })
export const TypeParams = Type.Object({ name: Type.String({ description: 'The name of the event type.' }) })

// What is answered

const Fault = Type.Object({
  field: Type.String({ description: "A JSON Pointer into the body, or the parameter's name." }),
  detail: Type.String(),
  position: Type.Optional(Type.Integer({ description: 'Zero-based index of the first bad character.' })),
  reason: Type.Optional(Type.String({ description: 'A stable word for the kind of fault.' })),
})

const ProblemSchema = Type.Object(
  {
    type: Type.String({ format: 'uri' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Word<ErrorCode>(Object.keys(ERRORS) as ErrorCode[], { description: 'Stable: decide on this.' }),
    errors: Type.Optional(Type.Array(Fault)),
  },
  { $id: 'Problem' },
)
export type Problem = Static<typeof ProblemSchema>

const EventTypeSchema = Type.Object(
  {
    name: Type.String(),
    group: Type.String(),
    description: Type.String(),
    schema: Type.Unknown({ description: 'JSON Schema (2020-12) that payloads must satisfy.' }),
    example: Type.Unknown({ description: 'A payload that satisfies it.' }),
  },
  { $id: 'EventType' },
)

const TenantSchema = Type.Object(
  { id: Type.String(), name: TextOrNull(), metadata: Texts(), createdAt: Time('When it was created.') },
  { $id: 'Tenant' },
)
export type TenantView = Static<typeof TenantSchema>

const RATE_LIMIT = 'In any stretch of perSeconds, at most so many requests are begun; null: no limit.'
const ORDERED =
  'One delivery at a time, in the order of publishing, each after the one before it has ended: one that keeps ' +
  'failing holds up those behind it.'

const objectOrNull = <Members extends Parameters<typeof Type.Object>[0]>(members: Members, description: string) =>
  Type.Unsafe<Static<ReturnType<typeof Type.Object<Members>>> | null>({
    ...Type.Object(members),
    type: ['object', 'null'],
    description,
  })

const NextSecretOrNull = objectOrNull(
  { fingerprint: Type.String(), switchAt: Time('From then on it is in force.') },
  'A clientSecret that is to come.',
)

const SigningSchema = Type.Object({
  version: Word(SIGNATURE_VERSIONS),
  fingerprint: Type.String({ description: 'Tells two apart, and nothing else of them.' }),
  publicKey: TextOrNull({ description: '`whpk_…`, what signatures of v1a are checked with.' }),
  createdAt: Time('When it was made.'),
  expiresAt: TimeOrNull('When it stops to count; null: it is the one in force.'),
})

const CertificateOrNull = objectOrNull(
  { subject: Type.String(), fingerprint: Type.String(), expiresAt: Time('When it expires.') },
  'What it shows of itself for mutual TLS.',
)

const OAuthOrNull = objectOrNull(
  { tokenUrl: Type.String(), clientId: Type.String(), scope: TextOrNull() },
  'Where its bearer tokens come from; null: requests bear the clientSecret.',
)

const ENDPOINT_MEMBERS = {
  id: Type.String({ examples: ['ep_01jy4k8v3xf0c8wq2rn5s7t9ab'] }),
  tenant: Type.String(),
  url: Type.String({ format: 'uri' }),
  types: ListOrNull<string>('string', { description: "Event types wanted; null: all of the catalogue's." }),
  description: TextOrNull(),
  metadata: Texts(),
  headers: Texts({ description: 'Extra request headers, names in lower case.' }),
  schedule: ListOrNull<number>('number', { description: 'Seconds before each retry; null: the default.' }),
  timeoutMs: IntegerOrNull({ description: 'Milliseconds that a status may take; null: the default.' }),
  rateLimit: RateLimitOrNull({ description: RATE_LIMIT }),
  ordered: Type.Boolean({ description: ORDERED }),
  state: Word(['enabled', 'disabled'] as const),
  disabledReason: WordOrNull(['manual', 'gone'] as const, {
    description: 'manual: by a call; gone: the receiver answered 410.',
  }),
  secretFingerprint: TextOrNull({
    description: 'Equal for equal clientSecrets of a tenant; tells nothing else of them. null: it has none.',
  }),
  nextSecret: NextSecretOrNull,
  signing: Type.Array(SigningSchema, { description: 'Signing secrets that count now, the newest first.' }),
  clientCertificate: CertificateOrNull,
  oauth: OAuthOrNull,
  createdAt: Time('When it was created.'),
  updatedAt: Time('When it was last changed.'),
  warnings: Type.Array(Type.Object({ code: Type.String(), detail: Type.String() }), {
    description: 'What is worth changing about it.',
  }),
}

const EndpointSchema = Type.Object(ENDPOINT_MEMBERS, { $id: 'Endpoint' })
/** The only answers with a signing secret. */
const EndpointWithSecretSchema = Type.Object(
  {
    ...ENDPOINT_MEMBERS,
    signingSecret: TextOrNull({
      description: '`whsec_…`, what signatures are checked with: shown this once. null: you gave it, or it is a v1a.',
    }),
  },
  { $id: 'EndpointWithSecret' },
)
export type EndpointView = Static<typeof EndpointSchema>

const DELIVERY_MEMBERS = {
  id: Type.String(),
  event: Type.String(),
  endpoint: Type.String(),
  type: Type.String(),
  state: Word<DeliveryState>(DELIVERY_STATES),
  heldReason: WordOrNull(HELD_REASONS, {
    description: 'disabled: its endpoint is; set_aside: it was in flight at repeated crashes.',
  }),
  attemptCount: Type.Integer(),
  nextAttemptAt: TimeOrNull('When the next attempt falls due; null unless pending.'),
  replayOf: TextOrNull({ description: 'The delivery that this one repeats.' }),
  test: Type.Boolean(),
  createdAt: Time('When it was made.'),
  endedAt: TimeOrNull('When it was delivered, exhausted or cancelled.'),
}

const DeliverySchema = Type.Object(DELIVERY_MEMBERS, { $id: 'Delivery' })
export type DeliveryView = Static<typeof DeliverySchema>

const SetAsideDeliverySchema = Type.Object(
  { tenant: Type.String(), ...DELIVERY_MEMBERS },
  { $id: 'SetAsideDelivery', description: 'A delivery that is not sent until a person says so, with its tenant.' },
)
export type SetAsideDeliveryView = Static<typeof SetAsideDeliverySchema>

const AttemptSchema = Type.Object(
  {
    number: Type.Integer(),
    startedAt: Time('When it began.'),
    durationMs: Type.Integer(),
    outcome: Word(['success', 'failure'] as const),
    status: IntegerOrNull({ description: "The answer's status; null if there was no answer." }),
    error: WordOrNull(ATTEMPT_ERRORS, { description: 'Why it failed.' }),
    address: TextOrNull({ description: 'The address connected to.' }),
    responseHeaders: Type.Array(Type.Array(Type.String(), { minItems: 2, maxItems: 2 }), {
      description: 'Name and value of each, as received, secrets blanked.',
    }),
    responseBody: Type.String({ description: 'The first 16 KiB as text, secrets blanked.' }),
    responseTruncated: Type.Boolean({ description: 'Whether there was more of it.' }),
  },
  { $id: 'Attempt' },
)
export type AttemptView = Static<typeof AttemptSchema>

const DeliveryDetailSchema = Type.Object(
  { ...DELIVERY_MEMBERS, attempts: Type.Array(ref<AttemptView>('Attempt')) },
  { $id: 'DeliveryDetail' },
)
export type DeliveryDetail = Static<typeof DeliveryDetailSchema>

const NotSentSchema = Type.Object(
  { type: Type.Optional(Type.Integer({ description: 'Endpoints that do not want the type.' })) },
  { $id: 'NotSent', description: 'How many endpoints of the tenant got no delivery, by reason.' },
)

const NotSentOrNull = Type.Unsafe<Static<typeof NotSentSchema> | null>({
  anyOf: [{ $ref: 'NotSent#' }, { type: 'null' }],
  description: 'null: not known yet, its deliveries are being made.',
})

const RejectedOrNull = Type.Unsafe<readonly FieldError[] | null>({
  type: ['array', 'null'],
  items: Fault,
  description: 'Why it was not delivered, of an event published from SQL that the API would have refused; else null.',
})

const EVENT_MEMBERS = {
  id: Type.String(),
  type: Type.String(),
  key: TextOrNull({ description: 'The `id` that it was published with.' }),
  test: Type.Boolean(),
  createdAt: Time('When it was published.'),
  notSent: NotSentOrNull,
  rejected: RejectedOrNull,
  payload: Type.Unknown({
    description: 'Byte for byte as published; null where it was rejected for its size.',
  }),
}

const EventSchema = Type.Object(EVENT_MEMBERS, { $id: 'Event' })
/** Without the payload, which is put in as the bytes that it was published as. */
export type EventView = Omit<Static<typeof EventSchema>, 'payload'>

const EventDetailSchema = Type.Object(
  { ...EVENT_MEMBERS, deliveries: Type.Array(ref<DeliveryView>('Delivery')) },
  { $id: 'EventDetail' },
)

const RejectedEventSchema = Type.Object(
  { tenant: Type.String({ description: 'The tenant it was published for; there may be none.' }), ...EVENT_MEMBERS },
  { $id: 'RejectedEvent' },
)

const PublishedSchema = Type.Object(
  {
    id: Type.String({ examples: ['evt_01jy4k8v3xf0c8wq2rn5s7t9ab'] }),
    deliveries: IntegerOrNull({
      description: 'How many deliveries were made of it; null where they are very many, and being made.',
    }),
    notSent: NotSentOrNull,
    duplicate: Type.Optional(Type.Boolean({ description: 'True if it was published before; then nothing was made.' })),
  },
  { $id: 'PublishedEvent' },
)

const EgressSchema = Type.Object(
  { addresses: Type.Array(Type.String({ description: 'An IP address or network.' })) },
  {
    $id: 'Egress',
    description: 'The addresses that deliveries come from, for firewalls; empty if they are not fixed.',
  },
)

const Scope = Word(API_KEY_SCOPES, { description: 'Everything, publishing and nothing else, or reading.' })
const CALL_RATE = 'At most so many calls in so many seconds, at each node; null: no limit.'

const API_KEY_MEMBERS = {
  id: Type.String({ examples: ['key_01jy4k8v3xf0c8wq2rn5s7t9ab'] }),
  name: Type.String(),
  scope: Scope,
  tenant: TextOrNull({ description: 'The one tenant that it is for; null: all.' }),
  rateLimit: RateLimitOrNull({ description: CALL_RATE }),
  createdAt: Time('When it was made.'),
  expiresAt: TimeOrNull('When it stops being one; null: never.'),
  revokedAt: TimeOrNull('When it was revoked.'),
}
const ApiKeySchema = Type.Object(API_KEY_MEMBERS, { $id: 'ApiKey' })
export type ApiKeyView = Static<typeof ApiKeySchema>

const NewApiKeySchema = Type.Object(
  { ...API_KEY_MEMBERS, key: Type.String({ description: 'The key itself. It is shown this once.' }) },
  { $id: 'NewApiKey' },
)

export const ApiKeyInput = strict({
  name: Type.String({ description: 'What it is for, 1 to 256 characters.' }),
  scope: Scope,
  tenant: Type.Optional(TextOrNull({ description: 'The one tenant that it is for; null: all.' })),
  expiresAt: Type.Optional(TimeOrNull('When it stops being one (RFC 3339); null: never.')),
  rateLimit: Type.Optional(RateLimitOrNull({ description: CALL_RATE })),
})

const AuditEntrySchema = Type.Object(
  {
    id: Type.String(),
    at: Time('When.'),
    actor: Type.Object({
      kind: Word(ACTOR_KINDS, { description: 'The root key, another key, or Posthorn itself.' }),
      key: TextOrNull({ description: "The key's id." }),
      name: TextOrNull({ description: "The key's name." }),
      address: TextOrNull({ description: 'Where the call came from.' }),
    }),
    action: Word(AUDIT_ACTIONS),
    target: Type.Object({ type: Word(AUDIT_TARGETS), id: Type.String() }),
    tenant: TextOrNull({ description: 'Whose it is.' }),
    fields: Type.Array(Type.String(), { description: 'What was changed, by name. No value is kept.' }),
  },
  { $id: 'AuditEntry' },
)
export type AuditEntryView = Static<typeof AuditEntrySchema>

const EncryptionKeysSchema = Type.Object(
  {
    keys: Type.Array(Type.String(), { description: 'Names of the encryption keys, the one that encrypts first.' }),
    state: Word(['idle', 'running', 'done', 'failed'] as const, { description: "Of this process's newest rotation." }),
    resealed: Type.Integer({ description: 'Endpoints whose secrets were encrypted anew.' }),
    unreadable: Type.Integer({ description: 'Endpoints whose secrets no key opens; give each a new clientSecret.' }),
  },
  { $id: 'EncryptionKeys' },
)

export const COMPONENTS: readonly TSchema[] = [
  ...[ProblemSchema, EventTypeSchema, TenantSchema, EndpointSchema, EndpointWithSecretSchema],
  ...[DeliverySchema, SetAsideDeliverySchema, AttemptSchema],
  ...[DeliveryDetailSchema, NotSentSchema, EventSchema, EventDetailSchema, RejectedEventSchema],
  ...[PublishedSchema, EgressSchema],
  ...[ApiKeySchema, NewApiKeySchema, AuditEntrySchema],
  EncryptionKeysSchema,
]

export function ref<Shape>(id: string) {
  return Type.Unsafe<Shape>({ $ref: `${id}#` })
}

export const pageOf = (id: string, description: string) => ({
  ...Type.Object({
    data: Type.Array(ref(id)),
    nextCursor: TextOrNull({ description: 'null: that was the last page.' }),
  }),
  description,
})

export const Gone = Type.Unsafe<undefined>({ type: 'null', description: 'It is gone.' })

export const Location = {
  headers: { Location: { type: 'string', description: 'The path of what was made.' } },
}

// What is sent

const ENDPOINT_INPUT = {
  types: Type.Optional(
    ListOrNull<string>('string', { description: "Event types wanted, at least one; null: all of the catalogue's." }),
  ),
  description: Type.Optional(TextOrNull({ description: 'At most 1,024 characters.' })),
  metadata: Type.Optional(TextsOrNull({ description: 'Labels of your own, at most 50.' })),
  headers: Type.Optional(TextsOrNull({ description: 'Extra request headers, at most 20.' })),
  schedule: Type.Optional(
    ListOrNull<number>('number', { description: 'Seconds before each retry, at most 30; null: the default.' }),
  ),
  timeoutMs: Type.Optional(IntegerOrNull({ description: 'Milliseconds that a status may take; null: the default.' })),
  rateLimit: Type.Optional(RateLimitOrNull({ description: RATE_LIMIT })),
  ordered: Type.Optional(Type.Boolean({ description: `${ORDERED} False by default.` })),
}
const Url = Type.String({ description: 'An absolute https URL with a public host.' })
const ClientSecret = Type.String({
  description: 'Sent as `Authorization: Bearer …`, exactly as given (a b64token of RFC 6750). Never shown again.',
})

export const SIGNING_INPUT = {
  signingSecret: Type.Optional(
    Type.String({ description: '`whsec_` and the Base64 of 24 to 64 bytes; left out: Posthorn makes one.' }),
  ),
  signatureVersion: Type.Optional(
    Word(SIGNATURE_VERSIONS, {
      description: 'Of a secret that Posthorn makes: v1 (HMAC, the default) or v1a (Ed25519).',
    }),
  ),
}
const OTHER_AUTHENTICATION = {
  clientCertificate: Type.Optional(
    Type.Unsafe<{ certificate: string; key: string } | null>({
      ...strict({ certificate: Type.String(), key: Type.String() }),
      type: ['object', 'null'],
      description: 'For mutual TLS: certificate (or chain) and key in PEM. Never shown again. null: none.',
    }),
  ),
  oauth: Type.Optional(
    Type.Unsafe<{ tokenUrl: string; clientId: string; clientSecret: string; scope?: string | null } | null>({
      ...strict({
        tokenUrl: Type.String(),
        clientId: Type.String(),
        clientSecret: Type.String(),
        scope: Type.Optional(TextOrNull()),
      }),
      type: ['object', 'null'],
      description: 'OAuth 2.0 client credentials: requests bear a token from there instead of the clientSecret.',
    }),
  ),
}

export const NewEndpoint = {
  ...strict({
    ...{ url: Url, clientSecret: Type.Optional(ClientSecret), ...SIGNING_INPUT, ...OTHER_AUTHENTICATION },
    ...ENDPOINT_INPUT,
  }),
  examples: [
    { url: 'https://hooks.example.com/covers', clientSecret: 'aGlzdG9yeS1vZi1zZWNyZXRz', types: ['COVER_REFERENCE'] },
  ],
}
export const EndpointPatch = strict({
  url: Type.Optional(Url),
  clientSecret: Type.Optional(ClientSecret),
  switchAt: Type.Optional(TimeOrNull('From when on a new clientSecret is in force (RFC 3339); left out: at once.')),
  ...OTHER_AUTHENTICATION,
  ...ENDPOINT_INPUT,
})

export const TenantInput = optionalBody({
  name: Type.Optional(TextOrNull({ description: 'At most 256 characters.' })),
  metadata: Type.Optional(TextsOrNull({ description: 'Labels of your own, at most 50.' })),
})

export const EventTypeInput = strict({
  group: Type.String({ description: '1 to 64 characters.' }),
  description: Type.String({ description: '1 to 2,000 characters.' }),
  schema: Type.Unknown({ description: 'JSON Schema (2020-12) of an object, with at least one required property.' }),
  example: Type.Unknown({ description: 'A payload that satisfies the schema.' }),
})

// Answers of calls

/** Problem answers of these codes, by status, for the documentation. */
function problems(...codes: readonly ErrorCode[]): Record<string, unknown> {
  const answers: Record<string, unknown> = {}
  const byStatus = Map.groupBy(codes, code => ERRORS[code].status)
  for (const [status, group] of byStatus) {
    const description = group.map(code => `\`${code}\`: ${ERRORS[code].title}.`).join(' ')
    answers[status] = { description, content: { [PROBLEM_TYPE]: { schema: { $ref: 'Problem#' } } } }
  }
  return answers
}

const ANY_CALL = ['bad_request', 'request_timeout', 'headers_too_large', 'internal', 'shutting_down'] as const
const WITH_KEY = [
  ...(['unauthorized', 'forbidden', 'rate_limited', 'invalid', 'store_unavailable', 'overloaded', 'busy'] as const),
]
/** What a call that needs no key can be refused with. */
export const publicProblems = () => problems(...ANY_CALL)
/** What a call under /v1 can be refused with, beside what is its own. */
export const readProblems = (...own: readonly ErrorCode[]) => problems(...ANY_CALL, ...WITH_KEY, ...own)
export const writeProblems = (...own: readonly ErrorCode[]) =>
  readProblems('bad_json', 'body_too_large', 'unsupported_media_type', ...own)
