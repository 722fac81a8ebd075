/** API keys, the audit log, and encryption keys. */
import { type Static, Type } from 'typebox'
import { ACTOR_KINDS, API_KEY_SCOPES, AUDIT_ACTIONS, AUDIT_TARGETS } from '../../base/model.ts'
import { RateLimitOrNull, strict, TextOrNull, Time, TimeOrNull, Word } from './shapes.ts'

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
export const ApiKeySchema = Type.Object(API_KEY_MEMBERS, { $id: 'ApiKey' })
export type ApiKeyView = Static<typeof ApiKeySchema>

export const NewApiKeySchema = Type.Object(
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

export const AuditEntrySchema = Type.Object(
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

export const EncryptionKeysSchema = Type.Object(
  {
    keys: Type.Array(Type.String(), { description: 'Names of the encryption keys, the one that encrypts first.' }),
    state: Word(['idle', 'running', 'done', 'failed', 'interrupted'] as const, {
      description: 'Of the newest rotation; interrupted: its node was stopped, begin it again.',
    }),
    resealed: Type.Integer({ description: 'Endpoints whose secrets were encrypted anew.' }),
    unreadable: Type.Integer({ description: 'Endpoints whose secrets no key opens; give each a new clientSecret.' }),
  },
  { $id: 'EncryptionKeys' },
)
