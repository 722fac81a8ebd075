/** What one line of a message is about, read when the message is made. Never a payload, a response's body or a secret. */
import { idBytes } from '../../../base/ids.ts'
import type { AttemptError, TenantId } from '../../../base/model.ts'
import { int, intOrNull, type Row, type Transaction, text, textOrNull } from '../../transaction.ts'

export type MessageItem = {
  readonly type: string
  readonly tenant: TenantId
  /** Null if it is not about an endpoint. */
  readonly endpoint: string | null
  /** The endpoint's own name. */
  readonly name: string | null
  /** The host of its URL: the rest can be secret. Null if the endpoint is gone. */
  readonly host: string | null
  /** What has become of the fact: a message can be later than a remedy. */
  readonly now: 'unchanged' | 'over' | 'deleted'
  /** How the last failed attempt ended. Null if there was none, or it is no longer kept. */
  readonly failure: LastFailure | null
  /** How often it has happened since the last message that told of it. */
  readonly count: number
  readonly firstAtMs: number
  readonly lastAtMs: number
  /** The last fact, as its operational event has it, without what failed. */
  readonly data: Readonly<Record<string, unknown>>
}

export type LastFailure = {
  readonly atMs: number
  /** Null if there was no response. */
  readonly status: number | null
  readonly error: AttemptError
}

/** @param row one of `notification_item` */
export function* readItem(row: Row): Transaction<MessageItem> {
  const data = JSON.parse(text(row.data)) as MessageItem['data']
  const [type, tenant] = [text(row.type), text(row.tenant)]
  const endpoint = typeof data.endpoint === 'string' ? data.endpoint : null
  const [found] =
    endpoint === null
      ? []
      : yield {
          text: `select name, url, state, failing_since_ms, deleted_ms from endpoint where tenant = $1 and id = $2`,
          params: [tenant, idBytes(endpoint)],
        }
  return {
    type,
    tenant,
    endpoint,
    name: found === undefined ? null : textOrNull(found.name),
    host: found === undefined ? null : (URL.parse(text(found.url))?.host ?? null),
    now: endpoint === null ? 'unchanged' : nowOf(type, found),
    failure: yield* readFailure(tenant, deliveryOf(data)),
    count: int(row.count),
    firstAtMs: int(row.first_ms),
    lastAtMs: int(row.last_ms),
    data,
  }
}

function nowOf(type: string, endpoint: Row | undefined): MessageItem['now'] {
  if (endpoint === undefined || endpoint.deleted_ms !== null) return 'deleted'
  const isEnabled = text(endpoint.state) === 'enabled'
  const isOver =
    (type === 'posthorn.endpoint.disabled' && isEnabled) ||
    (type === 'posthorn.endpoint.failing' && isEnabled && endpoint.failing_since_ms === null)
  return isOver ? 'over' : 'unchanged'
}

function deliveryOf({ delivery, deliveries }: MessageItem['data']): string | null {
  const first = Array.isArray(deliveries) ? (deliveries[0] as { readonly delivery?: unknown } | undefined) : undefined
  const id = first?.delivery ?? delivery
  return typeof id === 'string' ? id : null
}

function* readFailure(tenant: TenantId, delivery: string | null): Transaction<LastFailure | null> {
  if (delivery === null) return null
  const [row] = yield {
    text: `select status, error, started_ms from attempt where tenant = $1 and delivery = $2 and error is not null
           order by number desc, started_ms desc limit 1`,
    params: [tenant, idBytes(delivery)],
  }
  if (row === undefined) return null
  return { atMs: int(row.started_ms), status: intOrNull(row.status), error: text(row.error) as AttemptError }
}
