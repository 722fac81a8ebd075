// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { Connection } from '../http/connection.ts'
import { type List, list, type Page } from '../http/list.ts'
import type { CallOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import type { AuditEntry, AuditEntryAction, AuditEntryType, Time, Timestamp } from './models.ts'

/** Query of: List changes to the configuration, what people did to deliveries, and who it was, newest first. */
export type ListAuditQuery = {
  /** Only entries about this tenant, even if it was deleted. */
  tenant?: string | undefined
  /**
   * Only changes made by the root key (`root`), by Posthorn itself (`system`), by any other API key (`key`), or by the
   * API key with this id.
   */
  actor?: string | undefined
  /** Only these actions. Several are separated by commas, or the parameter is repeated. */
  action?: AuditEntryAction | readonly AuditEntryAction[] | undefined
  /** Only changes of things of these types. Several are separated by commas, or the parameter is repeated. */
  target?: AuditEntryType | readonly AuditEntryType[] | undefined
  /** Only changes of the thing with this id. For an event type, it is its name. At most 256 characters. */
  targetId?: string | undefined
  /** Only items created at or after this time. In RFC 3339 format; a date alone is midnight UTC. */
  from?: Time | undefined
  /** Only items created before this time. In RFC 3339 format; a date alone is midnight UTC. */
  to?: Time | undefined
  /** Where to continue: the `nextCursor` or `prevCursor` of another page of this list. */
  cursor?: string | undefined
  /** Maximum number of items to return. From 1 to 1,000. Default: 50. */
  limit?: number | undefined
}

/** A page of audit entries. */
export type ListAuditPage = Page<AuditEntry> & {
  /**
   * How far the list looked before its time was up. More can follow: `nextCursor` (or, going back, `prevCursor`)
   * continues there. Null if the page is complete.
   */
  searchedTo: Timestamp | null
}

/** The calls of the API about audit. */
export class AuditResource {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * List changes to the configuration, what people did to deliveries, and who it was, newest first: `GET /v1/audit`.
   *
   * If little matches, the list answers after about 2 seconds with what it has found until then, possibly nothing, and
   * says in `searchedTo` how far it looked. Follow `nextCursor` until it is null.
   */
  list(query?: ListAuditQuery, options?: CallOptions): List<AuditEntry, ListAuditPage> {
    return list(this.#connection, path`/v1/audit`, query, options)
  }
}
