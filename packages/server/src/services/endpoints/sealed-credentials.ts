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

/** The credentials of endpoints, which are sealed wherever they are kept. */
export class SealedCredentials {
  readonly #store: Pick<Store, 'now'>
  readonly #keyring: Keyring

  constructor(store: Pick<Store, 'now'>, keyring: Keyring) {
    this.#store = store
    this.#keyring = keyring
  }

  /** Undefined: they can't be decrypted. */
  open({ id, sealedCredentials }: Endpoint): Credentials | undefined {
    try {
      return readCredentials(this.#keyring.open(id, sealedCredentials))
    } catch (error) {
      if (error instanceof SecretUnreadable) return undefined
      throw error
    }
  }

  /** Throws `conflict` where they can't be decrypted. */
  openOrRefuse(endpoint: Endpoint): Credentials {
    const credentials = this.open(endpoint)
    if (credentials !== undefined) return credentials
    throw new PosthornError('conflict', 'The stored secrets cannot be decrypted; give a new clientSecret first.')
  }

  /** As the endpoint's row has them. */
  seal(id: EndpointId, credentials: Credentials): Pick<Endpoint, 'sealedCredentials' | 'secretDigest' | 'expiry'> {
    return {
      expiry: expiryOf(credentials, this.#store.now()),
      sealedCredentials: this.#keyring.seal(id, writeCredentials(credentials)),
      secretDigest: digestOf(credentials, this.#keyring),
    }
  }

  /** What the checked input makes of them. */
  change(before: Endpoint, checked: CheckedCredentials): Credentials {
    const nowMs = this.#store.now()
    // A new clientSecret is a new beginning where what was there can't be opened any more.
    const opened = this.open(before)
    if (opened === undefined && checked.clientSecret !== undefined) {
      if (checked.switchAtMs === undefined || checked.switchAtMs === null) return createCredentials(checked, nowMs)
      const detail = "The secret that it is to replace can't be read, so the new one is in force at once: leave it out."
      throw invalid([{ field: '/switchAt', detail }])
    }
    const after = changeCredentials(opened ?? this.openOrRefuse(before), checked, nowMs)
    if (clientSecretAt(after, nowMs) !== null || after.oauth !== null) return after
    throw invalid([{ field: '/clientSecret', detail: 'Without oauth it needs a clientSecret: give one.' }])
  }
}

/** Of credentials that were given, beside the clientSecret. */
export const namesOf = ({ clientCertificate, oauth }: CheckedCredentials): string[] => [
  ...(clientCertificate === undefined ? [] : ['clientCertificate']),
  ...(oauth === undefined ? [] : ['oauth']),
]

/** Of the newest clientSecret; null: there is none. */
export function digestOf({ next, clientSecret }: Credentials, keyring: Keyring): Uint8Array | null {
  const newest = next?.clientSecret ?? clientSecret
  return newest === null ? null : keyring.digest(newest)
}

/** Of a key for `v1a` the public half is always shown. */
export const shownOnce = (secret: SigningSecret): string | null =>
  secret.version === 'v1' ? verificationKeyOf(secret) : null
