/** Secret extra headers: the endpoint's row has their names, and their values are sealed with its credentials. */
import { pointerToken } from '../../base/json-scanner.ts'
import type { ExtraHeader, ExtraHeaders } from '../../base/model.ts'
import { invalid } from '../checks/refusals.ts'
import type { WantedHeader } from './extra-headers.ts'

type Values = Readonly<Record<string, string>>

export type SplitHeaders = {
  /** For the endpoint's row. */
  readonly stored: ExtraHeaders
  /** For the credentials. */
  readonly sealed: Values
}

/**
 * Parts headers into what is stored in clear and what is sealed. Throws `invalid` if a header is to keep its value and
 * there is none.
 *
 * @param before the endpoint's headers until now
 * @param sealed values sealed until now
 */
export function splitHeaders(wanted: readonly WantedHeader[], before: ExtraHeaders, sealed: Values): SplitHeaders {
  const known = new Map(Object.entries(before))
  const opened = new Map(Object.entries(sealed))
  const headers = wanted.map(({ name, secret, value: given }) => {
    const value = given ?? known.get(name)?.value ?? opened.get(name)
    if (value === undefined) throw withoutValue(name)
    return { name, secret, value }
  })
  return {
    stored: Object.fromEntries(
      headers.map(({ name, secret, value }): [string, ExtraHeader] => [name, { secret, value: secret ? null : value }]),
    ),
    sealed: Object.fromEntries(headers.flatMap(({ name, secret, value }) => (secret ? [[name, value]] : []))),
  }
}

/** All headers as they are. */
export const keepAll = (headers: ExtraHeaders): WantedHeader[] =>
  Object.entries(headers).map(([name, { secret }]) => ({ name, secret, value: null }))

/** Whether the value of a secret header is in the endpoint's row, where an earlier version stored it. */
export const isAnyUnsealed = (headers: ExtraHeaders): boolean =>
  Object.values(headers).some(({ secret, value }) => secret && value !== null)

/** Whether any header gets a secret value other than the one it has. */
export function changesSecrets(wanted: readonly WantedHeader[], before: ExtraHeaders, sealed: Values): boolean {
  const known = new Map(Object.entries(before))
  const opened = new Map(Object.entries(sealed))
  return wanted.some(({ name, secret, value }) => {
    return secret && value !== null && value !== (known.get(name)?.value ?? opened.get(name))
  })
}

const withoutValue = (name: string) =>
  invalid([
    {
      field: `/headers/${pointerToken(name)}`,
      detail: 'The stored value cannot be decrypted. Give the value again, or remove the header.',
    },
  ])
