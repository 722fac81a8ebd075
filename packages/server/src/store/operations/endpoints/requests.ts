/**
 * What requests of an endpoint carry (base/webhook-request.ts), by version. A version's row is there before an attempt
 * refers to it, and never changes: another URL, other headers or another way to authenticate make another version. So an
 * attempt keeps what was sent in two small numbers, its endpoint's version and its sender.
 *
 * Rows are written with the change of the endpoint. Where one is missing or says something else (the endpoint is from
 * before there were versions, or an older node changed it), the engine writes it before it sends.
 */

import { HOUR_MS } from '../../../base/durations.ts'
import { idBytes, idText } from '../../../base/ids.ts'
import type { Endpoint, EndpointId, TenantId } from '../../../base/model.ts'
import {
  isSameTemplate,
  type RequestTemplate,
  type SenderIdentity,
  type SignatureHeaders,
} from '../../../base/webhook-request.ts'
import { type BulkQuery, bytes, int, jsonOrNull, type Row, type Transaction, text } from '../../transaction.ts'
import { storedUrl, urlOf } from './stored-url.ts'

/** Versions kept for each endpoint; older ones are removed. */
const MAX_KEPT = 1_000

/** How long a node might go on sending what another node has replaced, at the most. */
const SLACK_MS = HOUR_MS

const CERTIFICATE = '+certificate'

/** The columns of a template, each under a name that no column of an endpoint has. */
export const TEMPLATE_FIELDS = `r.url as sent_url, r.headers as sent_headers, r.secret_headers as sent_secret_headers,
  r.signature_headers as sent_signature_headers, r.authentication as sent_authentication`

/** Joins the current version's template to `endpoint e`, if it is there. */
export const CURRENT_TEMPLATE = `left join endpoint_request r
  on r.tenant = e.tenant and r.endpoint = e.id and r.version = e.request_version`

/** Null if the row has none. */
export function toTemplate(row: Row): RequestTemplate | null {
  if (row.sent_url === null) return null
  const authentication = text(row.sent_authentication)
  return {
    url: urlOf(row.sent_url),
    headers: JSON.parse(text(row.sent_headers)) as Record<string, string>,
    secretHeaders: JSON.parse(text(row.sent_secret_headers)) as string[],
    signatureHeaders: jsonOrNull(row.sent_signature_headers) as SignatureHeaders | null,
    authentication: authentication.replace(CERTIFICATE, '') as RequestTemplate['authentication'],
    hasClientCertificate: authentication.endsWith(CERTIFICATE),
  }
}

/** To be called in the transaction that has changed the endpoint. Returns the version of what its requests now carry. */
export function* keepTemplate(
  { id, tenant }: Pick<Endpoint, 'id' | 'tenant'>,
  template: RequestTemplate,
  nowMs: number,
): Transaction<number> {
  const endpoint = idBytes(id)
  const [row] = yield {
    text: `select e.request_version, ${TEMPLATE_FIELDS} from endpoint e ${CURRENT_TEMPLATE} where e.id = $1`,
    params: [endpoint],
  }
  const current = int(row!.request_version)
  const before = toTemplate(row!)
  if (before !== null && isSameTemplate(before, template)) return current
  const version = before === null ? current : current + 1
  const { url, headers, secretHeaders, signatureHeaders, authentication, hasClientCertificate } = template
  yield {
    text: `insert into endpoint_request
             (tenant, endpoint, version, url, headers, secret_headers, signature_headers, authentication, since_ms)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    params: [
      tenant,
      endpoint,
      version,
      storedUrl(url),
      JSON.stringify(headers),
      JSON.stringify(secretHeaders),
      signatureHeaders === null ? null : JSON.stringify(signatureHeaders),
      authentication + (hasClientCertificate ? CERTIFICATE : ''),
      nowMs,
    ],
  }
  if (version === current) return version
  yield { text: 'update endpoint set request_version = $2 where id = $1', params: [endpoint, version] }
  yield {
    text: 'delete from endpoint_request where tenant = $1 and endpoint = $2 and version <= $3',
    params: [tenant, endpoint, version - MAX_KEPT],
  }
  return version
}

/**
 * Sees to it that the current version is what the engine is about to send. Returns the version; null if the endpoint has
 * changed since it was read, or is gone.
 */
export function* recordTemplate(args: {
  readonly endpoint: Pick<Endpoint, 'id' | 'updatedAtMs'>
  readonly template: RequestTemplate
  readonly nowMs: number
}): Transaction<number | null> {
  const { id, updatedAtMs } = args.endpoint
  // Locks the row: another node might be about to do the same.
  const rows = yield {
    text: `update endpoint set request_version = request_version
           where id = $1 and updated_ms = $2 and deleted_ms is null returning tenant`,
    params: [idBytes(id), updatedAtMs],
  }
  if (rows.length === 0) return null
  return yield* keepTemplate({ id, tenant: text(rows[0]!.tenant) }, args.template, args.nowMs)
}

export type TemplateKey = { readonly endpoint: EndpointId; readonly version: number }

/** A template's place in what `readTemplates` returns. */
export const templateKey = ({ endpoint, version }: TemplateKey): string => `${endpoint} ${version}`

const KEY_COLUMNS: BulkQuery['columns'] = [
  ['tenant', 'text'],
  ['endpoint', 'bytes'],
  ['version', 'int'],
]

/** Templates by their keys. Those that are no longer kept are missing. */
export function* readTemplates(
  keys: readonly (TemplateKey & { readonly tenant: TenantId })[],
): Transaction<Map<string, RequestTemplate>> {
  const distinct = new Map(keys.map(key => [templateKey(key), key]))
  if (distinct.size === 0) return new Map()
  const rows = yield {
    text: `select r.endpoint, r.version, ${TEMPLATE_FIELDS}
           from v cross join endpoint_request r
           where r.tenant = v.tenant and r.endpoint = v.endpoint and r.version = v.version`,
    columns: KEY_COLUMNS,
    rows: [...distinct.values()].map(({ tenant, endpoint, version }) => [tenant, idBytes(endpoint), version]),
  }
  return new Map(
    rows.map(row => {
      const key = { endpoint: idText('ep', bytes(row.endpoint)), version: int(row.version) }
      return [templateKey(key), toTemplate(row)!]
    }),
  )
}

/**
 * Removes versions that another one replaced before a time, unless a delivery is left that is older than its
 * replacement, so that an attempt can refer to it. Returns how many.
 */
export function* dropOldTemplates(args: { readonly limit: number; readonly beforeMs: number }): Transaction<number> {
  const isOlder = (state: string) =>
    `exists (select 1 from live_delivery l where l.partition = e.partition and l.endpoint = e.id
             and l.state = '${state}' and l.created_ms < n.since_ms + ${SLACK_MS})`
  const rows = yield {
    text: `delete from endpoint_request where (tenant, endpoint, version) in (
             select r.tenant, r.endpoint, r.version from endpoint e
               join endpoint_request r on r.tenant = e.tenant and r.endpoint = e.id and r.version < e.request_version
               join endpoint_request n on n.tenant = r.tenant and n.endpoint = r.endpoint and n.version = r.version + 1
             where e.request_version > 1 and n.since_ms < $1
               and not coalesce((select d.created_ms from delivery d where d.endpoint = e.id order by d.id limit 1)
                                  < n.since_ms + ${SLACK_MS}, false)
               and not ${isOlder('held')} and not ${isOlder('pending')}
             order by r.endpoint, r.version limit ${args.limit})
           returning version`,
    params: [args.beforeMs],
  }
  return rows.length
}

// Senders

export type Sender = SenderIdentity & {
  readonly id: number
  /** Whether its requests name the type of their event, as those of this release do. */
  readonly namesType: boolean
}

export function* readSenders(): Transaction<Sender[]> {
  const rows = yield { text: 'select id, user_agent, api_version, names_type from sender' }
  return rows.map(row => ({
    id: int(row.id),
    userAgent: text(row.user_agent),
    apiVersion: text(row.api_version),
    namesType: row.names_type === 1,
  }))
}

/** Finds or creates the row of a sender. Returns its id. */
export function* recordSender({ userAgent, apiVersion }: SenderIdentity): Transaction<number> {
  for (;;) {
    const own = (yield* readSenders()).find(
      each => each.userAgent === userAgent && each.apiVersion === apiVersion && each.namesType,
    )
    if (own !== undefined) return own.id
    // Another node may take the number first, or make the same row: look again.
    yield {
      text: `insert into sender (id, user_agent, api_version, names_type)
             select coalesce(max(id), 0) + 1, cast($1 as text), cast($2 as text), 1 from sender where true
             on conflict do nothing`,
      params: [userAgent, apiVersion],
    }
  }
}
