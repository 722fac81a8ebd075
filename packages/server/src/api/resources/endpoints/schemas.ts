/** Endpoints: what is shown of them, and what they are made and changed with. */
import { type Static, Type } from 'typebox'
import { DISABLED_REASONS } from '../../../base/model.ts'
import { SIGNATURE_VERSIONS } from '../../../secrets/credentials.ts'
import {
  IntegerOrNull,
  ListOrNull,
  objectOrNull,
  RateLimitOrNull,
  strict,
  TextOrNull,
  Texts,
  TextsOrNull,
  Time,
  TimeOrNull,
  Word,
  WordOrNull,
} from '../../http/shapes.ts'

const TYPES = "Event types wanted, by name or with `*` for any characters; null: all of the catalogue's."
const FILTER = 'Which events of these types are wanted, by conditions on the payload; null: all.'
const FilterOrNull = (description: string) =>
  Type.Unsafe<Readonly<Record<string, unknown>> | null>({
    type: ['object', 'null'],
    additionalProperties: true,
    description,
    examples: [{ status: ['Quoted', 'Refused'], amount: { gte: 1000 } }],
  })

const RATE_LIMIT = 'In any stretch of perSeconds, at most so many requests are begun; null: no limit.'
const ORDERED =
  'One delivery at a time, in the order of publishing, each after the one before it has ended: one that keeps ' +
  'failing holds up those behind it.'

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
  types: ListOrNull<string>('string', { description: TYPES }),
  filter: FilterOrNull(FILTER),
  description: TextOrNull(),
  metadata: Texts(),
  headers: Texts({ description: 'Extra request headers, names in lower case.' }),
  schedule: ListOrNull<number>('number', { description: 'Seconds before each retry; null: the default.' }),
  timeoutMs: IntegerOrNull({ description: 'Milliseconds that a status may take; null: the default.' }),
  rateLimit: RateLimitOrNull({ description: RATE_LIMIT }),
  ordered: Type.Boolean({ description: ORDERED }),
  state: Word(['enabled', 'disabled'] as const),
  disabledReason: WordOrNull(DISABLED_REASONS, {
    description: 'manual: by a call; gone: the receiver answered 410; failing: days without a success.',
  }),
  failingSince: TimeOrNull('When the first of the present run of failures ended; null: there is no such run.'),
  pausedUntil: TimeOrNull('The receiver wants no request before (Retry-After); null: it wants any.'),
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

export const EndpointSchema = Type.Object(ENDPOINT_MEMBERS, { $id: 'Endpoint' })
/** The only answers with a signing secret. */
export const EndpointWithSecretSchema = Type.Object(
  {
    ...ENDPOINT_MEMBERS,
    signingSecret: TextOrNull({
      description:
        '`whsec_…`, what signatures are checked with: shown this once. null: none was made by this call, or it is a v1a.',
    }),
  },
  { $id: 'EndpointWithSecret' },
)
export type EndpointView = Static<typeof EndpointSchema>

const ENDPOINT_INPUT = {
  types: Type.Optional(ListOrNull<string>('string', { description: `${TYPES} At least one.` })),
  filter: Type.Optional(FilterOrNull(`${FILTER} See docs/event-types.md.`)),
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
    url: Url,
    clientSecret: Type.Optional(ClientSecret),
    ...SIGNING_INPUT,
    ...OTHER_AUTHENTICATION,
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
