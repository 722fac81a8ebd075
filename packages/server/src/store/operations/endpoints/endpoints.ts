import { SYSTEM } from '../../../base/callers.ts'
import { idBytes, idText } from '../../../base/ids.ts'
import {
  type DisabledReason,
  type Endpoint,
  type EndpointId,
  type EndpointState,
  isOperational,
  MAX_LISTENERS,
  type PayloadFilter,
  type RateLimit,
  type RetrySchedule,
  type TenantId,
} from '../../../base/model.ts'
import type { RequestTemplate, SignatureHeaders } from '../../../base/webhook-request.ts'
import { bytes, int, intOrNull, jsonOrNull, type Row, type Transaction, text, textOrNull } from '../../transaction.ts'
import { type By, differences, record } from '../audit.ts'
import { bumpTenant } from '../configuration.ts'
import { isRepeated, keepCall, type Once } from '../idempotent-calls.ts'
import { countListeners, forgetListener } from '../listeners/readers.ts'
import { noteReplaced } from '../notices.ts'
import { parseHeaders, withoutSecrets, writeHeaders } from './headers.ts'
import { startOver } from './marks.ts'
import { CURRENT_TEMPLATE, keepTemplate, TEMPLATE_FIELDS, toTemplate } from './requests.ts'
import { type SelectionLimit, whyNotCreated } from './room.ts'
import { countSelection, isTooLarge, keepSelection, selectionCharacters } from './selections.ts'
import { changeState, type StateChange } from './state.ts'
import { storedUrl, urlOf } from './stored-url.ts'
import { isUidTaken } from './uids.ts'

export const ENDPOINT_FIELDS = `id, tenant, partition, uid, name, url, credentials, secret_digest, types, filter, description, metadata,
  headers, signature_headers, schedule, timeout_ms, rate_requests, rate_seconds, ordered, state, disabled_reason, disabled_ms,
  failing_since_ms, failing_stage, paused_until_ms, secret_expires_ms, certificate_expires_ms, created_ms, updated_ms,
  seen_ms`

const toRateLimit = (row: Row): RateLimit | null =>
  row.rate_requests === null ? null : { requests: int(row.rate_requests), perSeconds: int(row.rate_seconds) }

export const toEndpoint = (row: Row): Endpoint => ({
  id: idText('ep', bytes(row.id)),
  tenant: text(row.tenant),
  partition: int(row.partition),
  uid: textOrNull(row.uid),
  name: textOrNull(row.name),
  url: urlOf(row.url),
  sealedCredentials: bytes(row.credentials),
  secretDigest: row.secret_digest === null ? null : bytes(row.secret_digest),
  types: jsonOrNull(row.types) as string[] | null,
  filter: jsonOrNull(row.filter) as PayloadFilter | null,
  description: textOrNull(row.description),
  metadata: JSON.parse(text(row.metadata)) as Record<string, string>,
  headers: parseHeaders(text(row.headers)),
  signatureHeaders: jsonOrNull(row.signature_headers) as SignatureHeaders | null,
  schedule: jsonOrNull(row.schedule) as RetrySchedule | null,
  timeoutMs: intOrNull(row.timeout_ms),
  rateLimit: toRateLimit(row),
  ordered: row.ordered === 1,
  state: text(row.state) as EndpointState,
  disabledReason: textOrNull(row.disabled_reason) as DisabledReason | null,
  disabledAtMs: intOrNull(row.disabled_ms),
  health: {
    failingSinceMs: intOrNull(row.failing_since_ms),
    stage: int(row.failing_stage),
    pausedUntilMs: intOrNull(row.paused_until_ms),
  },
  expiry: { secretMs: intOrNull(row.secret_expires_ms), certificateMs: intOrNull(row.certificate_expires_ms) },
  seenAtMs: intOrNull(row.seen_ms),
  createdAtMs: int(row.created_ms),
  updatedAtMs: int(row.updated_ms),
})

const textOfJson = (value: unknown): string | null => (value === null ? null : JSON.stringify(value))

const endpointValues = (endpoint: Endpoint) => [
  storedUrl(endpoint.url),
  endpoint.sealedCredentials,
  endpoint.secretDigest,
  textOfJson(endpoint.types),
  textOfJson(endpoint.filter),
  endpoint.description,
  JSON.stringify(endpoint.metadata),
  writeHeaders(endpoint.headers),
  textOfJson(endpoint.schedule),
  endpoint.timeoutMs,
  endpoint.rateLimit?.requests ?? null,
  endpoint.rateLimit?.perSeconds ?? null,
  endpoint.ordered ? 1 : 0,
  endpoint.types?.some(isOperational) ? 1 : 0,
  endpoint.expiry.secretMs,
  endpoint.expiry.certificateMs,
  endpoint.updatedAtMs,
  endpoint.uid,
  endpoint.name,
  textOfJson(endpoint.signatureHeaders),
]

/** What requests of the endpoint carry. Default: the engine writes it down before it first sends. */
type Templated = { readonly template?: RequestTemplate | undefined }

/**
 * `no_tenant`: the tenant doesn't exist, or was deleted. `too_many`: it has reached its limit of endpoints, or of
 * listeners (`too_many_listeners`). `too_large`: its endpoints' types and filters would have too many characters.
 * `uid_taken`: another of its endpoints has the uid.
 */
export function* createEndpoint(
  args: { endpoint: Endpoint; maxEndpoints?: number } & SelectionLimit & Templated & By & Once,
): Transaction<'created' | 'no_tenant' | 'too_many' | 'too_many_listeners' | 'too_large' | 'uid_taken' | 'repeated'> {
  if (yield* isRepeated(args.once)) return 'repeated'
  const { endpoint, maxEndpoints = Number.MAX_SAFE_INTEGER, maxSelectionCharacters = Number.MAX_SAFE_INTEGER } = args
  if (yield* isUidTaken(endpoint)) return 'uid_taken'
  if (endpoint.url === null && (yield* countListeners(endpoint.tenant)) >= MAX_LISTENERS) return 'too_many_listeners'
  // Counted in the tenant's row: counting twenty thousand endpoints would take some ten milliseconds for each new one.
  const counted = yield {
    text: `update tenant set endpoint_count = endpoint_count + 1
           where id = $1 and deleted_ms is null and endpoint_count < $2 and selection_characters <= $3 returning id`,
    params: [endpoint.tenant, maxEndpoints, maxSelectionCharacters - selectionCharacters(endpoint)],
  }
  if (counted.length === 0) return yield* whyNotCreated(endpoint.tenant, maxEndpoints)
  yield {
    text: `insert into endpoint (url, credentials, secret_digest, types, filter, description, metadata, headers, schedule,
             timeout_ms, rate_requests, rate_seconds, ordered, operational, secret_expires_ms,
             certificate_expires_ms, updated_ms, uid, name, signature_headers, id, tenant, partition, state, disabled_reason, disabled_ms,
             created_ms, seen_ms, created_version, selection_version)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
             $23, $24, $25, $26, $27, $28,
             (select version + 1 from tenant where id = $22), (select version + 1 from tenant where id = $22))`,
    params: [
      ...endpointValues(endpoint),
      idBytes(endpoint.id),
      endpoint.tenant,
      endpoint.partition,
      endpoint.state,
      endpoint.disabledReason,
      endpoint.disabledAtMs,
      endpoint.createdAtMs,
      endpoint.seenAtMs,
    ],
  }
  yield* countSelection(endpoint, 1)
  if (args.template !== undefined) yield* keepTemplate(endpoint, args.template, endpoint.createdAtMs)
  yield* bumpTenant(endpoint.tenant, idBytes(endpoint.id), 'created')
  yield* record(args, { ...entryOf(endpoint), action: 'created' }, endpoint.createdAtMs)
  yield* keepCall(args.once)
  return 'created'
}

const entryOf = ({ id, tenant }: Pick<Endpoint, 'id' | 'tenant'>) =>
  ({ target: 'endpoint', targetId: id, tenant }) as const

/** Members that are not settings, or that the audit log reports under another name or by another action. */
const UNTOLD = new Set([
  'id',
  'tenant',
  'partition',
  'state',
  'disabledReason',
  'disabledAtMs',
  'health',
  'expiry',
  'seenAtMs',
  'createdAtMs',
  'updatedAtMs',
])

const SECRET_MEMBERS = new Set(['sealedCredentials', 'secretDigest'])

/**
 * The names of the settings that differ, and of the secrets among them. The same secret is sealed differently each time,
 * so its digest is compared. Changes of the other credentials are known to the caller, who has opened them
 * (`credentials`).
 */
function changedSettings(before: Endpoint, after: Endpoint, credentials: readonly string[]) {
  const members = (Object.keys(after) as (keyof Endpoint)[]).filter(name => !UNTOLD.has(name))
  const settings = members.filter(name => !SECRET_MEMBERS.has(name))
  const isSecretNew = differences(before, after, ['secretDigest']).length > 0
  const secrets = [...(isSecretNew ? ['clientSecret'] : []), ...credentials]
  // A secret header that is only sealed now has not changed.
  const shown = (endpoint: Endpoint) => ({ ...endpoint, headers: withoutSecrets(endpoint.headers) })
  return { secrets, fields: [...new Set([...differences(shown(before), shown(after), settings), ...secrets])] }
}

type EndpointUpdate = {
  readonly endpoint: Endpoint
  /** The endpoint's `updatedAtMs` when it was read. */
  readonly readAtMs: number
  readonly credentials?: readonly string[]
  readonly state?: EndpointState
}

/**
 * Replaces everything but id, tenant and partition; the state only if `state` names one. `credentials` names those that
 * changed, besides the clientSecret. `outdated`: the endpoint has changed since it was read. `too_large` and `uid_taken`
 * as for createEndpoint.
 */
export function* updateEndpoint(
  args: EndpointUpdate & SelectionLimit & Templated & By & Once,
): Transaction<'updated' | 'outdated' | 'too_large' | 'uid_taken' | 'repeated'> {
  if (yield* isRepeated(args.once)) return 'repeated'
  const { state } = args
  const before = yield* getEndpoint({ tenant: null, id: args.endpoint.id })
  if (before !== null && (yield* isUidTaken(args.endpoint))) return 'uid_taken'
  const { maxSelectionCharacters = Number.MAX_SAFE_INTEGER } = args
  if (before !== null && (yield* isTooLarge(before, args.endpoint, maxSelectionCharacters))) return 'too_large'
  const isOtherSelection = before !== null && differences(before, args.endpoint, ['types', 'filter']).length > 0
  if (isOtherSelection) yield* countSelection(before, -1)
  const rows = yield {
    text: `update endpoint set url = $1, credentials = $2, secret_digest = $3, types = $4, filter = $5, description = $6,
             metadata = $7, headers = $8, schedule = $9, timeout_ms = $10, rate_requests = $11, rate_seconds = $12,
             ordered = $13, operational = $14, secret_expires_ms = $15, certificate_expires_ms = $16, updated_ms = $17,
             uid = $18, name = $19, signature_headers = $20
           where id = $21 and deleted_ms is null and updated_ms = $22 returning id`,
    params: [...endpointValues(args.endpoint), idBytes(args.endpoint.id), args.readAtMs],
  }
  if (isOtherSelection) yield* countSelection(before, 1)
  if (before === null || rows.length === 0) return 'outdated'
  if (isOtherSelection) yield* keepSelection(before)
  if (args.template !== undefined) yield* keepTemplate(args.endpoint, args.template, args.endpoint.updatedAtMs)
  yield* bumpTenant(args.endpoint.tenant, idBytes(args.endpoint.id))
  const { fields, secrets } = changedSettings(before, args.endpoint, args.credentials ?? [])
  // Another receiver: the previous one's failures and pauses don't apply to it.
  const isEnabled = state === 'enabled' && before.state === 'disabled'
  if (isEnabled || fields.includes('url')) yield* startOver(before)
  yield* forgetWarned(before, args.endpoint)
  yield* noteReplaced(args.endpoint, secrets)
  const nowMs = args.endpoint.updatedAtMs
  if (fields.length > 0) yield* record(args, { ...entryOf(before), action: 'updated', fields }, nowMs)
  if (state !== undefined) {
    const reason = state === 'disabled' ? 'manual' : null
    yield* changeState(before, { by: args.by ?? SYSTEM, state, reason, nowMs })
  }
  yield* keepCall(args.once)
  return 'updated'
}

/** If an expiry time has changed, its warnings are sent again. */
function* forgetWarned(before: Endpoint, after: Endpoint): Transaction<void> {
  const id = idBytes(after.id)
  if (before.expiry.secretMs !== after.expiry.secretMs) {
    yield { text: 'update endpoint set secret_warned = 0 where id = $1', params: [id] }
  }
  if (before.expiry.certificateMs !== after.expiry.certificateMs) {
    yield { text: 'update endpoint set certificate_warned = 0 where id = $1', params: [id] }
  }
}

export function* setEndpointState({
  tenant,
  id,
  ...change
}: StateChange & { tenant: TenantId; id: EndpointId }): Transaction<Endpoint | null> {
  const before = yield* getEndpoint({ tenant, id })
  if (before === null) return null
  yield {
    text: 'update endpoint set updated_ms = case when updated_ms < $2 then $2 else updated_ms + 1 end where id = $1',
    params: [idBytes(id), change.nowMs],
  }
  yield* bumpTenant(tenant, idBytes(id))
  if (change.state === 'enabled') yield* startOver(before)
  yield* changeState(before, change)
  return yield* getEndpoint({ tenant, id })
}

/** The row stays for history, without its secrets. Returns the partition, or null if the endpoint doesn't exist. */
export function* deleteEndpoint(
  args: { tenant: TenantId; id: EndpointId; nowMs: number } & By,
): Transaction<number | null> {
  const before = yield* getEndpoint(args)
  if (before === null) return null
  yield {
    text: `update endpoint set deleted_ms = $3, credentials = null, secret_digest = null, headers = $4,
             deleted_version = (select version + 1 from tenant where id = $2)
           where id = $1`,
    params: [idBytes(args.id), args.tenant, args.nowMs, writeHeaders(withoutSecrets(before.headers))],
  }
  if (before.url === null) yield* forgetListener(idBytes(args.id))
  yield* countSelection(args, -1)
  yield { text: 'update tenant set endpoint_count = endpoint_count - 1 where id = $1', params: [args.tenant] }
  yield* bumpTenant(args.tenant, idBytes(args.id), 'deleted')
  yield* record(args, { ...entryOf(args), action: 'deleted' }, args.nowMs)
  return before.partition
}

export function* getEndpoint(args: { tenant: TenantId | null; id: EndpointId }): Transaction<Endpoint | null> {
  const rows = yield {
    text: `select ${ENDPOINT_FIELDS} from endpoint where id = $1 and deleted_ms is null`,
    params: [idBytes(args.id)],
  }
  if (rows.length === 0) return null
  const endpoint = toEndpoint(rows[0]!)
  return args.tenant === null || endpoint.tenant === args.tenant ? endpoint : null
}

const SENDABLE_FIELDS = ENDPOINT_FIELDS.split(/,\s*/)
  .map(field => `e.${field}`)
  .join(', ')

/** An endpoint as the engine sends to it, and what its requests carry as far as it is written down. */
export type Sendable = {
  readonly endpoint: Endpoint
  readonly version: number
  /** Null if the version's row is missing. */
  readonly template: RequestTemplate | null
}

/** @param args `tenant` only says whose turn the read takes */
export function* getSendable(args: { id: EndpointId; tenant?: TenantId }): Transaction<Sendable | null> {
  const [row] = yield {
    text: `select ${SENDABLE_FIELDS}, e.request_version, ${TEMPLATE_FIELDS} from endpoint e ${CURRENT_TEMPLATE}
           where e.id = $1 and e.deleted_ms is null`,
    params: [idBytes(args.id)],
  }
  if (row === undefined) return null
  return { endpoint: toEndpoint(row), version: int(row.request_version), template: toTemplate(row) }
}

/** Few enough for a statement that is quick to prepare. */
const SECRETS_A_QUERY = 32

/**
 * Those of the endpoints whose secret another endpoint of their tenant has too (C8). They need not be stored yet. Of
 * each secret, one other endpoint is looked at: a tenant can use the same one for all of its endpoints, whose rows are
 * large.
 */
export function* findSharedSecrets({
  endpoints,
}: {
  readonly endpoints: readonly Pick<Endpoint, 'id' | 'tenant' | 'secretDigest'>[]
}): Transaction<Set<EndpointId>> {
  const withSecret = endpoints.filter(({ secretDigest }) => secretDigest !== null)
  const nameOf = ({ tenant, secretDigest }: (typeof endpoints)[number]) =>
    `${tenant} ${Buffer.from(secretDigest!).toString('hex')}`
  const groups = [...Map.groupBy(withSecret, nameOf).values()]
  const shared = new Set(groups.flatMap(same => (same.length > 1 ? same.map(({ id }) => id) : [])))
  const alone = groups.flatMap(same => (same.length === 1 ? same : []))
  for (let at = 0; at < alone.length; at += SECRETS_A_QUERY) {
    const some = alone.slice(at, at + SECRETS_A_QUERY)
    const others = some.map(
      (_, index) => `select ${index} as place where exists (
          select 1 from endpoint where tenant = $${3 * index + 1} and secret_digest = $${3 * index + 2}
            and id <> $${3 * index + 3} and deleted_ms is null)`,
    )
    const rows = yield {
      text: others.join(' union all '),
      params: some.flatMap(({ tenant, secretDigest, id }) => [tenant, secretDigest!, idBytes(id)]),
    }
    for (const row of rows) shared.add(some[int(row.place)]!.id)
  }
  return shared
}

/** The URLs of some of the newest enabled endpoints. */
export function* sampleEndpointUrls(args: { readonly limit: number }): Transaction<string[]> {
  const rows = yield {
    text: `select url from endpoint where deleted_ms is null and state = 'enabled' and seen_ms is null order by id desc limit $1`,
    params: [args.limit],
  }
  return rows.map(row => text(row.url))
}

/** Removes endpoints that were deleted before a time and have no deliveries left, with what is kept of their past. */
export function* dropDeletedEndpoints({
  limit,
  beforeMs,
}: {
  readonly limit: number
  readonly beforeMs: number
}): Transaction<number> {
  const rows = yield {
    text: `delete from endpoint where id in (
             select e.id from endpoint e where e.deleted_ms < $1
               and not exists (select 1 from live_delivery l
                               where l.partition = e.partition and l.endpoint = e.id and l.state = 'pending')
               and not exists (select 1 from live_delivery l
                               where l.partition = e.partition and l.endpoint = e.id and l.state = 'held')
               and not exists (select 1 from delivery d where d.endpoint = e.id)
             limit ${limit}) returning tenant, id`,
    params: [beforeMs],
  }
  for (const row of rows) {
    const params = [row.tenant!, row.id!]
    yield { text: 'delete from endpoint_request where tenant = $1 and endpoint = $2', params }
    yield { text: 'delete from endpoint_selection where tenant = $1 and endpoint = $2', params }
  }
  return rows.length
}
