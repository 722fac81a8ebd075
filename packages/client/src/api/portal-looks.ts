// Generated from the OpenAPI document by `npm run generate:client`. Do not edit.
import type { Connection } from '../http/connection.ts'
import type { CallOptions } from '../http/options.ts'
import { path } from '../http/path.ts'
import { readBytes, readNothing } from '../http/responses.ts'
import type {
  PortalLinkTheme,
  PortalLooks,
  PortalLooksHiddenPage,
  PublicEventType,
  ShownPortalLooks,
} from './models.ts'

/** Body of: Replace how the portals of all tenants look. */
export type PutPortalLooksBody = {
  /** The product's name: 1 to 64 characters. Defaults to null. */
  name?: string | null | undefined
  /**
   * Colour of links and buttons, as `#rrggbb`. Text in it must have a contrast of 4.5:1 on light backgrounds (WCAG 2.2)
   * and, without `accentDark`, on dark ones. Defaults to null.
   */
  accent?: string | null | undefined
  /** The same for dark backgrounds. Defaults to `accent`. */
  accentDark?: string | null | undefined
  /** For links without a `theme`. Defaults to `system`. */
  theme?: PortalLinkTheme | undefined
  /** Radius of corners in CSS pixels, from 0 to 24. Defaults to 6. */
  radius?: number | undefined
  /** Pages to leave out, but not all. Defaults to none. */
  hiddenPages?: readonly PortalLooksHiddenPage[] | undefined
  /** Links to pages of yours, at most 8: `https://` URLs. Defaults to none. */
  help?:
    | readonly {
        /** 1 to 64 characters. */
        label: string
        url: string
      }[]
    | undefined
  /** Whether anyone can read the event types, without a session. Defaults to false. */
  publicTypes?: boolean | undefined
}

/** Query of: Get the portals' logo. */
export type GetPortalLogoQuery = {
  /** The content that is expected. */
  v?: string | undefined
}

/** The event types, sorted by name. */
export type ListPublicEventTypesResult = {
  data: {
    name: string
    group: string
    description: string
  }[]
}

/** The calls of the API about portal looks. */
export class PortalLooksResource {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Get how the portals of all tenants look: `GET /v1/portal`. */
  get(options?: CallOptions): Promise<PortalLooks> {
    return this.#connection.call({ method: 'GET', path: path`/v1/portal` }, options)
  }

  /**
   * Replace how the portals of all tenants look: `PUT /v1/portal`.
   *
   * Members that are left out get their defaults. The logo stays. All nodes show it within a second.
   */
  put(body?: PutPortalLooksBody, options?: CallOptions): Promise<PortalLooks> {
    return this.#connection.call({ method: 'PUT', path: path`/v1/portal`, body }, options)
  }

  /**
   * Remove the portals' logo: `DELETE /v1/portal/logo`.
   *
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  deletePortalLogo(options?: CallOptions): Promise<void> {
    return this.#connection.call({ method: 'DELETE', path: path`/v1/portal/logo` }, options, readNothing)
  }

  /**
   * Replace the portals' logo: `PUT /v1/portal/logo`.
   *
   * The body is the image: PNG, JPEG, WebP or SVG, at most 256 KiB and 4,096 pixels on a side. Its content decides
   * which it is, not its type. An SVG can have shapes, text, gradients and the like, and nothing that runs or loads.
   */
  putPortalLogo(body: Uint8Array, options?: CallOptions): Promise<PortalLooks> {
    return this.#connection.call({ method: 'PUT', path: path`/v1/portal/logo`, body }, options)
  }

  /**
   * Get what the pages of the portal show before there is a session: `GET /v1/portal-looks`.
   *
   * The path is `/portal/v1/portal-looks`. Needs no API key and no session.
   *
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  getShown(options?: CallOptions): Promise<ShownPortalLooks> {
    return this.#connection.call({ method: 'GET', path: path`/v1/portal-looks` }, options)
  }

  /**
   * Get the portals' logo: `GET /portal/logo`.
   *
   * Needs no API key and no session. The response has the logo's own type.
   *
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  getPortalLogo(query?: GetPortalLogoQuery, options?: CallOptions): Promise<Uint8Array> {
    return this.#connection.call({ method: 'GET', path: path`/portal/logo`, query }, options, readBytes)
  }

  /**
   * List the event types in use, if they are public: `GET /v1/public-event-types`.
   *
   * The path is `/portal/v1/public-event-types`. Needs no API key and no session. `publicTypes` of the portal's looks
   * decides. Posthorn's own types are not included.
   *
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  listPublicEventTypes(options?: CallOptions): Promise<ListPublicEventTypesResult> {
    return this.#connection.call({ method: 'GET', path: path`/v1/public-event-types` }, options)
  }

  /**
   * Get an event type, if they are public: `GET /v1/public-event-types/{name}`.
   *
   * The path is `/portal/v1/public-event-types/{name}`. Needs no API key and no session.
   *
   * @param name The name of the event type.
   * @throws ApiError with the codes that any call can have, or `not_found`.
   */
  getPublicEventType(name: string, options?: CallOptions): Promise<PublicEventType> {
    return this.#connection.call({ method: 'GET', path: path`/v1/public-event-types/${name}` }, options)
  }
}
