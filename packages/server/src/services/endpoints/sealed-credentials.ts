import { PosthornError } from '../../base/errors.ts'
import type { Endpoint, ExtraHeader, ExtraHeaders } from '../../base/model.ts'
import {
  type Credentials,
  clientSecretAt,
  readCredentials,
  type SigningSecret,
  verificationKeyOf,
  writeCredentials,
} from '../../secrets/credentials.ts'
import { type Keyring, SecretUnreadable } from '../../secrets/keyring.ts'
import type { Store } from '../../store/store.ts'
import { invalid } from '../checks/refusals.ts'
import { expiryOf } from './authentication.ts'
import {
  type CheckedCredentials,
  changeCredentials,
  changesCredentials,
  createCredentials,
} from './credentials-input.ts'
import type { WantedHeader } from './extra-headers.ts'
import { isAnyUnsealed, keepAll, splitHeaders } from './sealed-headers.ts'

/** Columns of an endpoint's row: what is sealed, and what is derived from it. */
type SealedColumns = Pick<Endpoint, 'sealedCredentials' | 'secretDigest' | 'expiry' | 'headers'>

/** Encrypts and decrypts the credentials of endpoints, which are never stored in plain text. */
export class SealedCredentials {
  readonly #store: Pick<Store, 'now'>
  readonly #keyring: Keyring

  constructor(store: Pick<Store, 'now'>, keyring: Keyring) {
    this.#store = store
    this.#keyring = keyring
  }

  /** Undefined if they can't be decrypted. */
  open({ id, sealedCredentials }: Endpoint): Credentials | undefined {
    try {
      return readCredentials(this.#keyring.open(id, sealedCredentials))
    } catch (error) {
      if (error instanceof SecretUnreadable) return undefined
      throw error
    }
  }

  /** Throws `conflict` if they can't be decrypted. */
  openOrRefuse(endpoint: Endpoint): Credentials {
    const credentials = this.open(endpoint)
    if (credentials !== undefined) return credentials
    throw unreadable()
  }

  /**
   * The columns of the endpoint's row. Secret headers that an earlier version stored in clear are sealed too.
   *
   * @param wanted its headers; default: those that it has
   */
  seal(
    { id, headers: before }: Pick<Endpoint, 'id' | 'headers'>,
    credentials: Credentials,
    wanted: readonly WantedHeader[] = keepAll(before),
  ): SealedColumns {
    const { stored, sealed } = splitHeaders(wanted, before, credentials.headers)
    const all = { ...credentials, headers: sealed }
    return {
      headers: stored,
      expiry: expiryOf(all, this.#store.now()),
      sealedCredentials: this.#keyring.seal(id, writeCredentials(all)),
      secretDigest: digestOf(all, this.#keyring),
    }
  }

  /** The columns after a change. `headers` undefined: they stay as they are. */
  change(before: Endpoint, checked: CheckedCredentials, headers?: readonly WantedHeader[]): Partial<SealedColumns> {
    const isCredentials = changesCredentials(checked)
    const isUnread = this.open(before) === undefined && checked.clientSecret === undefined
    if (isUnread && !isCredentials) return headers === undefined ? {} : { headers: withoutOpening(before, headers) }
    if (!isCredentials && headers === undefined && !isAnyUnsealed(before.headers)) return {}
    return this.seal(before, this.#changed(before, checked), headers)
  }

  #changed(before: Endpoint, checked: CheckedCredentials): Credentials {
    const nowMs = this.#store.now()
    // If the old credentials can no longer be decrypted, a new clientSecret starts from scratch.
    const opened = this.open(before)
    if (opened === undefined && checked.clientSecret !== undefined) {
      if (checked.switchAtMs === undefined || checked.switchAtMs === null) return createCredentials(checked, nowMs)
      const detail = 'The current secret cannot be decrypted, so the new one takes effect immediately. Omit switchAt.'
      throw invalid([{ field: '/switchAt', detail }])
    }
    const after = changeCredentials(opened ?? this.openOrRefuse(before), checked, nowMs)
    if (clientSecretAt(after, nowMs) !== null || after.oauth !== null) return after
    throw invalid([{ field: '/clientSecret', detail: 'An endpoint without oauth needs a clientSecret. Set one.' }])
  }
}

/** The headers after a change without new secrets, of an endpoint whose credentials can't be decrypted. */
function withoutOpening(before: Endpoint, wanted: readonly WantedHeader[]): ExtraHeaders {
  const known = new Map(Object.entries(before.headers))
  const headers = wanted.map(({ name, secret, value }): [string, ExtraHeader] => {
    const header = value === null ? known.get(name) : { secret, value }
    // There is nowhere to seal another value.
    if (header?.secret !== secret || (secret && value !== null)) throw unreadable()
    return [name, header]
  })
  return Object.fromEntries(headers)
}

/** Names of the credentials in the input, other than the clientSecret. */
export const namesOf = ({ clientCertificate, oauth }: CheckedCredentials): string[] => [
  ...(clientCertificate === undefined ? [] : ['clientCertificate']),
  ...(oauth === undefined ? [] : ['oauth']),
]

const unreadable = (): PosthornError =>
  new PosthornError('conflict', 'The stored secrets cannot be decrypted. Set a new clientSecret first.')

/** Digest of the newest clientSecret; null: there is none. */
export function digestOf({ next, clientSecret }: Credentials, keyring: Keyring): Uint8Array | null {
  const newest = next?.clientSecret ?? clientSecret
  return newest === null ? null : keyring.digest(newest)
}

/** The secret to return once; null for `v1a`, whose public key is always returned. */
export const shownOnce = (secret: SigningSecret): string | null =>
  secret.version === 'v1' ? verificationKeyOf(secret) : null
