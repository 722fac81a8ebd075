import { PosthornError } from '../../base/errors.ts'
import type { Endpoint, EndpointId } from '../../base/model.ts'
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
import { type CheckedCredentials, changeCredentials, createCredentials } from './credentials-input.ts'

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
    throw new PosthornError('conflict', 'The stored secrets cannot be decrypted. Set a new clientSecret first.')
  }

  /** The columns of the endpoint's row. */
  seal(id: EndpointId, credentials: Credentials): Pick<Endpoint, 'sealedCredentials' | 'secretDigest' | 'expiry'> {
    return {
      expiry: expiryOf(credentials, this.#store.now()),
      sealedCredentials: this.#keyring.seal(id, writeCredentials(credentials)),
      secretDigest: digestOf(credentials, this.#keyring),
    }
  }

  /** The endpoint's credentials, changed by the checked input. */
  change(before: Endpoint, checked: CheckedCredentials): Credentials {
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

/** Names of the credentials in the input, other than the clientSecret. */
export const namesOf = ({ clientCertificate, oauth }: CheckedCredentials): string[] => [
  ...(clientCertificate === undefined ? [] : ['clientCertificate']),
  ...(oauth === undefined ? [] : ['oauth']),
]

/** Digest of the newest clientSecret; null: there is none. */
export function digestOf({ next, clientSecret }: Credentials, keyring: Keyring): Uint8Array | null {
  const newest = next?.clientSecret ?? clientSecret
  return newest === null ? null : keyring.digest(newest)
}

/** The secret to return once; null for `v1a`, whose public key is always returned. */
export const shownOnce = (secret: SigningSecret): string | null =>
  secret.version === 'v1' ? verificationKeyOf(secret) : null
