/** The tenants' portal: what links give, and how it looks (decisions 52 and 53). */
import type { ApiKeyId, PortalLinkId, TenantId } from './model.ts'

/** What a portal session can do (decision 52). Each is decided at the API, by the route (api/http/routes.ts). */
export const PORTAL_PERMISSIONS = ['look', 'payloads', 'retry', 'test', 'endpoints', 'secrets'] as const
export type PortalPermission = (typeof PORTAL_PERMISSIONS)[number]

export const PORTAL_THEMES = ['light', 'dark', 'system'] as const
export const PORTAL_LANGUAGES = ['en', 'de'] as const

/** What a portal link gives to the sessions that it starts. */
export type Portal = {
  /** Who it is for, by the provider's name or id. Shown in the audit log. */
  readonly user: string | null
  readonly may: readonly PortalPermission[]
  /** Null: the browser decides, as for `language`. */
  readonly theme: (typeof PORTAL_THEMES)[number] | null
  readonly language: (typeof PORTAL_LANGUAGES)[number] | null
  /** Where the page leads back to. */
  readonly returnUrl: string | null
}

/** The portal's pages that can be left out. */
export const PORTAL_PAGES = ['overview', 'endpoints', 'deliveries', 'events', 'event-types'] as const
export type PortalPage = (typeof PORTAL_PAGES)[number]

/** How the portals of all tenants look (decision 53). */
export type PortalLooks = {
  /** The provider's product. Null: the pages name only the tenant. */
  readonly name: string | null
  /** The colour of links and buttons, as `#rrggbb`. Null: Posthorn's own. */
  readonly accent: string | null
  /** The same on dark backgrounds. Null: `accent` on them too. */
  readonly accentDark: string | null
  /** For links that don't say it. */
  readonly theme: (typeof PORTAL_THEMES)[number]
  /** Of corners, in CSS pixels. */
  readonly radius: number
  readonly hiddenPages: readonly PortalPage[]
  /** Pages of the provider, with what the links to them say. */
  readonly help: readonly { readonly label: string; readonly url: string }[]
  /** Whether event types can be read without a session. */
  readonly publicTypes: boolean
}

export const DEFAULT_LOOKS: PortalLooks = {
  name: null,
  accent: null,
  accentDark: null,
  theme: 'system',
  radius: 6,
  hiddenPages: [],
  help: [],
  publicTypes: false,
}

export const LOGO_TYPES = ['image/svg+xml', 'image/png', 'image/jpeg', 'image/webp'] as const

export type PortalLogo = {
  readonly type: (typeof LOGO_TYPES)[number]
  readonly bytes: Uint8Array
  /** Of the bytes. */
  readonly hash: string
}

/** The looks as they are stored, without the bytes of the logo. */
export type StoredLooks = {
  readonly looks: PortalLooks
  readonly logo: (Omit<PortalLogo, 'bytes'> & { readonly size: number }) | null
  /** Null: nothing was ever set. */
  readonly updatedAtMs: number | null
}

/** A link to the portal of one tenant. The token in it is not stored, only its hash. */
export type PortalLink = {
  readonly id: PortalLinkId
  readonly tenant: TenantId
  /** The API key that made it. Null: the root key. */
  readonly key: ApiKeyId | null
  readonly portal: Portal
  /** How often it can still be used. */
  readonly usesLeft: number
  /** How long each of its sessions lasts. */
  readonly sessionMs: number
  readonly createdAtMs: number
  readonly expiresAtMs: number
}
