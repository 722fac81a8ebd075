// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { Connection } from '../http/connection.ts'
import { type List, list, type Page } from '../http/list.ts'
import type { CallOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import { readNothing, readText } from '../http/responses.ts'
import type { Notification, NotificationKind } from './models.ts'

/** Body of: Tell someone by mail or chat what happens to endpoints. */
export type CreateNotificationBody = {
  /** How it tells: by `email`, or to an incoming webhook of `slack` or `teams`. */
  kind: NotificationKind
  /** The mail address, or the URL of the incoming webhook. At most 2,048 characters. */
  address: string
  /**
   * The operational events to tell of. Defaults to all of them. Only the tenant `posthorn` can be told of
   * `posthorn.node.lost`. At most 16 items.
   */
  types?: readonly string[] | undefined
  /** The language of its messages: `en` or `de`. Defaults to `en`. */
  language?: 'en' | 'de' | undefined
}

/** Query of: List a tenant's notifications, newest first. */
export type ListNotificationsQuery = {
  /** Where to continue: the `nextCursor` or `prevCursor` of another page of this list. */
  cursor?: string | undefined
  /** Maximum number of items to return. From 1 to 1,000. Default: 50. */
  limit?: number | undefined
}

/** Body of: Change what a notification tells of, or its language. */
export type UpdateNotificationBody = {
  /** The operational events to tell of, at least one. At most 16 items. */
  types?: readonly string[] | undefined
  /** The language of its messages. */
  language?: 'en' | 'de' | undefined
}

/** The calls of the API about notifications. */
export class NotificationsResource {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Tell someone by mail or chat what happens to endpoints: `POST /v1/tenants/{tenant}/notifications`.
   *
   * Sends a request to confirm the address, with a link. Nothing else is sent until someone there has confirmed it. The
   * tenant `posthorn` is the operator, who is told about all tenants.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found` or `conflict`.
   */
  create(tenant: string, body: CreateNotificationBody, options?: CallOptions): Promise<Notification> {
    return this.#connection.call({ method: 'POST', path: path`/v1/tenants/${tenant}/notifications`, body }, options)
  }

  /**
   * List a tenant's notifications, newest first: `GET /v1/tenants/{tenant}/notifications`.
   *
   * @param tenant The tenant's id, chosen by the provider.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  list(tenant: string, query?: ListNotificationsQuery, options?: CallOptions): List<Notification, Page<Notification>> {
    return list(this.#connection, path`/v1/tenants/${tenant}/notifications`, query, options)
  }

  /**
   * Send the request to confirm an address again: `POST /v1/tenants/{tenant}/notifications/{id}/confirmation`.
   *
   * At most three requests a day are sent to one address, whichever tenant asks for them.
   *
   * @throws ApiError with the codes that any call can have, or `not_found` or `conflict`.
   */
  requestConfirmation(tenant: string, id: string, options?: CallOptions): Promise<Notification> {
    return this.#connection.call(
      { method: 'POST', path: path`/v1/tenants/${tenant}/notifications/${id}/confirmation` },
      options,
    )
  }

  /**
   * Send a test message to a confirmed address: `POST /v1/tenants/{tenant}/notifications/{id}/test`.
   *
   * Sends it once, without retries. `lastSentAt` or `lastFailure` of the notification then say how that ended. At most
   * five an hour.
   *
   * @throws ApiError with the codes that any call can have, or `not_found` or `conflict`.
   */
  test(tenant: string, id: string, options?: CallOptions): Promise<Notification> {
    return this.#connection.call(
      { method: 'POST', path: path`/v1/tenants/${tenant}/notifications/${id}/test` },
      options,
    )
  }

  /**
   * Get a notification: `GET /v1/tenants/{tenant}/notifications/{id}`.
   *
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  get(tenant: string, id: string, options?: CallOptions): Promise<Notification> {
    return this.#connection.call({ method: 'GET', path: path`/v1/tenants/${tenant}/notifications/${id}` }, options)
  }

  /**
   * Change what a notification tells of, or its language: `PATCH /v1/tenants/{tenant}/notifications/{id}`.
   *
   * To change the address, create another notification.
   *
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  update(tenant: string, id: string, body?: UpdateNotificationBody, options?: CallOptions): Promise<Notification> {
    return this.#connection.call(
      { method: 'PATCH', path: path`/v1/tenants/${tenant}/notifications/${id}`, body },
      options,
    )
  }

  /**
   * Delete a notification: `DELETE /v1/tenants/{tenant}/notifications/{id}`.
   *
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  delete(tenant: string, id: string, options?: CallOptions): Promise<void> {
    return this.#connection.call(
      { method: 'DELETE', path: path`/v1/tenants/${tenant}/notifications/${id}` },
      options,
      readNothing,
    )
  }

  /**
   * Show what the link in a message does: `GET /notification-links/{token}`.
   *
   * Changes nothing.
   */
  showLink(token: string, options?: CallOptions): Promise<string> {
    return this.#connection.call({ method: 'GET', path: path`/notification-links/${token}` }, options, readText)
  }

  /**
   * Confirm an address, or unsubscribe it: `POST /notification-links/{token}`.
   *
   * Which of the two is up to the link. Needs no key and no body; a form, as mailboxes send it (RFC 8058), is not read.
   */
  followLink(token: string, options?: CallOptions): Promise<string> {
    return this.#connection.call({ method: 'POST', path: path`/notification-links/${token}` }, options, readText)
  }
}
