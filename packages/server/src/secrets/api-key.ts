/** API keys, and the tokens that stand for them in a browser: how one is generated, and what the store keeps of it. */
import { hash, randomBytes } from 'node:crypto'

const KEY_BYTES = 32

/**
 * What the store keeps of a key. One round of SHA-256 is enough: a key of 256 random bits can't be found by brute
 * force, however fast the hash is.
 */
export const hashOfKey = (key: string): Buffer => hash('sha256', key, 'buffer')

/** A new key. Its prefix lets secret scanners find leaked keys. */
export const makeKey = (): string => make('phk')

/** A new session's token. */
export const makeSessionToken = (): string => make('phs')

/** The token of a new sign-in link. */
export const makeSignInToken = (): string => make('phl')

/** The token of a new link to a portal. */
export const makePortalLinkToken = (): string => make('ppl')

/** A new portal session's token. */
export const makePortalToken = (): string => make('php')

/** The tokens of the links in a notification's messages. */
export const makeConfirmToken = (): string => make('pnc')
export const makeUnsubscribeToken = (): string => make('pnu')

const make = (prefix: string): string => `${prefix}_${randomBytes(KEY_BYTES).toString('base64url')}`
