// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { Connection } from '../http/connection.ts'
import { type List, list, type Page } from '../http/list.ts'
import type { CallOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import type { AuditEntry, Time } from './models.ts'

/** Query of: List the changes to the configuration and who made them, newest first. */
export type ListAuditQuery = {
  /** Only entries about this tenant, even if it was deleted. */
  tenant?: string | undefined
  /** Only items created at or after this time. In RFC 3339 format; a date alone is midnight UTC. */
  from?: Time | undefined
  /** Only items created before this time. In RFC 3339 format; a date alone is midnight UTC. */
  to?: Time | undefined
  /** Where to continue: the `nextCursor` or `prevCursor` of another page of this list. */
  cursor?: string | undefined
  /** Maximum number of items to return. From 1 to 1,000. Default: 50. */
  limit?: number | undefined
}

/** The calls of the API about audit. */
export class AuditResource {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** List the changes to the configuration and who made them, newest first: `GET /v1/audit`. */
  list(query?: ListAuditQuery, options?: CallOptions): List<AuditEntry, Page<AuditEntry>> {
    return list(this.#connection, path`/v1/audit`, query, options)
  }
}
