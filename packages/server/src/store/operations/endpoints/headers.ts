/**
 * Extra headers as the endpoint's row has them, in JSON by name: a string is a value that is shown, null a value that
 * is sealed with the credentials, and a list of one string a value that is shown although the name says that it is a
 * secret. A string under such a name was stored by an earlier version, which in its turn sends an empty value for null
 * and the value of a list.
 */

import type { ExtraHeader, ExtraHeaders } from '../../../base/model.ts'
import { isSecretName } from '../../../secrets/secret-headers.ts'

type Stored = string | readonly [string] | null

export const parseHeaders = (text: string): ExtraHeaders =>
  mapHeaders(JSON.parse(text) as Record<string, Stored>, (stored, name): ExtraHeader => {
    if (stored === null) return { secret: true, value: null }
    if (typeof stored === 'string') return { secret: isSecretName(name), value: stored }
    return { secret: false, value: stored[0] }
  })

export const writeHeaders = (headers: ExtraHeaders): string =>
  JSON.stringify(
    mapHeaders(headers, ({ secret, value }, name): Stored => {
      if (value === null || secret === isSecretName(name)) return value
      if (secret) throw new Error(`the value of the secret header ${name} is not sealed`)
      return [value]
    }),
  )

/** What can be shown of them, and is kept of a deleted endpoint. */
export const withoutSecrets = (headers: ExtraHeaders): ExtraHeaders =>
  mapHeaders(headers, header => (header.secret ? { secret: true, value: null } : header))

/** Assigning the members one by one would drop a header named __proto__. */
const mapHeaders = <From, To>(headers: Readonly<Record<string, From>>, map: (header: From, name: string) => To) =>
  Object.fromEntries(Object.entries(headers).map(([name, header]) => [name, map(header, name)]))
